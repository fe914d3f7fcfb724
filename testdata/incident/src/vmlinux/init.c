/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/base.h"

const char linux_banner[] =
	"Linux version " KERNELRELEASE " (geeko@buildhost) (gcc (SUSE Linux) 11.2.1 20211124, "
	"GNU ld (GNU Binutils; openSUSE Tumbleweed) 2.37.20210803-5) "
	"#1 SMP Wed Dec 29 14:50:16 UTC 2021 (375fcb8)\n";

asm(".pushsection .rodata\n"
    "kernel_config_data:\n\t.ascii \"IKCFG_ST\"\n\t.incbin \"" IKCONFIG "\"\n\t.ascii \"IKCFG_ED\"\n"
    ".popsection");

typedef unsigned long cpumask_bits[4];

struct load_weight {
	unsigned long weight;
	u32 inv_weight;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
} __attribute__((aligned(sizeof(long))));

struct sched_entity {
	struct load_weight load;
	struct rb_node run_node;
	unsigned int on_rq;
	u64 exec_start;
	u64 vruntime;
	struct cfs_rq *cfs_rq;
};

struct task_struct {
	unsigned int __state;
	void *stack;
	refcount_t usage;
	int prio, static_prio, normal_prio;
	struct sched_entity se;
	unsigned sched_reset_on_fork : 1;
	unsigned sched_contributes_to_load : 1;
	unsigned : 0;
	unsigned in_execve : 1;
	unsigned in_iowait : 1;
	int pid, tgid;
	struct task_struct *real_parent;
	struct list_head children;
	char comm[16];
	struct files_struct *files;
	const struct cred *cred;
};

struct cfs_rq {
	struct load_weight load;
	unsigned int nr_running;
	u64 min_vruntime;
	struct sched_entity *curr;
};

struct rq {
	spinlock_t __lock;
	unsigned int nr_running;
	u64 nr_switches;
	struct cfs_rq cfs;
	struct task_struct *curr, *idle;
	u64 clock;
	int cpu;
};

struct pcpu_hot_counters {
	unsigned long nr_irqs;
	unsigned long nr_softirqs[10];
};

struct task_struct *current_task percpu;
int cpu_number percpu;
struct rq runqueues percpu;
cpumask_bits cpu_sibling_map percpu;
struct pcpu_hot_counters irq_stat percpu;
const volatile u32 __preempt_count percpu = 1;

const volatile unsigned long *const jiffies_ptr = NULL;

static int initcalls_done;

enum system_states {
	SYSTEM_BOOTING,
	SYSTEM_SCHEDULING,
	SYSTEM_RUNNING,
	SYSTEM_HALT,
} system_state;

void start_kernel(void)
{
	system_state = SYSTEM_RUNNING;
	initcalls_done = (int)linux_banner[0];
}

void _start(void)
{
	start_kernel();
}

int do_one_initcall(int (*fn)(void))
{
	return fn();
}

void update_rq_clock(struct rq *rq)
{
	rq->clock += rq->nr_switches;
	rq->cfs.min_vruntime = rq->clock;
}

int wake_up_process(struct task_struct *p)
{
	p->__state = 0;
	p->se.vruntime += p->se.load.weight;
	return p->pid;
}

long schedule_timeout(long timeout)
{
	return jiffies_ptr ? timeout - (long)*jiffies_ptr : timeout;
}

void list_add_tail(struct list_head *item, struct list_head *head)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

int printk(const char *fmt, ...)
{
	return *fmt;
}

bool schedule_delayed_work(struct delayed_work *dwork, unsigned long delay)
{
	dwork->timer.expires = delay;
	return dwork->cpu == 0;
}
