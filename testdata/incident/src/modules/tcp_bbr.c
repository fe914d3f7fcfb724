/* SPDX-License-Identifier: Apache-2.0 */
/* A module that bakes type ids of its own functions into .BTF_ids. */
#include "../include/module.h"
#include "../include/net.h"

enum bbr_mode { BBR_STARTUP, BBR_DRAIN, BBR_PROBE_BW, BBR_PROBE_RTT };

struct minmax_sample {
	u32 t;
	u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct bbr {
	u32 min_rtt_us;
	u32 min_rtt_stamp;
	struct minmax bw;
	u64 cycle_mstamp;
	u32 mode : 3, prev_ca_state : 3, packet_conservation : 1, round_start : 1, unused : 24;
	u32 lt_bw;
	enum bbr_mode last_mode;
};

static struct bbr bbr_state;

static noinline u64 bbr_rate_bytes_per_sec(struct sock *sk, u64 rate, int gain)
{
	return rate * (u64)gain + sk->sk_pacing_rate;
}

static noinline void bbr_update_bw(struct sock *sk, const struct rate_sample *rs)
{
	bbr_state.bw.s[0].v = (u32)(rs->delivered / (rs->interval_us | 1));
	sk->sk_pacing_rate = bbr_rate_bytes_per_sec(sk, bbr_state.bw.s[0].v, 739);
}

void bbr_init(struct sock *sk)
{
	bbr_state.mode = BBR_STARTUP;
	sk->sk_pacing_status = 1;
}

void bbr_main(struct sock *sk, const struct rate_sample *rs)
{
	bbr_update_bw(sk, rs);
	bbr_state.last_mode = (enum bbr_mode)bbr_state.mode;
}

u32 bbr_undo_cwnd(struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

u32 bbr_ssthresh(struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd_cnt + bbr_state.lt_bw;
}

BTF_IDS("tcp_bbr_kfunc_ids:\n"
	"__BTF_ID__set__tcp_bbr_kfunc_ids:\n\t.long 4\n"
	BTF_ID(func, bbr_init, 1)
	BTF_ID(func, bbr_main, 2)
	BTF_ID(func, bbr_undo_cwnd, 3)
	BTF_ID(func, bbr_ssthresh, 4)
	BTF_ID(struct, sock, 5));

static struct tcp_congestion_ops tcp_bbr_cong_ops = {
	.name = "bbr",
	.init = bbr_init,
	.cong_control = bbr_main,
	.undo_cwnd = bbr_undo_cwnd,
	.ssthresh = bbr_ssthresh,
};

static int bbr_register(void)
{
	return tcp_register_congestion_control(&tcp_bbr_cong_ops);
}

static void bbr_unregister(void)
{
	tcp_unregister_congestion_control(&tcp_bbr_cong_ops);
}

MODULE_ENTRY(bbr_register, bbr_unregister);
MODULE_INFO("Congestion control by bottleneck bandwidth", "Dual BSD/GPL", "");
