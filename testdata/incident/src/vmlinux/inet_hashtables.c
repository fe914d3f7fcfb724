/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/net.h"

struct inet_hashinfo tcp_hashinfo;

struct sock *__inet_lookup_listener(struct net *net, struct inet_hashinfo *hashinfo, u16 hnum)
{
	struct inet_listen_hashbucket *ilb2 = &hashinfo->lhash2[hnum & hashinfo->lhash2_mask];

	return ilb2->count && net->ifindex ? (struct sock *)ilb2->head.first : NULL;
}

/* The second function that is inlined in one build and not in the other. */
static INLINED_AT_WILL struct inet_listen_hashbucket *
inet_lhash2_bucket_sk(struct inet_hashinfo *hashinfo, struct sock *sk)
{
	return &hashinfo->lhash2[sk->__sk_common.skc_hash & hashinfo->lhash2_mask];
}

int __inet_hash(struct sock *sk)
{
	struct inet_listen_hashbucket *ilb2 = inet_lhash2_bucket_sk(&tcp_hashinfo, sk);

	ilb2->count++;
	return sk->__sk_common.skc_reuseport;
}

void inet_unhash(struct sock *sk)
{
	sk->__sk_common.skc_state = 7;
}

int tcp_register_congestion_control(struct tcp_congestion_ops *ca)
{
	return ca->ssthresh && ca->undo_cwnd ? 0 : -22;
}

void tcp_unregister_congestion_control(struct tcp_congestion_ops *ca)
{
	ca->key = 0;
}

void tcp_rate_gen(struct sock *sk, u32 delivered, struct rate_sample *rs)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	rs->delivered = (s32)(tp->delivered - delivered);
	rs->is_app_limited = tp->thin_lto;
}
