// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"bytes"
	"fmt"
)

// cpio is an archive in the format that cpio calls newc, as workers send results.
type cpio struct{ bytes.Buffer }

func (c *cpio) add(name string, data []byte) { c.entry(name, 0o100644, data) }

// end closes the archive.
func (c *cpio) end() { c.entry("TRAILER!!!", 0, nil) }

// entry writes a header of thirteen numbers, the name and the data, both padded
// to four bytes.
func (c *cpio) entry(name string, mode int, data []byte) {
	fmt.Fprintf(c, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	c.pad()
	c.Write(data)
	c.pad()
}

func (c *cpio) pad() { c.Write(make([]byte, -c.Len()&3)) }
