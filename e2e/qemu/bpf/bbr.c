// SPDX-License-Identifier: Apache-2.0
//
// Congestion control all of whose answers come from kfuncs of tcp_bbr.

#include "congestion.h"

KFUNC void bbr_init(struct sock *);
KFUNC void bbr_main(struct sock *, u32, int, const struct rate_sample *);
KFUNC u32 bbr_sndbuf_expand(struct sock *);
KFUNC u32 bbr_undo_cwnd(struct sock *);
KFUNC void bbr_cwnd_event(struct sock *, enum tcp_ca_event);
KFUNC u32 bbr_ssthresh(struct sock *);
KFUNC u32 bbr_min_tso_segs(struct sock *);
KFUNC void bbr_set_state(struct sock *, u8);

#define SK (calls++, (struct sock *)ctx[0])

SEC("struct_ops") int init(u64 *ctx) { bbr_init(SK); return 0; }
SEC("struct_ops") int cong_control(u64 *ctx) { bbr_main(SK, ctx[1], ctx[2], (struct rate_sample *)ctx[3]); return 0; }
SEC("struct_ops") int sndbuf_expand(u64 *ctx) { return bbr_sndbuf_expand(SK); }
SEC("struct_ops") int undo_cwnd(u64 *ctx) { return bbr_undo_cwnd(SK); }
SEC("struct_ops") int cwnd_event(u64 *ctx) { bbr_cwnd_event(SK, ctx[1]); return 0; }
SEC("struct_ops") int ssthresh(u64 *ctx) { return bbr_ssthresh(SK); }
SEC("struct_ops") int min_tso_segs(u64 *ctx) { return bbr_min_tso_segs(SK); }
SEC("struct_ops") int set_state(u64 *ctx) { bbr_set_state(SK, ctx[1]); return 0; }

SEC(".struct_ops.link") struct tcp_congestion_ops ops = {
	.init = (void *)init, .cong_control = (void *)cong_control, .sndbuf_expand = (void *)sndbuf_expand, .undo_cwnd = (void *)undo_cwnd,
	.cwnd_event = (void *)cwnd_event, .ssthresh = (void *)ssthresh, .min_tso_segs = (void *)min_tso_segs, .set_state = (void *)set_state,
	.name = "bpf_bbr",
};
