// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A writer of packages for the tests, whole ones and such as no rpmbuild would
// write. Digests are made last, so that a fault is found by the check meant for
// it and not by a digest.

// testEntry is one tag with its encoded data. offset and region entries are
// filled in by testBlob.
type testEntry struct {
	tag   tag
	typ   dataType
	count uint32
	data  []byte
}

func str(t tag, s string) testEntry { return testEntry{t, typeString, 1, append([]byte(s), 0)} }

func strs(t tag, list ...string) testEntry {
	e := testEntry{tag: t, typ: typeStringArray, count: uint32(len(list))}
	for _, s := range list {
		e.data = append(append(e.data, s...), 0)
	}
	return e
}

func i16(t tag, list ...uint16) testEntry {
	e := testEntry{tag: t, typ: typeInt16, count: uint32(len(list))}
	for _, v := range list {
		e.data = binary.BigEndian.AppendUint16(e.data, v)
	}
	return e
}

func i32(t tag, list ...uint32) testEntry {
	e := testEntry{tag: t, typ: typeInt32, count: uint32(len(list))}
	for _, v := range list {
		e.data = binary.BigEndian.AppendUint32(e.data, v)
	}
	return e
}

func i64(t tag, list ...uint64) testEntry {
	e := testEntry{tag: t, typ: typeInt64, count: uint32(len(list))}
	for _, v := range list {
		e.data = binary.BigEndian.AppendUint64(e.data, v)
	}
	return e
}

func bin(t tag, data []byte) testEntry {
	return testEntry{t, typeBin, uint32(len(data)), data}
}

// testBlob encodes a header with its region.
func testBlob(region tag, entries []testEntry) []byte {
	n := uint32(len(entries) + 1)
	var index, data []byte
	row := func(b []byte, t tag, typ dataType, offset, count uint32) []byte {
		for _, v := range []uint32{uint32(t), uint32(typ), offset, count} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	for _, e := range entries {
		if size := e.typ.size(); size > 1 {
			for uint32(len(data))%size != 0 {
				data = append(data, 0)
			}
		}
		index = row(index, e.tag, e.typ, uint32(len(data)), e.count)
		data = append(data, e.data...)
	}
	index = append(row(nil, region, typeBin, uint32(len(data)), entrySize), index...)
	data = row(data, region, typeBin, -n*entrySize, entrySize)

	blob := binary.BigEndian.AppendUint32(bytes.Clone(headerMagic), n)
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(data)))
	return append(append(blob, index...), data...)
}

// patchEntry overwrites one field of an index entry: 0 tag, 1 type, 2 offset,
// 3 count. Entry 0 is the region.
func patchEntry(entry, field int, v uint32) func([]byte) []byte {
	return func(blob []byte) []byte {
		binary.BigEndian.PutUint32(blob[introSize+entry*entrySize+4*field:], v)
		return blob
	}
}

// patchIntro overwrites the number of entries (0) or bytes of data (1).
func patchIntro(field int, v uint32) func([]byte) []byte {
	return func(blob []byte) []byte {
		binary.BigEndian.PutUint32(blob[8+4*field:], v)
		return blob
	}
}

// modeDir is the type of a directory in File.Mode.
const modeDir = 0o040000

// testFile is a file of a testPackage. Regular if mode has no type.
type testFile struct {
	path    string
	content string // of a symlink its target
	mode    uint16
	flags   uint32
	inode   uint32 // 0: its own
}

func (f testFile) fullMode() uint16 {
	if f.mode&modeType == 0 {
		return f.mode | modeRegular
	}
	return f.mode
}

// A testPackage is what bytes makes a package of. The zero value is a package
// with one file, boot/vmlinux with the content "data".
type testPackage struct {
	files      []testFile
	compressor string // "", "gzip" or "zstd"
	stripped   bool
	v6         bool

	archive    func(cpio []byte) []byte            // changes the archive
	payload    func(compressed []byte) []byte      // changes the compressed payload, before the digest
	header     func(h []testEntry) []testEntry     // changes the header's tags
	headerRaw  func(blob []byte) []byte            // changes the encoded header, before the digests
	sig        func(sig []testEntry) []testEntry   // changes the signature header's tags
	sigRaw     func(blob []byte) []byte            // changes the encoded signature header
	afterwards func(pkg []byte, header int) []byte // changes the package; header is where the main header starts
}

var oneFile = []testFile{{path: "/boot/vmlinux", content: "data", mode: 0o644}}

