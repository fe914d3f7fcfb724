// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// A File is one file of the header's file list. Not all of them have content:
// only regular files that are not ghosts do, and of a hard-link group one.
type File struct {
	Path   string // absolute and clean; in a source package the bare name
	Size   int64  // in bytes; 0 for what has no content: directories, links, devices, ghosts
	Mode   uint32 // as in stat(2): type and permission bits
	LinkTo string // a symlink's target
	Flags  uint32 // rpm's RPMFILE_ bits

	// Device and Inode are equal exactly for the names of one hard-link group
	// among a package's regular files. They mean nothing beyond it. Inode is 0
	// if the package does not say.
	Device, Inode uint32
}

// File type bits of File.Mode.
const (
	modeType    = 0o170000
	modeRegular = 0o100000
	modeSymlink = 0o120000
)

// flagGhost marks a file that the package owns but does not contain.
const flagGhost = 1 << 6

// Ghost says whether f is listed in the header only, not in the payload.
func (f *File) Ghost() bool { return f.Flags&flagGhost != 0 }

// IsRegular says whether f is a regular file.
func (f *File) IsRegular() bool { return f.Mode&modeType == modeRegular }

// IsSymlink says whether f is a symbolic link.
func (f *File) IsSymlink() bool { return f.Mode&modeType == modeSymlink }

// readFiles joins the header's parallel file arrays. All must be of equal
// length, sizes within the limits, paths clean and without repetition.
func readFiles(h *header, source bool) ([]File, error) {
	if h.has(tagOldFilenames) {
		return nil, tagError(tagOldFilenames, "file list of a format older than rpm 4")
	}
	bases, err := h.strings(tagBaseNames)
	if err != nil {
		return nil, err
	}
	files := make([]File, bases.len())
	if err := readPaths(h, files, bases, source); err != nil {
		return nil, err
	}
	links, err := h.strings(tagFileLinkTos)
	if err != nil {
		return nil, err
	}
	if err := sameLength(tagFileLinkTos, links.len(), len(files), true); err != nil {
		return nil, err
	}
	for i := range files {
		files[i].LinkTo = string(links.at(i))
	}
	for _, a := range []struct {
		tag      tag
		typ      dataType
		required bool
		set      func(f *File, v uint32)
	}{
		{tagFileModes, typeInt16, true, func(f *File, v uint32) { f.Mode = v }},
		{tagFileFlags, typeInt32, false, func(f *File, v uint32) { f.Flags = v }},
		{tagFileDevices, typeInt32, false, func(f *File, v uint32) { f.Device = v }},
		{tagFileInodes, typeInt32, false, func(f *File, v uint32) { f.Inode = v }},
	} {
		values, err := h.numbers(a.tag, a.typ)
		if err != nil {
			return nil, err
		}
		if err := sameLength(a.tag, values.len(), len(files), a.required); err != nil {
			return nil, err
		}
		for i := range values.len() {
			a.set(&files[i], uint32(values.at(i)))
		}
	}
	if !h.has(tagFileDevices) {
		// As in rpm: without both numbers no file is a hard link. Not every
		// program that writes packages writes both.
		for i := range files {
			files[i].Inode = 0
		}
	}
	return files, readSizes(h, files)
}

// sameLength compares a file array's length with the number of base names.
func sameLength(t tag, got, want int, required bool) error {
	if got == want || got == 0 && !required {
		return nil
	}
	return tagError(t, "%d entries, BASENAMES has %d", got, want)
}

