// SPDX-License-Identifier: Apache-2.0
//
// Congestion control whose answers come from kfuncs of tcp_dctcp, and from Reno's, as
// those of the module do.

#include "congestion.h"

KFUNC void dctcp_init(struct sock *);
KFUNC void dctcp_update_alpha(struct sock *, u32);
KFUNC void dctcp_cwnd_event(struct sock *, enum tcp_ca_event);
KFUNC u32 dctcp_ssthresh(struct sock *);
KFUNC u32 dctcp_cwnd_undo(struct sock *);
KFUNC void dctcp_state(struct sock *, u8);
KFUNC void tcp_reno_cong_avoid(struct sock *, u32, u32);

#define SK (calls++, (struct sock *)ctx[0])

SEC("struct_ops") int init(u64 *ctx) { dctcp_init(SK); return 0; }
SEC("struct_ops") int in_ack_event(u64 *ctx) { dctcp_update_alpha(SK, ctx[1]); return 0; }
SEC("struct_ops") int cwnd_event(u64 *ctx) { dctcp_cwnd_event(SK, ctx[1]); return 0; }
SEC("struct_ops") int ssthresh(u64 *ctx) { return dctcp_ssthresh(SK); }
SEC("struct_ops") int cong_avoid(u64 *ctx) { tcp_reno_cong_avoid(SK, ctx[1], ctx[2]); return 0; }
SEC("struct_ops") int undo_cwnd(u64 *ctx) { return dctcp_cwnd_undo(SK); }
SEC("struct_ops") int set_state(u64 *ctx) { dctcp_state(SK, ctx[1]); return 0; }

SEC(".struct_ops.link") struct tcp_congestion_ops ops = {
	.init = (void *)init, .in_ack_event = (void *)in_ack_event, .cwnd_event = (void *)cwnd_event, .ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid, .undo_cwnd = (void *)undo_cwnd, .set_state = (void *)set_state,
	.name = "bpf_dctcp",
};
