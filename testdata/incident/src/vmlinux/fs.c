/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/base.h"

typedef long long loff_t;
typedef u32 dev_t;

typedef struct {
	u32 val;
} kuid_t;

struct qstr {
	union {
		struct {
			u32 hash;
			u32 len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct dentry {
	unsigned int d_flags;
	struct qstr d_name;
	struct dentry *d_parent;
	struct inode *d_inode;
	unsigned char d_iname[32];
};

struct inode {
	umode_t i_mode;
	kuid_t i_uid;
	const struct inode_operations *i_op;
	struct super_block *i_sb;
	loff_t i_size;
	union {
		const unsigned int i_nlink;
		unsigned int __i_nlink;
	};
	dev_t i_rdev;
	union {
		struct pipe_inode_info *i_pipe;
		struct cdev *i_cdev;
		char *i_link;
	};
};

struct inode_operations {
	struct dentry *(*lookup)(struct inode *dir, struct dentry *entry, unsigned int flags);
	int (*unlink)(struct inode *dir, struct dentry *entry);
	int (*rename)(struct inode *from_dir, struct dentry *from, struct inode *to_dir,
		      struct dentry *to);
};

struct file {
	struct dentry *f_dentry;
	const struct file_operations *f_op;
	loff_t f_pos;
	unsigned int f_mode;
	void *private_data;
};

struct file_operations {
	struct module *owner;
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
	ssize_t (*read)(struct file *file, char *buf, size_t count, loff_t *pos);
	ssize_t (*write)(struct file *file, const char *buf, size_t count, loff_t *pos);
	int (*release)(struct inode *inode, struct file *file);
};

enum { SB_UNFROZEN = 0, SB_FREEZE_WRITE = 1, SB_FREEZE_COMPLETE = 4 };

struct super_block {
	dev_t s_dev;
	unsigned char s_blocksize_bits;
	struct dentry *s_root;
	int s_frozen;
	char s_id[32];
};

ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)
{
	return file->f_op->read(file, buf, count, pos);
}

ssize_t vfs_write(struct file *file, const char *buf, size_t count, loff_t *pos)
{
	return file->f_op->write(file, buf, count, pos);
}

struct dentry *d_lookup(const struct dentry *parent, const struct qstr *name)
{
	return name->hash == parent->d_name.hash ? parent->d_parent : NULL;
}

bool sb_is_frozen(struct super_block *sb)
{
	return sb->s_frozen == SB_FREEZE_COMPLETE;
}

void i_size_write(struct inode *inode, loff_t i_size)
{
	inode->i_size = i_size;
}
