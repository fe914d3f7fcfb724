// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The tags that are written, of rpm's include/rpm/rpmtag.h.
const (
	sigRSA     = 268 // in the signature header
	sigSHA     = 273
	sigOpenPGP = 278
	sigSize    = 1000
	sigPGP     = 1002
	sigMD5     = 1004

	tagName          = 1000
	tagVersion       = 1001
	tagRelease       = 1002
	tagBuildTime     = 1006
	tagArch          = 1022
	tagSizes         = 1028
	tagModes         = 1030
	tagLinks         = 1036
	tagFlags         = 1037
	tagSourceRPM     = 1044
	tagProvides      = 1047
	tagDevices       = 1095
	tagInodes        = 1096
	tagProvideFlags  = 1112
	tagProvideVers   = 1113
	tagDirIndexes    = 1116
	tagBaseNames     = 1117
	tagDirNames      = 1118
	tagPayloadFormat = 1124
	tagCompressor    = 1125
	tagLongSizes     = 5008
	tagPayloadDigest = 5092
	tagDigestAlgo    = 5093
	tagFormat        = 5114

	regionSignature = 62
	regionHeader    = 63
)

// entry is one tag of a header with its encoded values.
type entry struct {
	tag, typ, count uint32
	data            []byte
}

func text(tag uint32, s string) entry { return entry{tag, 6, 1, append([]byte(s), 0)} }

func texts(tag uint32, list ...string) entry {
	return entry{tag, 8, uint32(len(list)), []byte(strings.Join(list, "\x00") + "\x00")}
}

func shorts(tag uint32, list ...uint16) entry {
	e := entry{tag, 3, uint32(len(list)), nil}
	for _, v := range list {
		e.data = binary.BigEndian.AppendUint16(e.data, v)
	}
	return e
}

func words(tag uint32, list ...uint32) entry {
	e := entry{tag, 4, uint32(len(list)), nil}
	for _, v := range list {
		e.data = binary.BigEndian.AppendUint32(e.data, v)
	}
	return e
}

func longs(tag uint32, list ...uint64) entry {
	e := entry{tag, 5, uint32(len(list)), nil}
	for _, v := range list {
		e.data = binary.BigEndian.AppendUint64(e.data, v)
	}
	return e
}

func raw(tag uint32, data []byte) entry { return entry{tag, 7, uint32(len(data)), data} }

// header encodes tags with the region in front.
func header(region uint32, list []entry) []byte {
	n := uint32(len(list) + 1)
	sizes := map[uint32]int{3: 2, 4: 4, 5: 8}
	var index, data []byte
	row := func(b []byte, values ...uint32) []byte {
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	for _, e := range list {
		if size := sizes[e.typ]; size > 1 {
			data = append(data, make([]byte, -len(data)&(size-1))...)
		}
		index = row(index, e.tag, e.typ, uint32(len(data)), e.count)
		data = append(data, e.data...)
	}
	index = append(row(nil, region, 7, uint32(len(data)), 16), index...)
	data = row(data, region, 7, -n*16, 16)
	return slices.Concat(row([]byte{0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0}, n, uint32(len(data))), index, data)
}

// A File is one of a package's.
type File struct {
	Path    string
	Content []byte
	Mode    uint16 // 0: a regular file
	Ghost   bool
}

func (f File) mode() uint16 {
	if f.Mode == 0 {
		return 0o100644
	}
	return f.Mode
}

// A Package is what bytes makes an RPM of. Digests are made last, so that a lie is
// found by the check meant for it.
type Package struct {
	Name       string // kernel-default
	Files      []File // those of a kernel package
	Compressor string // zstd
	Declared   string // what the header says of it; Compressor
	Signed     bool   // as rpmsign does it, by nobody's key

	Tags      func([]entry) []entry // of the header
	Header    func([]byte) []byte
	Signature func([]entry) []entry
	SigHeader func([]byte) []byte
	Archive   func([]byte) []byte
	Payload   func([]byte) []byte
	After     func(pkg []byte, header int) []byte
}

// kernelFiles are those of a whole kernel package. nil takes what is real.
func (c *Corpus) kernelFiles(vmlinux, module []byte, more ...File) []File {
	if vmlinux == nil {
		vmlinux = c.vmlinuxXz
	}
	if module == nil {
		module = c.module
	}
	return append([]File{
		{Path: modules + "config", Content: c.config},
		{Path: driver, Content: module},
		{Path: modules + "vmlinux.xz", Content: vmlinux},
	}, more...)
}

func (c *Corpus) bytes(t testing.TB, p Package) []byte {
	t.Helper()
	if p.Files == nil {
		p.Files = c.kernelFiles(nil, nil)
	}
	return RPM(t, p)
}

// RPM makes the bytes of a package, whose Files are all that it has.
func RPM(t testing.TB, p Package) []byte {
	t.Helper()
	if p.Compressor == "" {
		p.Compressor = "zstd"
	}
	archive := apply(p.Archive, cpio(p.Files))
	payload := apply(p.Payload, Compress(t, p.Compressor, archive))
	head := apply(p.Header, header(regionHeader, apply(p.Tags, p.tags(payload))))

	sha, md := sha256.Sum256(head), md5.New()
	md.Write(head)
	md.Write(payload)
	digests := []entry{
		text(sigSHA, hex.EncodeToString(sha[:])),
		words(sigSize, uint32(len(head)+len(payload))),
		raw(sigMD5, md.Sum(nil)),
	}
	if p.Signed {
		signature := bytes.Repeat([]byte{0x89}, 310) // one of RSA with 2048 bits
		digests = set(raw(sigRSA, signature), texts(sigOpenPGP, hex.EncodeToString(signature)), raw(sigPGP, signature))(digests)
	}
	sig := apply(p.SigHeader, header(regionSignature, apply(p.Signature, digests)))
	lead := make([]byte, 96)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1})
	copy(lead[10:75], p.name())
	lead[77], lead[79] = 1, 5
	sig = append(sig, make([]byte, -len(sig)&7)...)
	pkg := slices.Concat(lead, sig, head, payload)
	if p.After != nil {
		pkg = p.After(pkg, len(lead)+len(sig))
	}
	return pkg
}

