/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIXTURE_LEDS_H
#define FIXTURE_LEDS_H

#include "base.h"

enum led_brightness {
	LED_OFF = 0,
	LED_ON = 1,
	LED_HALF = 127,
	LED_FULL = 255,
};

struct led_trigger;

struct led_classdev {
	const char *name;
	unsigned int brightness;
	unsigned int max_brightness;
	int flags;
	unsigned long work_flags;
	void (*brightness_set)(struct led_classdev *led_cdev, enum led_brightness brightness);
	enum led_brightness (*brightness_get)(struct led_classdev *led_cdev);
	struct device *dev;
	struct list_head node;
	unsigned long blink_delay_on, blink_delay_off;
	struct timer_list blink_timer;
	struct led_trigger *trigger;
	void *trigger_data;
	bool activated;
	struct mutex led_access;
};

struct led_trigger {
	const char *name;
	int (*activate)(struct led_classdev *led_cdev);
	void (*deactivate)(struct led_classdev *led_cdev);
	struct list_head next_trig;
};

int led_trigger_register(struct led_trigger *trig);
void led_trigger_unregister(struct led_trigger *trig);
void led_set_brightness(struct led_classdev *led_cdev, unsigned int brightness);
void led_blink_set(struct led_classdev *led_cdev, unsigned long *delay_on,
		   unsigned long *delay_off);
int led_classdev_suspend(struct led_classdev *led_cdev);

#endif
