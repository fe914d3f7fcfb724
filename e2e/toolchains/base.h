/* SPDX-License-Identifier: Apache-2.0 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

enum state { DOWN = -1, IDLE, UP };
enum __attribute__((packed)) small { NONE, FEW };

struct list_head {
	struct list_head *next, *prev;
};

struct frame {
	u32 length;
	u8 data[];
};

struct flags {
	u8 kind : 3;
	u64 address : 40;
	u32 rest : 21;
} __attribute__((packed));

struct device {
	const char *name;
	struct list_head node;
	u32 can_wakeup : 1;
	u32 mode : 5;
	int bias : 7;
	struct flags flags;
	int (*open)(struct device *dev, const char *fmt, ...);
	long stamp;
};

int device_open(struct device *dev, enum state state, enum small small);
void device_close(struct frame *frame, unsigned long length);
