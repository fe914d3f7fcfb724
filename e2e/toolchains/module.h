/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

typedef int v4 __attribute__((vector_size(16)));

struct empty {
};

/* Bitfields across their storage, members without a size, packed and aligned. */
struct port {
	struct device dev;
	struct flags flags;
	enum small small : 1;
	enum state state : 3;
	_Bool up : 1, full : 1;
	u64 serial : 63;
	u8 none[0];
	struct empty empty;
	struct frame frame;
	u8 room[10];
	v4 vector;
	long double ratio;
	u8 : 0;
	u32 rest : 9;
	union {
		u32 key : 3;
		u8 octets[7];
	};
	struct {
		u8 tail : 2;
	} __attribute__((packed)) last;
} __attribute__((packed));

struct ports {
	struct port first;
	enum state states[3][2];
	u32 a : 1;
	u32 : 5;
	u32 b : 20;
	u32 c : 20;
	unsigned long d : 12;
	short s : 9;
	signed char ch : 3;
	_Bool bo : 1;
	void *data;
	int (*check)(struct port *port, u32 how);
	struct ports *next;
};

int port_add(struct ports *ports, int n);
