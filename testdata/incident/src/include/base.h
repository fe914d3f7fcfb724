/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types every part of the fixture kernel uses. Names follow the kernel so that
 * reports read as real ones do; layouts and bodies are invented.
 */
#ifndef FIXTURE_BASE_H
#define FIXTURE_BASE_H

typedef signed char s8;
typedef unsigned char u8;
typedef short s16;
typedef unsigned short u16;
typedef int s32;
typedef unsigned int u32;
typedef long long s64;
typedef unsigned long long u64;
typedef _Bool bool;
typedef unsigned long size_t;
typedef long ssize_t;
typedef u32 __be32;
typedef u16 __le16;
typedef unsigned int gfp_t;
typedef u64 dma_addr_t;
typedef unsigned short umode_t;
typedef s64 ktime_t;

#define noinline __attribute__((noinline, noclone, used))
#define inlined inline __attribute__((always_inline))
#define percpu __attribute__((section(".data..percpu"), used))
#define NULL ((void *)0)

typedef struct {
	int counter;
} atomic_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

typedef struct qspinlock {
	union {
		atomic_t val;
		struct {
			u8 locked;
			u8 pending;
		};
		struct {
			u16 locked_pending;
			u16 tail;
		};
	};
} arch_spinlock_t;

typedef struct spinlock {
	arch_spinlock_t raw_lock;
} spinlock_t;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct kref {
	refcount_t refcount;
};

struct mutex {
	atomic_t owner;
	spinlock_t wait_lock;
	struct list_head wait_list;
};

struct kobject;
struct attribute;
struct task_struct;
struct dev_pm_ops;
struct device_node;
struct module;

struct kobject {
	const char *name;
	struct list_head entry;
	struct kobject *parent;
	struct kref kref;
	unsigned int state_initialized : 1;
	unsigned int state_in_sysfs : 1;
	unsigned int state_add_uevent_sent : 1;
	unsigned int uevent_suppress : 1;
};

struct timer_list {
	struct hlist_node entry;
	unsigned long expires;
	void (*function)(struct timer_list *timer);
	u32 flags;
};

struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
	atomic_t data;
	struct list_head entry;
	work_func_t func;
};

struct delayed_work {
	struct work_struct work;
	struct timer_list timer;
	int cpu;
};

enum rpm_status {
	RPM_INVALID = -1,
	RPM_ACTIVE = 0,
	RPM_RESUMING,
	RPM_SUSPENDED,
	RPM_SUSPENDING,
};

struct dev_pm_info {
	enum rpm_status runtime_status;
	unsigned int can_wakeup : 1;
	unsigned int async_suspend : 1;
	bool in_dpm_list : 1;
	atomic_t usage_count;
	ktime_t last_busy;
};

struct device_driver {
	const char *name;
	struct module *owner;
	const struct dev_pm_ops *pm;
};

struct device {
	struct kobject kobj;
	struct device *parent;
	struct device_driver *driver;
	void *driver_data;
	struct mutex mutex;
	struct dev_pm_info power;
	struct device_node *of_node;
	u64 *dma_mask;
	void (*release)(struct device *dev);
};

struct device_attribute {
	const char *name;
	umode_t mode;
	ssize_t (*show)(struct device *dev, struct device_attribute *attr, char *buf);
	ssize_t (*store)(struct device *dev, struct device_attribute *attr, const char *buf,
			 size_t count);
};

enum module_state {
	MODULE_STATE_LIVE,
	MODULE_STATE_COMING,
	MODULE_STATE_GOING,
	MODULE_STATE_UNFORMED,
};

struct module {
	enum module_state state;
	struct list_head list;
	char name[56];
	int (*init)(void);
	void (*exit)(void);
	const char *version;
	const char *srcversion;
	unsigned int btf_data_size;
	void *btf_data;
#ifdef LINUX_6_12
	unsigned int btf_base_data_size;
	void *btf_base_data;
#endif
};

int printk(const char *fmt, ...);
void *kmalloc(size_t size, gfp_t flags);
void kfree(const void *objp);
bool schedule_delayed_work(struct delayed_work *dwork, unsigned long delay);

#endif
