/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel of the layouts that compilers and pahole have most ways to write. */
#include "base.h"

int jiffies;
u32 irq_count __attribute__((section(".data..percpu"), used));

#ifdef REBUILT /* two functions more: every number moves */
__attribute__((noinline)) int device_reset(struct device *dev, u32 how) { return dev->bias + how; }
__attribute__((noinline)) int device_suspend(struct device *dev, enum state state) { return dev->mode + state; }
#endif

__attribute__((noinline)) int device_open(struct device *dev, enum state state, enum small small)
{
	return dev->bias + state + small;
}

__attribute__((noinline)) void device_close(struct frame *frame, unsigned long length)
{
	frame->length = length;
}

void _start(void)
{
	static struct device dev;
	static struct frame frame;

#ifdef REBUILT
	device_reset(&dev, 1);
	device_suspend(&dev, DOWN);
#endif
	device_open(&dev, DOWN, FEW);
	device_close(&frame, jiffies);
}
