/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FIXTURE_NET_H
#define FIXTURE_NET_H

#include "base.h"

typedef u64 netdev_features_t;
typedef struct {
	struct net *net;
} possible_net_t;

enum netdev_tx {
	__NETDEV_TX_MIN = (-2147483647 - 1),
	NETDEV_TX_OK = 0x00,
	NETDEV_TX_BUSY = 0x10,
};
typedef enum netdev_tx netdev_tx_t;

struct net {
	refcount_t passive;
	struct list_head list;
	unsigned int ifindex;
	struct {
		int sysctl_tcp_ecn;
		unsigned char sysctl_tcp_early_retrans;
	} ipv4;
};

struct sk_buff {
	union {
		struct {
			struct sk_buff *next;
			struct sk_buff *prev;
			union {
				struct net_device *dev;
				unsigned long dev_scratch;
			};
		};
		struct list_head list;
	};
	char cb[48] __attribute__((aligned(8)));
	unsigned int len, data_len;
	u16 mac_len, hdr_len;
	u8 cloned : 1, nohdr : 1, fclone : 2, peeked : 1, head_frag : 1, pfmemalloc : 1;
	u8 pkt_type : 3;
	u8 ignore_df : 1;
	u8 ip_summed : 2;
	__be32 hash;
	unsigned char *head, *data;
	refcount_t users;
};

struct net_device_stats {
	unsigned long rx_packets, tx_packets, rx_bytes, tx_bytes;
	unsigned long rx_errors, tx_errors;
};

struct napi_struct {
	struct list_head poll_list;
	unsigned long state;
	int weight;
	int (*poll)(struct napi_struct *napi, int budget);
	struct net_device *dev;
};

struct net_device_ops {
	int (*ndo_open)(struct net_device *dev);
	int (*ndo_stop)(struct net_device *dev);
	netdev_tx_t (*ndo_start_xmit)(struct sk_buff *skb, struct net_device *dev);
	void (*ndo_tx_timeout)(struct net_device *dev, unsigned int txqueue);
	netdev_features_t (*ndo_fix_features)(struct net_device *dev, netdev_features_t features);
};

struct ethtool_ops {
	u32 cap_link_lanes_supported : 1;
	u32 supported_coalesce_params;
	u32 (*get_link)(struct net_device *dev);
};

struct net_device {
	char name[16];
	unsigned long state;
	struct list_head dev_list;
	unsigned int flags;
	const struct net_device_ops *netdev_ops;
	const struct ethtool_ops *ethtool_ops;
	netdev_features_t features;
	int ifindex;
	unsigned int mtu;
	unsigned char addr_len;
	unsigned char *dev_addr;
	struct net_device_stats stats;
	atomic_t carrier_up_count;
	possible_net_t nd_net;
	struct device dev;
	unsigned wol_enabled : 1;
	unsigned threaded : 1;
	enum { NETREG_UNINITIALIZED = 0, NETREG_REGISTERED, NETREG_UNREGISTERING } reg_state : 8;
	bool dismantle;
};

struct sock_common {
	union {
		u64 skc_addrpair;
		struct {
			__be32 skc_daddr;
			__be32 skc_rcv_saddr;
		};
	};
	union {
		unsigned int skc_hash;
		u16 skc_u16hashes[2];
	};
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
	possible_net_t skc_net;
};

struct proto;

struct sock {
	struct sock_common __sk_common;
	spinlock_t sk_lock;
	atomic_t sk_rmem_alloc;
	u32 sk_pacing_status;
	unsigned long sk_pacing_rate;
	unsigned long sk_max_pacing_rate;
	u8 sk_gso_disabled : 1, sk_kern_sock : 1, sk_no_check_tx : 1;
	struct proto *sk_prot;
	void (*sk_data_ready)(struct sock *sk);
};

struct inet_listen_hashbucket {
	spinlock_t lock;
	unsigned int count;
	struct hlist_head head;
};

struct inet_hashinfo {
	unsigned int lhash2_mask;
	struct inet_listen_hashbucket *lhash2;
	struct inet_listen_hashbucket listening_hash[32];
};

struct tcp_sock {
	struct sock inet_conn;
	u16 tcp_header_len;
	u32 snd_cwnd;
	u32 snd_cwnd_cnt;
	u32 delivered;
	u32 srtt_us;
	u64 tcp_mstamp;
	u32 nonagle : 4, thin_lto : 1, fastopen_connect : 1, unused : 2;
};

struct rate_sample {
	u64 prior_mstamp;
	u32 prior_delivered;
	s32 delivered;
	long interval_us;
	bool is_app_limited;
	bool is_retrans;
};

struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *sk);
	void (*cong_control)(struct sock *sk, const struct rate_sample *rs);
	void (*init)(struct sock *sk);
	u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	struct module *owner;
	struct list_head list;
	u32 key, flags;
};

struct net_device *alloc_etherdev_mqs(int sizeof_priv, unsigned int txqs, unsigned int rxqs);
int register_netdev(struct net_device *dev);
void unregister_netdev(struct net_device *dev);
void netif_carrier_on(struct net_device *dev);
void netif_carrier_off(struct net_device *dev);
int netif_rx(struct sk_buff *skb);
struct sk_buff *__netdev_alloc_skb(struct net_device *dev, unsigned int length, gfp_t gfp_mask);
int tcp_register_congestion_control(struct tcp_congestion_ops *ca);
void tcp_unregister_congestion_control(struct tcp_congestion_ops *ca);

#endif
