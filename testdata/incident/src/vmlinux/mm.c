/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/base.h"

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, __MAX_NR_ZONES };

struct page {
	unsigned long flags;
	union {
		struct {
			struct list_head lru;
			struct address_space *mapping;
			unsigned long index;
		};
		struct {
			struct kmem_cache *slab_cache;
			void *freelist;
			union {
				void *s_mem;
				unsigned long counters;
				struct {
					unsigned inuse : 16;
					unsigned objects : 15;
					unsigned frozen : 1;
				};
			};
		};
	};
	atomic_t _refcount;
};

struct kmem_cache {
	unsigned int size, object_size;
	const char *name;
	void (*ctor)(void *object);
	struct list_head list;
	struct kobject kobj;
};

struct zone {
	unsigned long _watermark[3];
	long lowmem_reserve[__MAX_NR_ZONES];
	const char *name;
	spinlock_t lock;
};

typedef struct pglist_data {
	struct zone node_zones[__MAX_NR_ZONES];
	int nr_zones;
	unsigned long node_present_pages;
} pg_data_t;

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct vm_area_struct *vm_next, *vm_prev;
	struct mm_struct *vm_mm;
	const struct vm_operations_struct *vm_ops;
};

typedef unsigned int vm_fault_t;
struct vm_fault;

struct vm_operations_struct {
	void (*open)(struct vm_area_struct *area);
	vm_fault_t (*fault)(struct vm_fault *vmf);
	const char *(*name)(struct vm_area_struct *vma);
};

struct mm_struct {
	struct vm_area_struct *mmap;
	u64 vmacache_seqnum;
	atomic_t mm_users, mm_count;
	spinlock_t page_table_lock;
	unsigned long saved_auxv[48];
};

struct per_cpu_pages {
	int count, high, batch;
	struct list_head lists[12];
};

struct per_cpu_pages pageset percpu;

static struct page arena[2];
pg_data_t contig_page_data;

void *kmalloc(size_t size, gfp_t flags)
{
	return size < sizeof(arena) ? &arena[flags & 1] : NULL;
}

void kfree(const void *objp)
{
	if (objp == arena)
		arena[0].flags = 0;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	contig_page_data.node_present_pages -= 1UL << order;
	return &arena[gfp & 1];
}

void __free_pages(struct page *page, unsigned int order)
{
	page->_refcount.counter = 0;
	contig_page_data.node_present_pages += 1UL << order;
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags)
{
	vma->vm_mm->vmacache_seqnum += address >= vma->vm_end;
	return flags;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, void (*ctor)(void *))
{
	static struct kmem_cache cache;

	cache.name = name;
	cache.size = size;
	cache.ctor = ctor;
	return &cache;
}
