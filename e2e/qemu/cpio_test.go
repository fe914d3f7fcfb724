// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"fmt"
)

// cpio is an initramfs in the "newc" format: names and contents behind headers
// in ASCII, padded to four bytes (Documentation/driver-api/early-userspace).
type cpio struct {
	bytes.Buffer
	inode int
}

const (
	modeDir  = 0o040755
	modeFile = 0o100755
)

func (c *cpio) add(name string, mode int, data []byte) {
	c.inode++
	fmt.Fprintf(c, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	c.pad()
	c.Write(data)
	c.pad()
}

func (c *cpio) pad() {
	for c.Len()%4 != 0 {
		c.WriteByte(0)
	}
}

// finish ends the archive.
func (c *cpio) finish() []byte {
	c.add("TRAILER!!!", 0, nil)
	return c.Bytes()
}
