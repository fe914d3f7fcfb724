/* SPDX-License-Identifier: Apache-2.0 */
/* Built outside the kernel's tree, without its vmlinux: no .BTF. */
#define OUT_OF_TREE
#include "../include/module.h"
#include "../include/i2c.h"

struct ipu6_device {
	struct device *dev;
	struct i2c_adapter *adapter;
	u32 firmware_version;
};

static struct ipu6_device ipu6;

static int ipu6_init(void)
{
	ipu6.firmware_version = (u32)i2c_smbus_xfer(ipu6.adapter, 0x36, 0, 1, 0, 1, NULL);
	return 0;
}

static void ipu6_exit(void)
{
	ipu6.adapter = NULL;
}

MODULE_ENTRY(ipu6_init, ipu6_exit);
MODULE_INFO("Image processing unit", "GPL", "");
