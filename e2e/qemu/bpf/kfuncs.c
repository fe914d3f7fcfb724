// SPDX-License-Identifier: Apache-2.0
//
// BPF programs that call kfuncs of modules. They run in the order of their names.
// Those whose name begins with refused_ must not load.

#include "bpf.h"

#define CURRENT_NETNS -1
#define UDP 17
#define PASS 2

// What the programs return when they run, where all went well (wants in survive_test.go).
#define INSERTED 10
#define FOUND 11
#define XFRM_ID 77
#define FOU_PORT 53
#define ABSENT 12
#define LOST 1

struct __sk_buff;
static long (*set_tunnel_key)(struct __sk_buff *, void *key, u32 size, u64 flags) = (void *)21; // bpf_skb_set_tunnel_key

struct xdp_md { u32 data; };
struct __sk_buff { u32 len; };
// cilium/ebpf compares the kinds of kernel types, not what is in them.
struct nf_conn { u32 any; };
struct nf_conn___init { u32 any; };
struct flow_offload_tuple_rhash { u32 any; };
struct bpf_sock_tuple { u32 saddr, daddr; u16 sport, dport; };
struct bpf_ct_opts { int netns_id, error; u8 l4proto, dir; u8 reserved[2]; };
union nf_inet_addr { u32 all[4]; };
enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };
struct bpf_fou_encap { u16 sport, dport; };
struct bpf_xfrm_info { u32 if_id; int link; };
struct bpf_flowtable_opts { int error; };
struct bpf_fib_lookup { u8 bytes[64]; };

KFUNC struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *, struct bpf_sock_tuple *, u32, struct bpf_ct_opts *, u32);
KFUNC struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *, struct bpf_sock_tuple *, u32, struct bpf_ct_opts *, u32);
KFUNC struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *, struct bpf_sock_tuple *, u32, struct bpf_ct_opts *, u32);
KFUNC struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *);
KFUNC void bpf_ct_set_timeout(struct nf_conn___init *, u32);
KFUNC void bpf_ct_release(struct nf_conn *);
KFUNC int bpf_ct_set_nat_info(struct nf_conn___init *, union nf_inet_addr *, int, enum nf_nat_manip_type);
KFUNC int bpf_skb_set_fou_encap(struct __sk_buff *, struct bpf_fou_encap *, int);
KFUNC int bpf_skb_get_fou_encap(struct __sk_buff *, struct bpf_fou_encap *);
KFUNC int bpf_skb_set_xfrm_info(struct __sk_buff *, const struct bpf_xfrm_info *);
KFUNC int bpf_skb_get_xfrm_info(struct __sk_buff *, struct bpf_xfrm_info *);
KFUNC struct flow_offload_tuple_rhash *bpf_xdp_flow_lookup(struct xdp_md *, struct bpf_fib_lookup *, struct bpf_flowtable_opts *, u32);
KFUNC void bbr_init(struct sock *);

#define TUPLE struct bpf_sock_tuple tuple = {0x0100007f, 0x0200007f, 1234, 53}; struct bpf_ct_opts opts = {.netns_id = CURRENT_NETNS, .l4proto = UDP}
#define LOOKUP ctx, &tuple, sizeof(tuple), &opts, 12

SEC("xdp") int ct_insert(struct xdp_md *ctx)
{
	TUPLE;
	struct nf_conn___init *new = bpf_xdp_ct_alloc(LOOKUP);
	if (!new)
		return LOST;
	bpf_ct_set_timeout(new, 1000000);
	struct nf_conn *ct = bpf_ct_insert_entry(new);
	if (!ct)
		return LOST;
	bpf_ct_release(ct);
	return INSERTED;
}

SEC("xdp") int ct_lookup(struct xdp_md *ctx)
{
	TUPLE;
	struct nf_conn *ct = bpf_xdp_ct_lookup(LOOKUP);
	if (!ct)
		return LOST;
	bpf_ct_release(ct);
	return FOUND;
}

SEC("tc") int ct_lookup_skb(struct __sk_buff *ctx)
{
	TUPLE;
	struct nf_conn *ct = bpf_skb_ct_lookup(LOOKUP);
	if (!ct)
		return LOST;
	bpf_ct_release(ct);
	return FOUND;
}

SEC("xdp") int nat(struct xdp_md *ctx)
{
	TUPLE;
	union nf_inet_addr addr = {{0x0300007f}};
	tuple.sport = 4321;
	struct nf_conn___init *new = bpf_xdp_ct_alloc(LOOKUP);
	if (!new)
		return LOST;
	int err = bpf_ct_set_nat_info(new, &addr, 0, NF_NAT_MANIP_SRC);
	struct nf_conn *ct = bpf_ct_insert_entry(new);
	if (!ct)
		return LOST;
	bpf_ct_release(ct);
	return err ? LOST : INSERTED;
}

SEC("tc") int fou(struct __sk_buff *ctx)
{
	u32 key[11] = {1, 0x0200007f}; // struct bpf_tunnel_key: an id and an address
	struct bpf_fou_encap encap = {.dport = FOU_PORT}, found = {};
	if (set_tunnel_key(ctx, key, sizeof(key), 0) || bpf_skb_set_fou_encap(ctx, &encap, 0) || bpf_skb_get_fou_encap(ctx, &found))
		return LOST;
	return found.dport;
}

SEC("tc") int xfrm(struct __sk_buff *ctx)
{
	struct bpf_xfrm_info info = {.if_id = XFRM_ID}, found = {};
	if (bpf_skb_set_xfrm_info(ctx, &info) || bpf_skb_get_xfrm_info(ctx, &found))
		return LOST;
	return found.if_id;
}

SEC("xdp") int flow(struct xdp_md *ctx) // there is no table of flows
{
	struct bpf_fib_lookup tuple = {};
	struct bpf_flowtable_opts opts = {};
	return bpf_xdp_flow_lookup(ctx, &tuple, &opts, sizeof(opts)) || !opts.error ? LOST : ABSENT;
}

// What no kernel takes.

SEC("xdp") int refused_without_release(struct xdp_md *ctx) // a reference is left
{
	TUPLE;
	return bpf_xdp_ct_lookup(LOOKUP) ? 1 : PASS;
}

SEC("xdp") int refused_without_check(struct xdp_md *ctx) // it may be NULL
{
	TUPLE;
	bpf_ct_release(bpf_xdp_ct_lookup(LOOKUP));
	return PASS;
}

SEC("xdp") int refused_type(struct xdp_md *ctx) // another program type's kfunc
{
	bbr_init((struct sock *)0);
	return PASS;
}

SEC("xdp") int refused_entry(struct xdp_md *ctx) // an entry that is not yet inserted
{
	TUPLE;
	struct nf_conn___init *new = bpf_xdp_ct_alloc(LOOKUP);
	if (new)
		bpf_ct_release((struct nf_conn *)new);
	return PASS;
}
