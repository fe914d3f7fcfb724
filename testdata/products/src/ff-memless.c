/* SPDX-License-Identifier: Apache-2.0 */
/* A module that exports a symbol to others: its CRC is given by make.sh. */
#include "../include/module.h"
#include "../include/hid.h"

int ff_memless_create(struct input_dev *dev);

int ff_memless_create(struct input_dev *dev)
{
	input_event(dev, 4, 0, 0);
	return 0;
}

asm(".globl __crc_ff_memless_create\n\t.set __crc_ff_memless_create, " FF_CRC);
static const char ksymtab_name[] __attribute__((section("__ksymtab_strings"), used)) = "ff_memless_create";
asm(".pushsection ___ksymtab_gpl+ff_memless_create,\"a\"\n\t.globl __ksymtab_ff_memless_create\n"
    "__ksymtab_ff_memless_create:\n\t.long ff_memless_create - .\n\t.long ksymtab_name - .\n\t.long 0\n.popsection");

MODULE_LIBRARY();
MODULE_INFO("Force feedback without memory", "GPL", "");
