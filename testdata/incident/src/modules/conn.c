/* SPDX-License-Identifier: Apache-2.0 */
/* A module of Linux 6.12 with every list of type ids that its kernel knows. */
#include "../include/module.h"
#include "../include/net.h"

struct conn {
	struct sock *sk;
	u32 mark;
};

struct conn_init {
	struct conn ct;
};

struct conn *conn_alloc(struct sock *sk)
{
	static struct conn one;

	one.sk = sk;
	return &one;
}

int conn_set_mark(struct conn *ct, u32 mark)
{
	ct->mark = mark;
	return 0;
}

u64 conn_rate(struct conn_init *ct)
{
	return ct->ct.sk->sk_pacing_rate;
}

void conn_release(struct conn *ct)
{
	ct->sk = NULL;
}

/* Kfuncs with flags, in the order of the source. */
BTF_IDS("conn_kfunc_ids:\n"
	"\t.type __BTF_ID__set8__conn_kfunc_ids, @object\n\t.size __BTF_ID__set8__conn_kfunc_ids, 40\n"
	"__BTF_ID__set8__conn_kfunc_ids:\n\t.long 4\n\t.long 1\n"
	BTF_ID(func, conn_set_mark, 1) "\t.long 0x10\n"
	BTF_ID(func, conn_alloc, 2) "\t.long 0x3\n"
	BTF_ID(func, conn_release, 3) "\t.long 0x4\n"
	BTF_ID(func, conn_rate, 4) "\t.long 0\n");

/* The struct and what destroys it. */
BTF_IDS("conn_dtor_ids:\n"
	BTF_ID(struct, conn, 5)
	BTF_ID(func, conn_release, 6));

/* Numbers of vmlinux that code of the module compares, as nf_conntrack does. */
BTF_IDS("btf_nf_conn_ids:\n"
	BTF_ID(struct, sock, 7)
	BTF_ID(struct, tcp_sock, 8));

static int conn_start(void)
{
	return conn_set_mark(conn_alloc(NULL), 1);
}

static void conn_stop(void)
{
	conn_release(conn_alloc(NULL));
}

MODULE_ENTRY(conn_start, conn_stop);
MODULE_INFO("Connections", "GPL", "");
