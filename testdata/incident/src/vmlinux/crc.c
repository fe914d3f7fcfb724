/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Last in the link, so its names end the base's string table: a module built
 * on the shorter base finds its own first names in here on the longer one.
 * No digit in them: each suffix of them is an identifier too.
 */
#include "../include/base.h"

u8 crc_autosar(u8 crc, const u8 *buffer, size_t len)
{
	while (len--)
		crc = (u8)(crc << 1) ^ *buffer++;
	return crc;
}

u16 crc_ccitt_generic(u16 crc, const u8 *buffer, size_t len)
{
	while (len--)
		crc = (u16)(crc << 8) ^ *buffer++;
	return crc;
}

u16 crc_itu_t_byte(u16 crc, const u8 data)
{
	return (u16)(crc << 8) ^ data;
}
