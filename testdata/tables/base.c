/* SPDX-License-Identifier: Apache-2.0 */
/* A little of every kind that C and pahole make: the base of the tables. */

typedef unsigned int u32;
typedef u32 __be32;
typedef _Bool bool;

enum state { STATE_DOWN = -1, STATE_IDLE, STATE_UP = 0x7fffffff };

struct opaque;
union opaque_union;

struct list_head {
	struct list_head *next, *prev;
};

struct device {
	const char *name;
	struct list_head node;
	enum state state;
	unsigned int can_wakeup : 1;
	unsigned int mode : 5;
	signed int bias : 7;
	union {
		__be32 address;
		unsigned char octets[4];
		struct {
			short low, high;
		};
	};
	const volatile long *restrict counters[2][3];
	struct opaque *opaque;
	union opaque_union *either;
	int (*open)(struct device *dev, const char *fmt, ...);
	float voltage;
	double latency;
	bool ready;
	unsigned long long stamp;
};

struct device *current_device __attribute__((section(".data..percpu"), used));
u32 device_count __attribute__((section(".data..percpu"), used)) = 1;

static struct device devices[2];

__attribute__((noinline)) int device_open(struct device *dev, const char *fmt, ...)
{
	dev->ready = *fmt != 0;
	return dev->bias;
}

__attribute__((noinline)) void device_close(struct device *dev)
{
	dev->state = STATE_DOWN;
}

static __attribute__((noinline, used)) u32 device_address(const struct device *dev)
{
	return dev->address;
}

void _start(void)
{
	devices[0].open = device_open;
	device_open(&devices[0], "x");
	device_close(&devices[1]);
	device_count = device_address(current_device);
}
