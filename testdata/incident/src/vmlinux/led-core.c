/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/leds.h"

int led_trigger_register(struct led_trigger *trig)
{
	return trig->activate ? 0 : -22;
}

void led_trigger_unregister(struct led_trigger *trig)
{
	trig->name = NULL;
}

void led_set_brightness(struct led_classdev *led_cdev, unsigned int brightness)
{
	led_cdev->brightness = brightness;
	led_cdev->brightness_set(led_cdev, LED_FULL);
}

void led_blink_set(struct led_classdev *led_cdev, unsigned long *delay_on,
		   unsigned long *delay_off)
{
	led_cdev->blink_delay_on = *delay_on;
	led_cdev->blink_delay_off = *delay_off;
}

int led_classdev_suspend(struct led_classdev *led_cdev)
{
	led_cdev->flags |= 1;
	return led_cdev->activated;
}
