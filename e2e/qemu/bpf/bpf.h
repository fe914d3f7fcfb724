/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs here share; clang -target bpf needs no other header. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define KFUNC extern __attribute__((section(".ksyms")))

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* cilium/ebpf compares the kinds of kernel types, not what is in them. */
struct sock { u32 any; };
