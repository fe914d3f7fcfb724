/* SPDX-License-Identifier: Apache-2.0 */
/* A module that needs a symbol of another module, which is in a package of its own. */
#include "../include/module.h"
#include "../include/hid.h"
#include "../include/leds.h"
#include "../include/usb.h"

struct gamepad_effect {
	u16 strong;
	u16 weak;
	u32 length;
	struct urb *urb;
};

struct gamepad {
	struct hid_device *hdev;
	struct input_dev *input;
	struct led_classdev led;
	struct gamepad_effect effects[4];
	struct usb_interface *intf;
	u32 count;
};

int ff_memless_create(struct input_dev *dev);

static noinline void gamepad_rumble(struct gamepad *pad, struct gamepad_effect *effect)
{
	input_event(pad->input, 1, effect->strong, effect->weak);
}

static noinline void gamepad_led_set(struct led_classdev *led_cdev, enum led_brightness value)
{
	led_cdev->brightness = value;
}

static noinline int gamepad_probe(struct gamepad *pad)
{
	pad->led.brightness_set = gamepad_led_set;
	gamepad_rumble(pad, &pad->effects[pad->count & 3]);
	return ff_memless_create(pad->input);
}

static struct gamepad gamepad;

static int gamepad_init(void)
{
	return gamepad_probe(&gamepad);
}

static void gamepad_exit(void)
{
	gamepad.input = NULL;
}

MODULE_ENTRY(gamepad_init, gamepad_exit);
MODULE_INFO("Gamepad with force feedback", "GPL", "ff-memless");
