/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/module.h"
#include "../include/hid.h"
#include "../include/leds.h"
#include "../include/usb.h"

struct xpad_led {
	char name[16];
	struct led_classdev led_cdev;
	struct usb_xpad *xpad;
};

struct usb_xpad {
	struct input_dev *dev;
	struct usb_device *udev;
	struct usb_interface *intf;
	bool pad_present;
	unsigned char *idata;
	dma_addr_t idata_dma;
	struct xpad_led *led;
	char phys[64];
	u8 mapping : 5;
	u8 xtype : 3;
};

static struct usb_xpad xpad_device;
static struct xpad_led xpad_led;

static noinline void xpad_process_packet(struct usb_xpad *xpad, u16 cmd, unsigned char *data)
{
	input_event(xpad->dev, 3, cmd, data[6]);
	input_event(xpad->dev, 3, cmd + 1, data[8]);
}

static noinline void xpad_irq_in(struct urb *urb)
{
	struct usb_xpad *xpad = urb->context;

	if (!urb->status)
		xpad_process_packet(xpad, xpad->mapping, xpad->idata);
}

static noinline void xpad_led_set(struct led_classdev *led_cdev, enum led_brightness value)
{
	led_cdev->brightness = value;
}

static noinline int xpad_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	xpad_device.intf = intf;
	xpad_device.xtype = id->bInterfaceClass & 7;
	xpad_device.led = &xpad_led;
	xpad_led.led_cdev.brightness_set = xpad_led_set;
	return usb_submit_urb(usb_alloc_urb(0, 0), 0);
}

static noinline void xpad_disconnect(struct usb_interface *intf)
{
	struct urb stop = { .complete = xpad_irq_in };

	intf->minor = 0;
	usb_kill_urb(&stop);
}

static struct usb_driver xpad_driver = {
	.name = "xpad",
	.probe = xpad_probe,
	.disconnect = xpad_disconnect,
};

extern struct module __this_module;

static int xpad_driver_init(void)
{
	return usb_register_driver(&xpad_driver, &__this_module, "xpad");
}

static void xpad_driver_exit(void)
{
	usb_deregister(&xpad_driver);
}

MODULE_ENTRY(xpad_driver_init, xpad_driver_exit);
MODULE_INFO("Gamepad driver", "GPL", "usbcore");
