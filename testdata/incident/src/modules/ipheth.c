/* SPDX-License-Identifier: Apache-2.0 */
/* The module of the report: an Ethernet device behind USB. */
#include "../include/module.h"
#include "../include/net.h"
#include "../include/usb.h"

#define IPHETH_BUF_SIZE 1514

enum ipheth_carrier {
	IPHETH_CARRIER_OFF = 1,
	IPHETH_CARRIER_ON = 4,
};

struct ipheth_device {
	struct usb_device *udev;
	struct usb_interface *intf;
	struct net_device *net;
	struct urb *tx_urb;
	struct urb *rx_urb;
	unsigned char *tx_buf;
	unsigned char *rx_buf;
	unsigned char *ctrl_buf;
	u8 bulk_in;
	u8 bulk_out;
	struct delayed_work carrier_work;
	bool confirmed_pairing;
	enum ipheth_carrier carrier : 4;
	unsigned int paired : 1;
};

struct ipheth_stats {
	atomic_t submitted[2];
	union {
		u32 word;
		u8 bytes[4];
	};
};

static const struct usb_device_id ipheth_table[] = {
	{ .idVendor = 0x05ac, .idProduct = 0x1290 },
	{ .idVendor = 0x05ac, .idProduct = 0x12a8 },
	{},
};

static struct ipheth_device ipheth;
static struct ipheth_stats ipheth_stats;

static noinline int ipheth_alloc_urbs(struct ipheth_device *iphone)
{
	iphone->tx_urb = usb_alloc_urb(0, 0xcc0);
	iphone->rx_urb = usb_alloc_urb(0, 0xcc0);
	iphone->tx_buf = kmalloc(IPHETH_BUF_SIZE, 0xcc0);
	iphone->rx_buf = kmalloc(IPHETH_BUF_SIZE, 0xcc0);
	return iphone->tx_urb && iphone->rx_urb ? 0 : -12;
}

static noinline void ipheth_free_urbs(struct ipheth_device *iphone)
{
	kfree(iphone->rx_buf);
	kfree(iphone->tx_buf);
	usb_free_urb(iphone->rx_urb);
	usb_free_urb(iphone->tx_urb);
}

static noinline void ipheth_kill_urbs(struct ipheth_device *dev)
{
	usb_kill_urb(dev->tx_urb);
	usb_kill_urb(dev->rx_urb);
}

static noinline int ipheth_rx_submit(struct ipheth_device *dev, gfp_t mem_flags)
{
	ipheth_stats.submitted[0].counter++;
	return usb_submit_urb(dev->rx_urb, mem_flags);
}

static noinline void ipheth_rcvbulk_callback(struct urb *urb)
{
	struct ipheth_device *dev = urb->context;
	struct sk_buff *skb = __netdev_alloc_skb(dev->net, urb->actual_length, 0);

	if (skb)
		netif_rx(skb);
	dev->confirmed_pairing = 1;
	ipheth_rx_submit(dev, 0);
}

static noinline void ipheth_sndbulk_callback(struct urb *urb)
{
	struct ipheth_device *dev = urb->context;

	dev->net->stats.tx_packets += urb->status == 0;
	ipheth_stats.bytes[0]++;
}

static noinline int ipheth_carrier_set(struct ipheth_device *dev)
{
	int carrier = usb_control_msg(dev->udev, 0, 0x45, 0xc0, 0, 2, dev->ctrl_buf, 64, 5000);

	if (carrier == IPHETH_CARRIER_ON)
		netif_carrier_on(dev->net);
	else
		netif_carrier_off(dev->net);
	return carrier;
}

static noinline void ipheth_carrier_check_work(struct work_struct *work)
{
	struct ipheth_device *dev = (struct ipheth_device *)((char *)work -
		__builtin_offsetof(struct ipheth_device, carrier_work));

	ipheth_carrier_set(dev);
	schedule_delayed_work(&dev->carrier_work, 250);
}

static noinline int ipheth_open(struct net_device *net)
{
	ipheth.carrier = IPHETH_CARRIER_OFF;
	return ipheth_rx_submit(&ipheth, (gfp_t)net->state);
}

static noinline int ipheth_close(struct net_device *net)
{
	ipheth.paired = net->state & 1;
	return 0;
}

static noinline netdev_tx_t ipheth_tx(struct sk_buff *skb, struct net_device *net)
{
	if (skb->len > IPHETH_BUF_SIZE || usb_submit_urb(ipheth.tx_urb, 0))
		net->stats.tx_errors++;
	ipheth_stats.submitted[1].counter++;
	return NETDEV_TX_OK;
}

static noinline u32 ipheth_ethtool_op_get_link(struct net_device *net)
{
	return net->carrier_up_count.counter + ipheth_stats.word;
}

static const struct net_device_ops ipheth_netdev_ops = {
	.ndo_open = ipheth_open,
	.ndo_stop = ipheth_close,
	.ndo_start_xmit = ipheth_tx,
};

static const struct ethtool_ops ops = {
	.get_link = ipheth_ethtool_op_get_link,
};

static noinline int ipheth_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	ipheth.intf = intf;
	ipheth.net = alloc_etherdev_mqs(sizeof(ipheth), 1, 1);
	ipheth.net->netdev_ops = &ipheth_netdev_ops;
	ipheth.net->ethtool_ops = &ops;
	ipheth.bulk_in = (u8)id->driver_info;
	ipheth.carrier_work.work.func = ipheth_carrier_check_work;
	if (ipheth_alloc_urbs(&ipheth))
		return -12;
	ipheth.rx_urb->complete = ipheth_rcvbulk_callback;
	ipheth.tx_urb->complete = ipheth_sndbulk_callback;
	return register_netdev(ipheth.net);
}

static noinline void ipheth_disconnect(struct usb_interface *intf)
{
	unregister_netdev(ipheth.net);
	ipheth_kill_urbs(&ipheth);
	ipheth_free_urbs(&ipheth);
	intf->minor = -1;
}

static struct usb_driver ipheth_driver = {
	.name = "ipheth",
	.probe = ipheth_probe,
	.disconnect = ipheth_disconnect,
	.id_table = ipheth_table,
};

extern struct module __this_module;

static int ipheth_driver_init(void)
{
	return usb_register_driver(&ipheth_driver, &__this_module, "ipheth");
}

static void ipheth_driver_exit(void)
{
	usb_deregister(&ipheth_driver);
}

MODULE_ENTRY(ipheth_driver_init, ipheth_driver_exit);
MODULE_INFO("Ethernet over USB to a telephone", "Dual BSD/GPL", "usbcore");
