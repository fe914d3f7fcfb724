/* SPDX-License-Identifier: Apache-2.0 */
/* Split BTF on base.c: some types of the base, some of its own. */

typedef unsigned int u32;
typedef u32 __be32;
typedef _Bool bool;

struct list_head {
	struct list_head *next, *prev;
};

enum port_mode { PORT_OFF, PORT_ON = 3 };

struct port {
	struct list_head node;
	__be32 address;
	enum port_mode mode : 3;
	unsigned int paused : 1;
	u32 queue[7];
};

struct ports {
	struct port *first;
	bool full;
};

static struct ports ports;

__attribute__((noinline)) int port_add(struct port *port, u32 address)
{
	port->address = address;
	port->mode = PORT_ON;
	ports.first = port;
	return port->paused;
}

__attribute__((noinline)) void port_remove(struct port *port)
{
	port->node.next = 0;
	ports.full = 0;
}
