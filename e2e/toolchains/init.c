/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

static struct ports ports;

static int __attribute__((section(".init.text"), used)) port_init(void)
{
	return port_add(&ports, device_open(&ports.first.dev, UP, FEW));
}

int init_module(void) __attribute__((alias("port_init")));
