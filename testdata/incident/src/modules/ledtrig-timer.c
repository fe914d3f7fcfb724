/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/module.h"
#include "../include/leds.h"

static noinline int timer_trig_activate(struct led_classdev *led_cdev)
{
	led_blink_set(led_cdev, &led_cdev->blink_delay_on, &led_cdev->blink_delay_off);
	return 0;
}

static noinline void timer_trig_deactivate(struct led_classdev *led_cdev)
{
	led_set_brightness(led_cdev, LED_OFF);
}

static struct led_trigger timer_led_trigger = {
	.name = "timer",
	.activate = timer_trig_activate,
	.deactivate = timer_trig_deactivate,
};

static int timer_led_trigger_init(void)
{
	return led_trigger_register(&timer_led_trigger);
}

static void timer_led_trigger_exit(void)
{
	led_trigger_unregister(&timer_led_trigger);
}

MODULE_ENTRY(timer_led_trigger_init, timer_led_trigger_exit);
MODULE_INFO("Timer LED trigger", "GPL v2", "");
