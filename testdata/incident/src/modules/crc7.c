/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest split BTF there is: one FUNC, whose prototype the base has
 * already. On another base the kernel has only its name to stumble over.
 */
#include "../include/module.h"

u8 crc7_be(u8 crc, const u8 *buffer, size_t len)
{
	while (len--)
		crc = (u8)(crc ^ *buffer++) * 9;
	return crc;
}

MODULE_LIBRARY();
MODULE_INFO("CRC7 calculations", "GPL", "");
