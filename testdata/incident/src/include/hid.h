/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIXTURE_HID_H
#define FIXTURE_HID_H

#include "base.h"

struct input_id {
	u16 bustype;
	u16 vendor;
	u16 product;
	u16 version;
};

struct input_dev {
	const char *name;
	const char *phys;
	struct input_id id;
	unsigned long evbit[1];
	unsigned long keybit[12];
	unsigned int repeat_key;
	struct timer_list timer;
	int (*event)(struct input_dev *dev, unsigned int type, unsigned int code, int value);
	struct device dev;
};

enum hid_type {
	HID_TYPE_OTHER = 0,
	HID_TYPE_USBMOUSE,
	HID_TYPE_USBNONE,
};

struct hid_usage {
	unsigned hid;
	unsigned collection_index;
	s8 resolution_multiplier;
	u16 code;
	u8 type;
	s16 hat_min, hat_max;
};

struct hid_field {
	unsigned physical;
	struct hid_usage *usage;
	unsigned maxusage;
	s32 *value;
	struct hid_report *report;
};

struct hid_report {
	struct list_head list;
	unsigned int id;
	unsigned maxfield;
	struct hid_field *field[256];
	struct hid_device *device;
};

struct hid_device {
	u8 *rdesc;
	unsigned rsize;
	u16 bus;
	u32 vendor, product;
	enum hid_type type;
	struct device dev;
	struct hid_driver *driver;
	bool battery_avoid_query : 1;
	bool io_started;
	unsigned long quirks;
	char name[128];
	char phys[64];
	void *driver_data;
};

struct hid_device_id {
	u16 bus;
	u16 group;
	u32 vendor, product;
	unsigned long driver_data;
};

struct hid_driver {
	char *name;
	const struct hid_device_id *id_table;
	int (*probe)(struct hid_device *dev, const struct hid_device_id *id);
	void (*remove)(struct hid_device *dev);
	int (*event)(struct hid_device *hdev, struct hid_field *field, struct hid_usage *usage,
		     s32 value);
	struct device_driver driver;
};

int __hid_register_driver(struct hid_driver *hdrv, struct module *owner, const char *mod_name);
void hid_unregister_driver(struct hid_driver *hdrv);
int hid_hw_start(struct hid_device *hdev, unsigned int connect_mask);
void hid_hw_stop(struct hid_device *hdev);
void input_event(struct input_dev *dev, unsigned int type, unsigned int code, int value);
struct input_dev *input_allocate_device(void);
int input_register_device(struct input_dev *dev);
void input_unregister_device(struct input_dev *dev);

#endif
