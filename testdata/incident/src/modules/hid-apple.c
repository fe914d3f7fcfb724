/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/module.h"
#include "../include/hid.h"

enum apple_backlight_state { APPLE_BACKLIGHT_OFF, APPLE_BACKLIGHT_DIM = 32, APPLE_BACKLIGHT_ON = 255 };

struct apple_key_translation {
	u16 from;
	u16 to;
	u8 flags;
};

struct apple_sc {
	struct hid_device *hdev;
	unsigned long quirks;
	unsigned int fn_on : 1;
	unsigned int fn_found : 1;
	int mode : 6;
	unsigned long pressed_numlock[12];
	enum apple_backlight_state backlight;
};

static const struct apple_key_translation apple_fn_keys[] = {
	{ 14, 111, 0 },
	{ 28, 110, 0 },
	{ 103, 104, 1 },
	{},
};

static struct apple_sc apple_state;
static struct input_dev *apple_input;

static noinline const struct apple_key_translation *
apple_find_translation(const struct apple_key_translation *table, u16 from)
{
	for (; table->from; table++)
		if (table->from == from)
			return table;
	return NULL;
}

static noinline int hidinput_apple_event(struct hid_device *hid, struct input_dev *input,
					 struct hid_usage *usage, s32 value)
{
	const struct apple_key_translation *trans;

	trans = apple_find_translation(apple_fn_keys, usage->code);
	if (!trans || !apple_state.fn_on)
		return hid->quirks != 0;
	input_event(input, usage->type, trans->to, value);
	return 1;
}

static noinline int apple_event(struct hid_device *hdev, struct hid_field *field,
				struct hid_usage *usage, s32 value)
{
	apple_state.fn_found |= field->maxusage > 1;
	return hidinput_apple_event(hdev, apple_input, usage, value);
}

static noinline int apple_probe(struct hid_device *hdev, const struct hid_device_id *id)
{
	apple_state.quirks = id->driver_data;
	apple_state.backlight = APPLE_BACKLIGHT_DIM;
	apple_input = input_allocate_device();
	if (input_register_device(apple_input))
		return -22;
	return hid_hw_start(hdev, 0x2d);
}

static noinline void apple_remove(struct hid_device *hdev)
{
	input_unregister_device(apple_input);
	hid_hw_stop(hdev);
}

static const struct hid_device_id apple_devices[] = {
	{ .bus = 3, .vendor = 0x05ac, .product = 0x0304, .driver_data = 0x40 },
	{},
};

static struct hid_driver apple_driver = {
	.name = "apple",
	.id_table = apple_devices,
	.probe = apple_probe,
	.remove = apple_remove,
	.event = apple_event,
};

extern struct module __this_module;

static int apple_driver_init(void)
{
	return __hid_register_driver(&apple_driver, &__this_module, "hid_apple");
}

static void apple_driver_exit(void)
{
	hid_unregister_driver(&apple_driver);
}

MODULE_ENTRY(apple_driver_init, apple_driver_exit);
MODULE_INFO("Keyboard quirks", "GPL", "hid");
