/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIXTURE_USB_H
#define FIXTURE_USB_H

#include "base.h"

enum usb_device_speed {
	USB_SPEED_UNKNOWN = 0,
	USB_SPEED_LOW,
	USB_SPEED_FULL,
	USB_SPEED_HIGH,
	USB_SPEED_WIRELESS,
	USB_SPEED_SUPER,
};

enum usb_device_state {
	USB_STATE_NOTATTACHED = 0,
	USB_STATE_ATTACHED,
	USB_STATE_POWERED,
	USB_STATE_ADDRESS,
	USB_STATE_CONFIGURED,
};

struct usb_device_descriptor {
	u8 bLength;
	u8 bDescriptorType;
	__le16 bcdUSB;
	u8 bDeviceClass;
	__le16 idVendor;
	__le16 idProduct;
} __attribute__((packed));

struct usb_endpoint_descriptor {
	u8 bLength;
	u8 bEndpointAddress;
	u8 bmAttributes;
	__le16 wMaxPacketSize;
} __attribute__((packed));

struct usb_bus;
struct usb_device;
struct urb;

struct usb_host_endpoint {
	struct usb_endpoint_descriptor desc;
	struct list_head urb_list;
	void *hcpriv;
	int enabled;
};

struct usb_host_interface {
	u8 bInterfaceNumber;
	u8 bAlternateSetting;
	u8 bNumEndpoints;
	struct usb_host_endpoint *endpoint;
	char *string;
};

enum usb_interface_condition {
	USB_INTERFACE_UNBOUND = 0,
	USB_INTERFACE_BINDING,
	USB_INTERFACE_BOUND,
	USB_INTERFACE_UNBINDING,
};

struct usb_interface {
	struct usb_host_interface *altsetting;
	struct usb_host_interface *cur_altsetting;
	unsigned int num_altsetting;
	int minor;
	enum usb_interface_condition condition;
	unsigned int sysfs_files_created : 1;
	unsigned int ep_devs_created : 1;
	unsigned int needs_remote_wakeup : 1;
	unsigned int authorized : 1;
	struct device dev;
	struct work_struct reset_ws;
};

struct usb_device {
	int devnum;
	char devpath[16];
	enum usb_device_state state;
	enum usb_device_speed speed;
	struct usb_device *parent;
	struct usb_bus *bus;
	struct usb_host_endpoint ep0;
	struct device dev;
	struct usb_device_descriptor descriptor;
	struct usb_host_endpoint *ep_in[16];
	struct usb_host_endpoint *ep_out[16];
	unsigned can_submit : 1;
	unsigned persist_enabled : 1;
	unsigned have_langid : 1;
	unsigned authorized : 1;
	unsigned lpm_capable : 1;
	int string_langid;
	char *product;
	char *manufacturer;
	char *serial;
	atomic_t urbnum;
};

struct usb_device_id {
	u16 match_flags;
	u16 idVendor;
	u16 idProduct;
	u8 bInterfaceClass;
	unsigned long driver_info;
};

typedef void (*usb_complete_t)(struct urb *urb);

struct urb {
	struct kref kref;
	int unlinked;
	atomic_t use_count;
	struct list_head urb_list;
	struct usb_device *dev;
	struct usb_host_endpoint *ep;
	unsigned int pipe;
	int status;
	void *transfer_buffer;
	dma_addr_t transfer_dma;
	u32 transfer_buffer_length;
	u32 actual_length;
	void *context;
	usb_complete_t complete;
};

struct usb_driver {
	const char *name;
	int (*probe)(struct usb_interface *intf, const struct usb_device_id *id);
	void (*disconnect)(struct usb_interface *intf);
	int (*suspend)(struct usb_interface *intf, int message);
	const struct usb_device_id *id_table;
	unsigned int no_dynamic_id : 1;
	unsigned int supports_autosuspend : 1;
	unsigned int soft_unbind : 1;
};

struct urb *usb_alloc_urb(int iso_packets, gfp_t mem_flags);
void usb_free_urb(struct urb *urb);
int usb_submit_urb(struct urb *urb, gfp_t mem_flags);
void usb_kill_urb(struct urb *urb);
int usb_control_msg(struct usb_device *dev, unsigned int pipe, u8 request, u8 requesttype,
		    u16 value, u16 index, void *data, u16 size, int timeout);
int usb_register_driver(struct usb_driver *driver, struct module *owner, const char *mod_name);
void usb_deregister(struct usb_driver *driver);

#endif