func apply[T any](f func(T) T, v T) T {
	if f == nil {
		return v
	}
	return f(v)
}

func (p Package) name() string {
	if p.Name == "" {
		return "kernel-default"
	}
	return p.Name
}

// tags are the header's, in rising order. NAME is entry 1: the region is 0.
func (p Package) tags(payload []byte) []entry {
	var dirs, bases, links []string
	var indexes, sizes, flags, devices, inodes []uint32
	var modes []uint16
	for i, f := range p.Files {
		slash := strings.LastIndexByte(f.Path, '/') + 1
		// Neighbors share their folder, as in what rpmbuild writes.
		if len(dirs) == 0 || dirs[len(dirs)-1] != f.Path[:slash] {
			dirs = append(dirs, f.Path[:slash])
		}
		indexes = append(indexes, uint32(len(dirs)-1))
		bases = append(bases, f.Path[slash:])
		sizes = append(sizes, uint32(len(f.Content)))
		modes = append(modes, f.mode())
		link, flag := "", uint32(0)
		if f.mode()&0o170000 == 0o120000 {
			link = string(f.Content)
		}
		if f.Ghost {
			flag = 64
		}
		links, flags = append(links, link), append(flags, flag)
		devices, inodes = append(devices, 1), append(inodes, uint32(i+1))
	}
	list := []entry{
		text(tagName, p.name()), text(tagVersion, "5.15.12"), text(tagRelease, "1.9"),
		words(tagBuildTime, 1640736000), text(tagArch, "x86_64"),
	}
	if len(p.Files) > 0 {
		list = append(list, words(tagSizes, sizes...), shorts(tagModes, modes...), texts(tagLinks, links...), words(tagFlags, flags...))
	}
	list = append(list, text(tagSourceRPM, "kernel-default-5.15.12-1.9.nosrc.rpm"))
	if len(p.Files) > 0 {
		list = append(list, words(tagDevices, devices...), words(tagInodes, inodes...),
			words(tagDirIndexes, indexes...), texts(tagBaseNames, bases...), texts(tagDirNames, dirs...))
	}
	declared := p.Declared
	if declared == "" {
		declared = p.Compressor
	}
	sum := sha256.Sum256(payload)
	return append(list, text(tagPayloadFormat, "cpio"), text(tagCompressor, declared),
		texts(tagPayloadDigest, hex.EncodeToString(sum[:])), words(tagDigestAlgo, 8))
}

// set puts entries in, in the place of those of their tags.
func set(with ...entry) func([]entry) []entry {
	return func(list []entry) []entry {
		for _, e := range with {
			list = without(e.tag)(list)
		}
		list = append(list, with...)
		slices.SortStableFunc(list, func(a, b entry) int { return int(a.tag) - int(b.tag) })
		return list
	}
}

func without(tags ...uint32) func([]entry) []entry {
	return func(list []entry) []entry {
		return slices.DeleteFunc(list, func(e entry) bool { return slices.Contains(tags, e.tag) })
	}
}

// provides replaces what the package provides.
func provides(names ...string) func([]entry) []entry {
	return set(texts(tagProvides, names...), words(tagProvideFlags, make([]uint32, len(names))...),
		texts(tagProvideVers, make([]string, len(names))...))
}

// The fields of an index entry, and of a header's intro.
const (
	fieldTag = iota
	fieldType
	fieldOffset
	fieldCount

	introTags = 8
	introData = 12
)

func patchEntry(entry, field int, v uint32) func([]byte) []byte {
	return patch32(16+16*entry+4*field, v)
}

// patch32 overwrites four bytes; at counts from the end if it is negative.
func patch32(at int, v uint32) func([]byte) []byte {
	return patch(at, string(binary.BigEndian.AppendUint32(nil, v)))
}

func patch(at int, s string) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		if at < 0 {
			copy(b[len(b)+at:], s)
		} else {
			copy(b[at:], s)
		}
		return b
	}
}

// cpio writes an archive as rpm does, without the ghosts.
func cpio(files []File) []byte {
	var out []byte
	for _, f := range files {
		if !f.Ghost {
			out = append(out, member("."+f.Path, f.mode(), f.Content)...)
		}
	}
	return append(out, member("TRAILER!!!", 0, nil)...)
}

func member(name string, mode uint16, content []byte) []byte {
	b := fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	b = append(b, make([]byte, -len(b)&3)...)
	b = append(b, content...)
	return append(b, make([]byte, -len(b)&3)...)
}
