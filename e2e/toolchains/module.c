/* SPDX-License-Identifier: Apache-2.0 */
/* Static functions that compilers keep, clone, split and, at link time, rename. */
#include "module.h"

static volatile struct ports all;

static __attribute__((noinline, used)) int port_check(struct port *port, u32 $how)
{
	return port->rest + $how;
}

static __attribute__((noinline)) int port_sum(struct ports *ports, int n, int step)
{
	if (ports->a) {
		for (int i = 0; i < n; i += step)
			all.b += i;
		return port_check(&ports->first, n);
	}
	return ports->b;
}

static __attribute__((noinline, cold)) void port_lost(struct ports *ports)
{
	ports->next = 0;
}

int port_add(struct ports *ports, int n)
{
	int list[n];
	struct {
		int count;
		int values[4];
	} local;

	if (!ports->data)
		port_lost(ports);
	for (int i = 0; i < n; i++)
		list[i] = local.values[i & 3] = i;
	return port_sum(ports, 3, 2) + list[n - 1];
}

static int (*const checks[])(struct port *, u32) __attribute__((used)) = { port_check };

static const char license[] __attribute__((used, section(".modinfo"), aligned(1))) =
	"license=Apache-2.0\0name=toolchain\0vermagic=6.1.0 SMP mod_unload ";