// readPaths joins directories and base names to paths.
func readPaths(h *header, files []File, bases stringList, source bool) error {
	dirs, err := h.strings(tagDirNames)
	if err != nil {
		return err
	}
	indexes, err := h.numbers(tagDirIndexes, typeInt32)
	if err != nil {
		return err
	}
	if indexes.len() != bases.len() {
		return tagError(tagBaseNames, "%d entries, DIRINDEXES has %d", bases.len(), indexes.len())
	}
	sum := 0
	for i := range files {
		if at := indexes.at(i); at < uint64(dirs.len()) {
			sum += len(dirs.at(int(at))) + len(bases.at(i))
		}
	}
	if most := maxPaths(len(h.blob.raw)); sum > most {
		return tagError(tagBaseNames, "the paths of %d files have %d bytes together, at most %d are read of a header of %d", len(files), sum, most, len(h.blob.raw))
	}
	for i := range files {
		base, at := bases.at(i), indexes.at(i)
		if at >= uint64(dirs.len()) {
			return tagError(tagDirIndexes, "file %d is in directory %d, DIRNAMES has %d", i, at, dirs.len())
		}
		dir := dirs.at(int(at))
		if bytes.IndexByte(base, '/') >= 0 {
			return tagError(tagBaseNames, "file %d: %.256q has a slash", i, base)
		}
		if !source && !bytes.HasPrefix(dir, []byte("/")) {
			return tagError(tagDirNames, "file %d: directory %.256q is not absolute", i, dir)
		}
		if len(dir) > 0 && !bytes.HasSuffix(dir, []byte("/")) {
			return tagError(tagDirNames, "file %d: directory %.256q does not end in a slash", i, dir)
		}
		if len(dir)+len(base) >= maxPathSize {
			return tagError(tagDirNames, "file %d: path of %d bytes, the limit is %d", i, len(dir)+len(base), maxPathSize-1)
		}
		name := string(dir) + string(base)
		p, ok := cleanPath(name)
		if !ok {
			return tagError(tagDirNames, "file %d: path %.256q leads upwards", i, name)
		}
		if files[i].Path = p; source {
			files[i].Path = strings.TrimPrefix(p, "/")
		}
	}
	return noneTwice(files)
}

// noneTwice looks for a path that is there twice. rpmbuild sorts the paths.
func noneTwice(files []File) error {
	order := func(a, b int32) int { return strings.Compare(files[a].Path, files[b].Path) }
	byPath := make([]int32, len(files))
	for i := range byPath {
		byPath[i] = int32(i)
	}
	if !slices.IsSortedFunc(byPath, order) {
		slices.SortStableFunc(byPath, order)
	}
	for i := 1; i < len(byPath); i++ {
		if twice := byPath[i]; order(byPath[i-1], twice) == 0 {
			return tagError(tagBaseNames, "file %d: path %.256q stands there twice", twice, files[twice].Path)
		}
	}
	return nil
}

// cleanPath makes name, a path of the header ("/usr/lib/a") or a name of the
// payload ("./usr/lib/a"), absolute and clean. It refuses every "..", wherever it
// would lead.
func cleanPath(name string) (string, bool) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", false
		}
	}
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return path.Clean(name), true
}

// readSizes takes the sizes from FILESIZES, or from LONGFILESIZES, which stands
// in its place if a file has 4 GiB or more, and always in v6. For files without content
// the header's figure is meaningless: that of a directory comes from the build machine,
// that of a ghost may be anything. Modes and flags must be set.
func readSizes(h *header, files []File) error {
	t, typ := tagFileSizes, typeInt32
	if h.has(tagLongFileSizes) {
		if h.has(tagFileSizes) {
			return tagError(tagLongFileSizes, "FILESIZES is there too")
		}
		t, typ = tagLongFileSizes, typeInt64
	}
	sizes, err := h.numbers(t, typ)
	if err != nil {
		return err
	}
	if err := sameLength(t, sizes.len(), len(files), true); err != nil {
		return err
	}
	var sum int64 // at most maxArray times MaxFileSize, less than 2^63
	for i := range files {
		f := &files[i]
		if !f.IsRegular() || f.Ghost() {
			continue
		}
		size := sizes.at(i)
		if size > maxFileSize {
			return tagError(t, "%.256s: %d bytes, the limit is %d", f.Path, size, int64(maxFileSize))
		}
		f.Size = int64(size)
		if sum += f.Size; sum > maxPayloadSize {
			return tagError(t, "files have more than %d bytes together", int64(maxPayloadSize))
		}
	}
	return nil
}
