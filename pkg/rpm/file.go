// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"io/fs"
	"path"
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
	modeDir     = 0o040000
	modeSymlink = 0o120000
)

// flagGhost marks a file that the package owns but does not contain.
const flagGhost = 1 << 6

// Ghost says whether f is listed in the header only, not in the payload.
func (f *File) Ghost() bool { return f.Flags&flagGhost != 0 }

// IsRegular says whether f is a regular file.
func (f *File) IsRegular() bool { return f.Mode&modeType == modeRegular }

// IsDir says whether f is a directory.
func (f *File) IsDir() bool { return f.Mode&modeType == modeDir }

// IsSymlink says whether f is a symbolic link.
func (f *File) IsSymlink() bool { return f.Mode&modeType == modeSymlink }

// FileMode is f.Mode in Go's terms.
func (f *File) FileMode() fs.FileMode {
	mode := fs.FileMode(f.Mode & 0o777)
	for _, b := range []struct {
		mask, bits uint32
		mode       fs.FileMode
	}{
		{modeType, modeDir, fs.ModeDir},
		{modeType, modeSymlink, fs.ModeSymlink},
		{modeType, 0o010000, fs.ModeNamedPipe},
		{modeType, 0o140000, fs.ModeSocket},
		{modeType, 0o020000, fs.ModeDevice | fs.ModeCharDevice},
		{modeType, 0o060000, fs.ModeDevice},
		{0o4000, 0o4000, fs.ModeSetuid},
		{0o2000, 0o2000, fs.ModeSetgid},
		{0o1000, 0o1000, fs.ModeSticky},
	} {
		if f.Mode&b.mask == b.bits {
			mode |= b.mode
		}
	}
	return mode
}

// readFiles joins the header's parallel file arrays. All must be of equal
// length, sizes within the limits, paths clean and without repetition.
func readFiles(h *header, source bool) ([]File, error) {
	if h.has(tagOldFilenames) {
		return nil, tagError(tagOldFilenames, "file list of a format older than rpm 4")
	}
	bases, err := h.strs(tagBaseNames)
	if err != nil {
		return nil, err
	}
	files := make([]File, len(bases))
	if err := readPaths(h, files, bases, source); err != nil {
		return nil, err
	}
	links, err := h.strs(tagFileLinkTos)
	if err != nil {
		return nil, err
	}
	if err := sameLength(tagFileLinkTos, len(links), len(files), true); err != nil {
		return nil, err
	}
	for i, l := range links {
		files[i].LinkTo = l
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
		values, err := h.ints(a.tag, a.typ)
		if err != nil {
			return nil, err
		}
		if err := sameLength(a.tag, len(values), len(files), a.required); err != nil {
			return nil, err
		}
		for i, v := range values {
			a.set(&files[i], uint32(v))
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
func readPaths(h *header, files []File, bases []string, source bool) error {
	dirs, err := h.strs(tagDirNames)
	if err != nil {
		return err
	}
	indexes, err := h.ints(tagDirIndexes, typeInt32)
	if err != nil {
		return err
	}
	if len(indexes) != len(bases) {
		return tagError(tagBaseNames, "%d entries, DIRINDEXES has %d", len(bases), len(indexes))
	}
	seen := make(map[string]bool, len(bases))
	for i, base := range bases {
		if indexes[i] >= uint64(len(dirs)) {
			return tagError(tagDirIndexes, "file %d is in directory %d, DIRNAMES has %d", i, indexes[i], len(dirs))
		}
		dir := dirs[indexes[i]]
		if strings.Contains(base, "/") {
			return tagError(tagBaseNames, "file %d: %.256q has a slash", i, base)
		}
		if !source && !strings.HasPrefix(dir, "/") {
			return tagError(tagDirNames, "file %d: directory %.256q is not absolute", i, dir)
		}
		if dir != "" && !strings.HasSuffix(dir, "/") {
			return tagError(tagDirNames, "file %d: directory %.256q does not end in a slash", i, dir)
		}
		if len(dir)+len(base) >= maxPathSize {
			return tagError(tagDirNames, "file %d: path of %d bytes, the limit is %d", i, len(dir)+len(base), maxPathSize-1)
		}
		p, ok := cleanPath(dir + base)
		if !ok {
			return tagError(tagDirNames, "file %d: path %.256q leads upwards", i, dir+base)
		}
		if seen[p] {
			return tagError(tagBaseNames, "file %d: path %.256q stands there twice", i, p)
		}
		seen[p] = true
		files[i].Path = p
		if source {
			files[i].Path = strings.TrimPrefix(p, "/")
		}
	}
	return nil
}

// cleanPath makes name, a path of the header ("/usr/lib/a") or a name of the
// payload ("./usr/lib/a"), absolute and clean. It refuses ".." wherever it
// stands; where that would lead does not matter.
func cleanPath(name string) (string, bool) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", false
		}
	}
	return path.Clean("/" + name), true
}

// readSizes takes the sizes from FILESIZES, or from LONGFILESIZES, which stands
// in its place if a file has 4 GiB or more, and always in v6. Of files without
// content the header's figure says nothing: that of a directory is the build
// machine's, that of a ghost may be anything. Modes and flags must be set.
func readSizes(h *header, files []File) error {
	t, typ := tagFileSizes, typeInt32
	if h.has(tagLongFileSizes) {
		if h.has(tagFileSizes) {
			return tagError(tagLongFileSizes, "FILESIZES is there too")
		}
		t, typ = tagLongFileSizes, typeInt64
	}
	sizes, err := h.ints(t, typ)
	if err != nil {
		return err
	}
	if err := sameLength(t, len(sizes), len(files), true); err != nil {
		return err
	}
	var sum int64 // at most maxArray times MaxFileSize, less than 2^63
	for i, size := range sizes {
		f := &files[i]
		if !f.IsRegular() || f.Ghost() {
			continue
		}
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
