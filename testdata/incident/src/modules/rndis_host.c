/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/module.h"
#include "../include/net.h"
#include "../include/usb.h"

struct rndis_msg_hdr {
	u32 msg_type;
	u32 msg_len;
	u32 request_id;
	__be32 status;
} __attribute__((packed));

struct rndis_keepalive_c {
	struct rndis_msg_hdr hdr;
	u32 padding[3];
};

static struct rndis_keepalive_c keepalive;

static noinline void rndis_status(struct usb_device *dev, struct urb *urb)
{
	dev->lpm_capable = urb->status == 0;
}

int rndis_command(struct usb_device *dev, struct rndis_msg_hdr *buf, int buflen)
{
	return usb_control_msg(dev, 0, 0, 0x21, (u16)buf->msg_type, 0, buf, (u16)buflen, 10000);
}

int rndis_rx_fixup(struct usb_device *dev, struct sk_buff *skb)
{
	struct urb urb = { .dev = dev, .transfer_buffer_length = skb->len };

	rndis_status(dev, &urb);
	return rndis_command(dev, &keepalive.hdr, sizeof(keepalive));
}

static int rndis_driver_init(void)
{
	keepalive.hdr.msg_len = sizeof(keepalive);
	return 0;
}

static void rndis_driver_exit(void)
{
	keepalive.padding[0] = 0;
}

MODULE_ENTRY(rndis_driver_init, rndis_driver_exit);
MODULE_INFO("USB host side RNDIS driver", "GPL", "usbcore");
