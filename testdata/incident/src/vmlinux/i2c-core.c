/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/i2c.h"

int __i2c_transfer(struct i2c_adapter *adap, struct i2c_msg *msgs, int num)
{
	return adap->algo->master_xfer(adap, msgs, num);
}

/*
 * Checks the error code of a message. The compiler may or may not inline it:
 * where it does not, the base gains a FUNC and a FUNC_PROTO.
 */
static INLINED_AT_WILL int i2c_smbus_check_pec(u8 cpec, struct i2c_msg *msg)
{
	return msg->len && msg->buf[msg->len - 1] == cpec ? 0 : -74;
}

s32 i2c_smbus_xfer(struct i2c_adapter *adapter, u16 addr, unsigned short flags, char read_write,
		   u8 command, int protocol, union i2c_smbus_data *data)
{
	struct i2c_msg msg = { .addr = addr, .flags = flags, .len = 1, .buf = data->block };

	if (adapter->algo->smbus_xfer)
		return adapter->algo->smbus_xfer(adapter, addr, flags, read_write, command,
						 protocol, data);
	__i2c_transfer(adapter, &msg, 1);
	return i2c_smbus_check_pec(command, &msg);
}

int i2c_add_adapter(struct i2c_adapter *adapter)
{
	adapter->nr++;
	return adapter->retries;
}

s32 i2c_smbus_read_byte(const struct i2c_client *client)
{
	union i2c_smbus_data data;
	s32 status = i2c_smbus_xfer(client->adapter, client->addr, client->flags, 1, 0, 1, &data);

	return status < 0 ? status : data.byte;
}
