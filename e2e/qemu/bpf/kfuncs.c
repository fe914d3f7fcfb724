// SPDX-License-Identifier: Apache-2.0
//
// BPF programs that call kfuncs of modules. Those whose name begins with refused_ must
// not load. Compiled with clang -target bpf -O2 -g; no header is needed.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define KFUNC extern __attribute__((section(".ksyms")))
#define CURRENT_NETNS -1
#define UDP 17
#define PASS 2

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct xdp_md { u32 data; };
struct __sk_buff { u32 len; };
// cilium/ebpf compares the kinds of kernel types, not what is in them.
struct nf_conn { u32 any; };
struct nf_conn___init { u32 any; };
struct sock { u32 any; };
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
KFUNC int bpf_skb_get_xfrm_info(struct __sk_buff *, struct bpf_xfrm_info *);
KFUNC struct flow_offload_tuple_rhash *bpf_xdp_flow_lookup(struct xdp_md *, struct bpf_fib_lookup *, struct bpf_flowtable_opts *, u32);
KFUNC void bbr_init(struct sock *);
KFUNC u32 bbr_ssthresh(struct sock *);
KFUNC void dctcp_init(struct sock *);
KFUNC u32 dctcp_ssthresh(struct sock *);

#define TUPLE struct bpf_sock_tuple tuple = {0x0100007f, 0x0200007f, 1234, 53}; struct bpf_ct_opts opts = {.netns_id = CURRENT_NETNS, .l4proto = UDP}
#define LOOKUP ctx, &tuple, sizeof(tuple), &opts, 12

SEC("xdp") int ct_lookup(struct xdp_md *ctx)
{
	TUPLE;
	struct nf_conn *ct = bpf_xdp_ct_lookup(LOOKUP);
	if (ct)
		bpf_ct_release(ct);
	return PASS;
}

SEC("tc") int ct_lookup_skb(struct __sk_buff *ctx)
{
	TUPLE;
	struct nf_conn *ct = bpf_skb_ct_lookup(LOOKUP);
	if (ct)
		bpf_ct_release(ct);
	return 0;
}

SEC("xdp") int ct_insert(struct xdp_md *ctx)
{
	TUPLE;
	struct nf_conn___init *new = bpf_xdp_ct_alloc(LOOKUP);
	if (!new)
		return PASS;
	bpf_ct_set_timeout(new, 1000);
	struct nf_conn *ct = bpf_ct_insert_entry(new);
	if (ct)
		bpf_ct_release(ct);
	return PASS;
}

SEC("xdp") int nat(struct xdp_md *ctx)
{
	TUPLE;
	union nf_inet_addr addr = {{0x0300007f}};
	struct nf_conn___init *new = bpf_xdp_ct_alloc(LOOKUP);
	if (!new)
		return PASS;
	bpf_ct_set_nat_info(new, &addr, 0, NF_NAT_MANIP_SRC);
	struct nf_conn *ct = bpf_ct_insert_entry(new);
	if (ct)
		bpf_ct_release(ct);
	return PASS;
}

SEC("tc") int fou(struct __sk_buff *ctx)
{
	struct bpf_fou_encap encap = {};
	return bpf_skb_set_fou_encap(ctx, &encap, 0);
}

SEC("tc") int xfrm(struct __sk_buff *ctx)
{
	struct bpf_xfrm_info info = {};
	return bpf_skb_get_xfrm_info(ctx, &info);
}

SEC("xdp") int flow(struct xdp_md *ctx)
{
	struct bpf_fib_lookup tuple = {};
	struct bpf_flowtable_opts opts = {};
	return bpf_xdp_flow_lookup(ctx, &tuple, &opts, sizeof(opts)) ? 1 : PASS;
}

SEC("struct_ops/init") int bbr__init(u64 *ctx) { bbr_init((struct sock *)ctx[0]); return 0; }
SEC("struct_ops/ssthresh") int bbr__ssthresh(u64 *ctx) { return bbr_ssthresh((struct sock *)ctx[0]); }
SEC("struct_ops/init2") int dctcp__init(u64 *ctx) { dctcp_init((struct sock *)ctx[0]); return 0; }
SEC("struct_ops/ssthresh2") int dctcp__ssthresh(u64 *ctx) { return dctcp_ssthresh((struct sock *)ctx[0]); }

// Takes the first argument of a function, whatever the verifier knows of it.
SEC("fentry/replaced") int entry(u64 *ctx)
{
	return ctx[0] == 1 ? 0 : 0;
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
