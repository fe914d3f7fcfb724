/* SPDX-License-Identifier: Apache-2.0 */
/* TCP congestion control by BPF: the members of the kernel's struct that are used. */

#include "bpf.h"

struct rate_sample { u32 any; };
enum tcp_ca_event { CA_EVENT_TX_START };

struct tcp_congestion_ops {
	void *ssthresh, *undo_cwnd, *cong_avoid, *cong_control, *set_state, *cwnd_event, *in_ack_event;
	void *sndbuf_expand, *min_tso_segs, *init;
	char name[16];
};

u64 calls; /* how often the kernel asked */