func (p testPackage) bytes(t testing.TB) []byte {
	t.Helper()
	if p.files == nil {
		p.files = oneFile
	}
	archive := testArchive(p.files, p.stripped)
	if p.archive != nil {
		archive = p.archive(archive)
	}
	payload := compress(t, p.compressor, archive)
	if p.payload != nil {
		payload = p.payload(payload)
	}

	entries := p.tags(payload)
	if p.header != nil {
		entries = p.header(entries)
	}
	header := testBlob(tagRegion, entries)
	if p.headerRaw != nil {
		header = p.headerRaw(header)
	}
	sum := sha256.Sum256(header)
	signature := []testEntry{str(sigSHA256, hex.EncodeToString(sum[:]))}
	if p.v6 {
		sum := sha3.Sum256(header)
		signature = append(signature, str(sigSHA3, hex.EncodeToString(sum[:])), bin(sigReserved, make([]byte, 4128)))
	} else {
		md := md5.Sum(append(bytes.Clone(header), payload...))
		signature = append(signature, i32(sigSize, uint32(len(header)+len(payload))), bin(sigMD5, md[:]))
	}
	if p.sig != nil {
		signature = p.sig(signature)
	}
	sig := testBlob(sigRegion, signature)
	if p.sigRaw != nil {
		sig = p.sigRaw(sig)
	}
	lead := make([]byte, leadSize)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0})
	lead[79] = headerStyleSignature

	pkg := append(lead, sig...)
	for len(pkg)%8 != 0 {
		pkg = append(pkg, 0)
	}
	start := len(pkg)
	pkg = append(append(pkg, header...), payload...)
	if p.afterwards != nil {
		pkg = p.afterwards(pkg, start)
	}
	return pkg
}

// tags are the header's, in ascending order as in real packages. The first five
// are NAME, VERSION, RELEASE, EPOCH and ARCH: entries 1 to 5.
func (p testPackage) tags(payload []byte) []testEntry {
	var bases, dirs, links []string
	var sizes, flags, devices, inodes, indexes []uint32
	var long []uint64
	var modes []uint16
	for i, f := range p.files {
		slash := bytes.LastIndexByte([]byte(f.path), '/') + 1
		bases = append(bases, f.path[slash:])
		dirs = append(dirs, f.path[:slash])
		indexes = append(indexes, uint32(i))
		size, link := uint32(len(f.content)), ""
		if f.fullMode()&modeType == modeSymlink {
			link = f.content
		}
		links = append(links, link)
		sizes, long = append(sizes, size), append(long, uint64(size))
		modes = append(modes, f.fullMode())
		flags = append(flags, f.flags)
		devices = append(devices, 1)
		if f.inode == 0 {
			f.inode = uint32(1000 + i)
		}
		inodes = append(inodes, f.inode)
	}
	sum := sha256.Sum256(payload)
	e := []testEntry{
		str(tagName, "kernel-default"), str(tagVersion, "5.15.12"), str(tagRelease, "1.1"),
		i32(tagEpoch, 2), str(tagArch, "x86_64"),
	}
	if len(p.files) > 0 && !p.v6 && !p.stripped {
		e = append(e, i32(tagFileSizes, sizes...))
	}
	if len(p.files) > 0 {
		e = append(e, i16(tagFileModes, modes...), strs(tagFileLinkTos, links...), i32(tagFileFlags, flags...))
	}
	e = append(e, str(tagSourceRPM, "kernel-default-5.15.12-1.1.nosrc.rpm"))
	if len(p.files) > 0 {
		e = append(e, i32(tagFileDevices, devices...), i32(tagFileInodes, inodes...),
			i32(tagDirIndexes, indexes...), strs(tagBaseNames, bases...), strs(tagDirNames, dirs...))
	}
	e = append(e, str(tagPayloadFormat, "cpio"))
	if p.compressor != "" {
		e = append(e, str(tagCompressor, p.compressor))
	}
	if len(p.files) > 0 && (p.v6 || p.stripped) {
		e = append(e, i64(tagLongFileSizes, long...))
	}
	e = append(e, strs(tagPayloadDigest, hex.EncodeToString(sum[:])))
	if p.v6 {
		return append(e, i32(tagRPMFormat, 6))
	}
	return append(e, i32(tagPayloadAlgo, algoSHA256))
}

// testArchive is the payload of files as rpm writes it: no ghosts, and of a
// hard-link group only the last name with content.
func testArchive(files []testFile, stripped bool) []byte {
	var out []byte
	for i, f := range files {
		if f.flags&flagGhost != 0 {
			continue
		}
		content := f.content
		for _, later := range files[i+1:] {
			if f.inode != 0 && later.inode == f.inode {
				content = ""
			}
		}
		if stripped {
			out = append(out, fmt.Sprintf("07070X%08x\x00\x00", i)...)
		} else {
			out = append(out, newcHeader("."+f.path, f.fullMode(), len(content))...)
		}
		out = pad(append(out, content...))
	}
	return append(out, newcHeader(cpioTrailer, 0, 0)...)
}

func newcHeader(name string, mode uint16, size int) []byte {
	h := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	return pad([]byte(h))
}

func pad(b []byte) []byte {
	for len(b)%cpioAlign != 0 {
		b = append(b, 0)
	}
	return b
}

func compress(t testing.TB, compressor string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	switch compressor {
	case "gzip":
		w := gzip.NewWriter(&out)
		w.Write(data)
		w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
		w.Close()
	default:
		return data
	}
	return out.Bytes()
}
