// SPDX-License-Identifier: Apache-2.0

package rpm

import "fmt"

// A linkGroup is the names of one hard-linked file: regular files of equal
// device and inode number in the header. In the archive all but the last have
// no content (rpm lib/rpmfi.cc, iterWriteArchiveNextFile): the last to come, and
// in a stripped archive the last of the header (iterReadArchiveNext).
type linkGroup struct {
	members []int   // places in the header, ascending
	names   []*File // those seen in the archive, in its order
}

// linkGroups finds the hard links among files. The result is by place in
// files, nil for a file with one name.
func linkGroups(files []File) ([]*linkGroup, error) {
	type inode struct{ device, inode uint32 }
	groups := make(map[inode]*linkGroup)
	of := make([]*linkGroup, len(files))
	for i := range files {
		f := &files[i]
		// Without FILEINODES all are zero, and rpm numbers from one.
		if !f.IsRegular() || f.Ghost() || f.Inode == 0 {
			continue
		}
		id := inode{f.Device, f.Inode}
		g := groups[id]
		if g == nil {
			g = new(linkGroup)
			groups[id] = g
		} else if first := &files[g.members[0]]; first.Size != f.Size {
			return nil, tagError(tagFileSizes, "%.256s: size %d, its hard link %.256s has %d", f.Path, f.Size, first.Path, first.Size)
		}
		g.members = append(g.members, i)
		of[i] = g
	}
	for i, g := range of {
		if g != nil && len(g.members) == 1 {
			of[i] = nil
		}
	}
	return of, nil
}

// add notes that the file at place i was seen and says whether it is the one
// with the content.
func (g *linkGroup) add(i int, f *File, stripped bool) (last bool, err error) {
	g.names = append(g.names, f)
	last = len(g.names) == len(g.members)
	if stripped && last != (i == g.members[len(g.members)-1]) {
		return false, fmt.Errorf("%s: name %d of %d of a hard-linked file is out of order", f.Path, len(g.names), len(g.members))
	}
	return last, nil
}
