/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/net.h"

struct softnet_data {
	struct list_head poll_list;
	unsigned int processed;
	struct sk_buff *completion_queue;
};

struct softnet_data softnet_data percpu;

static struct net_device spare_device;
static struct sk_buff spare_skb;

struct net_device *alloc_etherdev_mqs(int sizeof_priv, unsigned int txqs, unsigned int rxqs)
{
	spare_device.mtu = sizeof_priv + txqs + rxqs;
	return &spare_device;
}

int register_netdev(struct net_device *dev)
{
	dev->reg_state = NETREG_REGISTERED;
	return dev->netdev_ops->ndo_open(dev);
}

void unregister_netdev(struct net_device *dev)
{
	dev->reg_state = NETREG_UNREGISTERING;
	dev->dismantle = 1;
}

void netif_carrier_on(struct net_device *dev)
{
	dev->carrier_up_count.counter++;
}

void netif_carrier_off(struct net_device *dev)
{
	dev->carrier_up_count.counter--;
}

int netif_rx(struct sk_buff *skb)
{
	skb->dev->stats.rx_packets++;
	return skb->pkt_type;
}

struct sk_buff *__netdev_alloc_skb(struct net_device *dev, unsigned int length, gfp_t gfp_mask)
{
	spare_skb.dev = dev;
	spare_skb.len = length;
	spare_skb.pfmemalloc = gfp_mask & 1;
	return &spare_skb;
}

netdev_features_t netdev_fix_features(struct net_device *dev, netdev_features_t features)
{
	return dev->threaded ? features & dev->features : features;
}

int napi_poll(struct napi_struct *napi, int budget)
{
	return napi->poll(napi, budget < napi->weight ? budget : napi->weight);
}
