/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/hid.h"

int __hid_register_driver(struct hid_driver *hdrv, struct module *owner, const char *mod_name)
{
	hdrv->driver.owner = owner;
	hdrv->driver.name = mod_name;
	return 0;
}

void hid_unregister_driver(struct hid_driver *hdrv)
{
	hdrv->driver.owner = NULL;
}

int hid_hw_start(struct hid_device *hdev, unsigned int connect_mask)
{
	hdev->io_started = connect_mask != 0;
	return hdev->type == HID_TYPE_USBNONE;
}

void hid_hw_stop(struct hid_device *hdev)
{
	hdev->io_started = 0;
}

int hid_report_raw_event(struct hid_device *hid, int type, u8 *data, u32 size, int interrupt)
{
	struct hid_report report = { .device = hid, .id = data[0] };

	return report.id == size ? type : interrupt;
}

void input_event(struct input_dev *dev, unsigned int type, unsigned int code, int value)
{
	if (dev->event)
		dev->event(dev, type, code, value);
}

struct input_dev *input_allocate_device(void)
{
	static struct input_dev dev;

	return &dev;
}

int input_register_device(struct input_dev *dev)
{
	return dev->name ? 0 : -22;
}

void input_unregister_device(struct input_dev *dev)
{
	dev->phys = NULL;
}
