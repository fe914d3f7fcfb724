/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/usb.h"

struct usb_bus {
	struct device *controller;
	int busnum;
	const char *bus_name;
	struct usb_device *root_hub;
	u8 uses_dma : 1, is_b_host : 1, no_stop_on_short : 1;
};

static struct urb spare;

struct urb *usb_alloc_urb(int iso_packets, gfp_t mem_flags)
{
	spare.pipe = mem_flags;
	return iso_packets ? NULL : &spare;
}

void usb_free_urb(struct urb *urb)
{
	urb->kref.refcount.refs.counter--;
}

static noinline int usb_hcd_submit_urb(struct urb *urb, gfp_t mem_flags)
{
	urb->dev->urbnum.counter++;
	urb->complete(urb);
	return (int)mem_flags;
}

int usb_submit_urb(struct urb *urb, gfp_t mem_flags)
{
	if (!urb->ep->enabled || urb->dev->state < USB_STATE_CONFIGURED)
		return -19;
	return usb_hcd_submit_urb(urb, mem_flags);
}

void usb_kill_urb(struct urb *urb)
{
	urb->unlinked = -2;
}

int usb_control_msg(struct usb_device *dev, unsigned int pipe, u8 request, u8 requesttype,
		    u16 value, u16 index, void *data, u16 size, int timeout)
{
	return dev->bus->busnum + pipe + request + requesttype + value + index + (data != NULL) +
	       size + timeout;
}

int usb_register_driver(struct usb_driver *driver, struct module *owner, const char *mod_name)
{
	return driver->probe && owner->state == MODULE_STATE_COMING ? 0 : *mod_name;
}

void usb_deregister(struct usb_driver *driver)
{
	driver->name = NULL;
}

int usb_reset_device(struct usb_device *udev)
{
	udev->state = USB_STATE_ATTACHED;
	udev->lpm_capable = 0;
	return udev->speed == USB_SPEED_UNKNOWN;
}

ssize_t product_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	buf[0] = attr->name[0];
	return dev->parent != NULL;
}
