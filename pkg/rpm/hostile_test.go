// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// readAll reads a package to its end. Content of the files is joined with "|".
func readAll(pkg []byte) (*Package, string, error) {
	r, err := NewReader(bytes.NewReader(pkg))
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	var contents []string
	for {
		_, err := r.Next()
		if err == io.EOF {
			return r.Package, strings.Join(contents, "|"), nil
		}
		if err != nil {
			return r.Package, strings.Join(contents, "|"), err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return r.Package, strings.Join(contents, "|"), err
		}
		contents = append(contents, string(content))
	}
}

// skipAll goes through a package without reading any content.
func skipAll(pkg []byte) error {
	r, err := NewReader(bytes.NewReader(pkg))
	if err != nil {
		return err
	}
	defer r.Close()
	for err == nil {
		_, err = r.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// replace changes the first tag of the header that matches e's.
func replace(e testEntry) func([]testEntry) []testEntry {
	return func(list []testEntry) []testEntry {
		for i := range list {
			if list[i].tag == e.tag {
				list[i] = e
			}
		}
		return list
	}
}

func remove(tags ...tag) func([]testEntry) []testEntry {
	return func(list []testEntry) []testEntry {
		return slices.DeleteFunc(list, func(e testEntry) bool { return slices.Contains(tags, e.tag) })
	}
}

// insert puts e in front of the first tag that is higher.
func insert(e testEntry) func([]testEntry) []testEntry {
	return func(list []testEntry) []testEntry {
		i := slices.IndexFunc(list, func(o testEntry) bool { return o.tag > e.tag })
		if i < 0 {
			i = len(list)
		}
		return slices.Insert(list, i, e)
	}
}

func cut(n int) func([]byte, int) []byte {
	return func(pkg []byte, _ int) []byte { return pkg[:n] }
}

// put overwrites b with s at offset at.
func put(at int, s string) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[at:], s)
		return b
	}
}

// Where the fields of the first newc entry stand.
const (
	atMode     = 14
	atFilesize = 54
	atNamesize = 94
	atName     = 110
)

type hostile struct {
	name string
	pkg  testPackage
	err  string // part of the error
}

// manyPaths has so many directories that share one long name.
func manyPaths(n, length int) testPackage {
	names, zeros, modes := make([]string, n), make([]uint32, n), make([]uint16, n)
	for i := range names {
		names[i], modes[i] = fmt.Sprint(i), modeDir|0o755
	}
	return testPackage{header: func(e []testEntry) []testEntry {
		for _, f := range []testEntry{
			strs(tagBaseNames, names...), strs(tagDirNames, "/"+strings.Repeat("d", length-2)+"/"), i32(tagDirIndexes, zeros...),
			i32(tagFileSizes, zeros...), i16(tagFileModes, modes...), strs(tagFileLinkTos, make([]string, n)...), i32(tagFileFlags, zeros...),
		} {
			e = replace(f)(e)
		}
		return e
	}}
}

// mismatchedFiles has two files and takes the last element off one array.
func mismatchedFiles(e testEntry) testPackage {
	return testPackage{
		files:  []testFile{{path: "/a", content: "1"}, {path: "/b", content: "2"}},
		header: replace(e),
	}
}

var hostileHeaders = []hostile{
	{"lead cut", testPackage{afterwards: cut(50)}, "lead: cut short, 50 of 96 bytes are there; download or build the file again"},
	{"no RPM", testPackage{afterwards: func(p []byte, _ int) []byte { return put(0, "\x7fELF")(p) }}, "lead: magic 7f454c46, not an RPM"},
	{"lead version", testPackage{afterwards: func(p []byte, _ int) []byte { return put(4, "\x02")(p) }}, "lead: package version 2"},
	{"lead signature type", testPackage{afterwards: func(p []byte, _ int) []byte { return put(79, "\x01")(p) }}, "lead: signature type 1"},
	{"signature header cut", testPackage{afterwards: cut(150)}, "signature header: cut short, 54 of"},
	{"signature intro cut", testPackage{afterwards: cut(100)}, "signature header: cut short, 4 of 16 bytes are there; download or build the file again"},
	{"header cut", testPackage{afterwards: func(p []byte, h int) []byte { return p[:h+100] }}, "header: cut short, 100 of"},

	{"entries 0x0fffffff", testPackage{headerRaw: patchIntro(0, 0x0fffffff)}, "header: 268435455 tags, allowed are 1 to 65535"},
	{"entries wrap", testPackage{headerRaw: patchIntro(0, 0x10000001)}, "header: 268435457 tags"},
	{"no entries", testPackage{headerRaw: patchIntro(0, 0)}, "header: 0 tags"},
	{"data 4 GiB", testPackage{headerRaw: patchIntro(1, 0xfffffff0)}, "header: 4294967280 bytes of data, allowed are 1 to 268435455"},
	{"data within the limit, not there", testPackage{headerRaw: patchIntro(1, maxHeaderData)}, "of 268435"},
	{"header magic", testPackage{headerRaw: put(0, "\x8e\xad\xe8\x02")}, "header: magic 8eade802"},
	{"signature padding wraps", testPackage{sigRaw: patchIntro(1, 0xfffffff9)}, "signature header: 4294967289 bytes of data"},
	{"signature 2 GiB", testPackage{sigRaw: patchIntro(1, 0x7ffffff0)}, "signature header: 2147483632 bytes of data"},
	{"signature tags", testPackage{sigRaw: patchIntro(0, 33)}, "signature header: 33 tags, allowed are 1 to 32"},

	{"string offset -8", testPackage{headerRaw: patchEntry(2, 2, 0xfffffff8)}, "tag 1001 (VERSION), entry 2: offset 4294967288 out of range"},
	{"string offset 0x7fffffff", testPackage{headerRaw: patchEntry(2, 2, 0x7fffffff)}, "tag 1001 (VERSION), entry 2: offset 2147483647 out of range"},
	{"offset overlaps", testPackage{headerRaw: patchEntry(2, 2, 3)}, "tag 1001 (VERSION), entry 2: offset 3 overlaps the entry before, which ends at 15"},
	{"int32 offset -8", testPackage{headerRaw: patchEntry(4, 2, 0xfffffff8)}, "tag 1003 (EPOCH), entry 4: offset 4294967288 out of range"},
	{"int32 not aligned", testPackage{headerRaw: patchEntry(4, 2, 29)}, "tag 1003 (EPOCH), entry 4: offset 29 not aligned to 4"},
	{"int64 count 0x7fffffff", testPackage{headerRaw: patchEntry(4, 3, 0x7fffffff)}, "tag 1003 (EPOCH), entry 4: count 2147483647 out of range"},
	{"int32 past the end", testPackage{headerRaw: patchEntry(4, 3, 200)}, "tag 1003 (EPOCH), entry 4: 200 elements of int32"},
	{"binary count -16", testPackage{header: insert(bin(1012, []byte("GIF"))), headerRaw: patchEntry(5, 3, 0xfffffff0)}, "tag 1012, entry 5: count 4294967280 out of range"},
	{"string count -1", testPackage{headerRaw: patchEntry(2, 3, 0xffffffff)}, "entry 2: count 4294967295 out of range"},
	{"string count 0", testPackage{headerRaw: patchEntry(2, 3, 0)}, "entry 2: count 0 out of range"},
	{"string count 0x7fffffff", testPackage{headerRaw: patchEntry(2, 3, 0x7fffffff)}, "entry 2: count 2147483647 out of range"},
	{"string count 2", testPackage{headerRaw: patchEntry(2, 3, 2)}, "entry 2: count 2 for one string"},
	{"unknown type 77", testPackage{headerRaw: patchEntry(2, 1, 77)}, "entry 2: unknown type 77"},
	{"type 0", testPackage{headerRaw: patchEntry(2, 1, 0)}, "entry 2: unknown null"},
	{"tag 63 twice", testPackage{headerRaw: patchEntry(2, 0, 63)}, "tag 63, entry 2: tag 63 out of range"},
	{"NAME as int32", testPackage{header: replace(i32(tagName, 7))}, "tag 1000 (NAME): int32, want a string"},
	{"NAME missing", testPackage{header: remove(tagName)}, "tag 1000 (NAME): missing or empty"},
	{"NAME twice", testPackage{header: insert(str(tagName, "evil"))}, "tag 1000 (NAME): stands there twice"},
	{"EPOCH of two", testPackage{header: replace(i32(tagEpoch, 1, 2))}, "tag 1003 (EPOCH): 2 values, want 1"},
	{"string not terminated", testPackage{header: func(e []testEntry) []testEntry {
		return append(e, testEntry{9999, typeStringArray, 3, []byte("a\x00b\x00c")})
	}}, "tag 9999, entry 19: string 3 of 3 not terminated"},
	{"array of a million", testPackage{header: insert(testEntry{9999, typeStringArray, 1 << 20, make([]byte, 1<<20)})}, "count 1048576, the limit is 1048575"},

	{"no region", testPackage{headerRaw: patchEntry(0, 0, 100)}, "header: first tag is 100, want the region, 63"},
	{"region type", testPackage{headerRaw: patchEntry(0, 1, 6)}, "header: region: 16 elements of string"},
	{"region offset", testPackage{headerRaw: patchEntry(0, 2, 0xfffffff0)}, "header: region: trailer at offset 4294967280"},
	{"region trailer elsewhere", testPackage{headerRaw: patchEntry(0, 2, 0)}, "header: region: trailer has tag"},
	{"region of fewer entries", testPackage{headerRaw: func(b []byte) []byte {
		return put(len(b)-8, "\xff\xff\xff\xf0")(b)
	}}, "header: region: trailer covers 16 bytes of index"},

	{"SHA256 wrong", testPackage{sig: replace(str(sigSHA256, strings.Repeat("0", 64)))}, "header: SHA256 is"},
	{"SHA256 empty", testPackage{sig: replace(str(sigSHA256, ""))}, "header: SHA256 is"},
	{"SHA256 binary", testPackage{sig: replace(bin(sigSHA256, []byte("x")))}, "signature header: SHA256: binary, want a string"},
	{"SHA1 wrong", testPackage{sig: insert(str(sigSHA1, "00"))}, "header: SHA1 is"},
	{"SHA3 wrong", testPackage{sig: insert(str(sigSHA3, "00"))}, "header: SHA3-256 is"},
	{"no digests", testPackage{sig: remove(sigSHA256, sigMD5)}, "nothing protects header and payload"},
	{"no payload digest", testPackage{sig: remove(sigMD5), header: remove(tagPayloadDigest)}, "nothing protects the payload"},
	{"MD5 too short", testPackage{sig: func(e []testEntry) []testEntry {
		return replace(bin(sigMD5, []byte("abc")))(remove(sigSHA256)(e))
	}}, "signature header: MD5: 3 elements of binary, want 16"},
	{"payload digest algorithm", testPackage{header: replace(i32(tagPayloadAlgo, 1))}, "tag 5093 (PAYLOADDIGESTALGO): unsupported algorithm 1"},
	{"payload digest too short", testPackage{header: replace(strs(tagPayloadDigest, "abcd"))}, "tag 5092 (PAYLOADDIGEST):"},
	{"payload digests", testPackage{header: replace(strs(tagPayloadDigest, strings.Repeat("0", 64), "1"))}, "tag 5092 (PAYLOADDIGEST):"},
	{"payload format", testPackage{header: replace(str(tagPayloadFormat, "drpm"))}, `tag 1124 (PAYLOADFORMAT): "drpm", only cpio`},
	{"package format", testPackage{v6: true, header: replace(i32(tagRPMFormat, 7))}, "tag 5114 (RPMFORMAT): 7"},

	{"DIRINDEXES out of range", testPackage{header: replace(i32(tagDirIndexes, 9))}, "tag 1116 (DIRINDEXES): file 0 is in directory 9, DIRNAMES has 1"},
	{"DIRINDEXES too long", testPackage{header: replace(i32(tagDirIndexes, 0, 0))}, "tag 1117 (BASENAMES): 1 entries, DIRINDEXES has 2"},
	{"BASENAMES missing", testPackage{header: remove(tagBaseNames)}, "tag 1117 (BASENAMES): 0 entries, DIRINDEXES has 1"},
	{"paths too long together", manyPaths(16000, 4000), "tag 1117 (BASENAMES): the paths of 16000 files have 64068890 bytes together, at most 9464576 are read of a header of 329392"},
	{"FILESIZES too short", mismatchedFiles(i32(tagFileSizes, 1)), "tag 1028 (FILESIZES): 1 entries, BASENAMES has 2"},
	{"FILESIZES missing", testPackage{header: remove(tagFileSizes)}, "tag 1028 (FILESIZES): 0 entries, BASENAMES has 1"},
	{"FILELINKTOS too short", mismatchedFiles(strs(tagFileLinkTos, "")), "tag 1036 (FILELINKTOS): 1 entries, BASENAMES has 2"},
	{"FILEMODES too short", mismatchedFiles(i16(tagFileModes, 0o644)), "tag 1030 (FILEMODES): 1 entries, BASENAMES has 2"},
	{"FILEMODES as int32", testPackage{header: replace(i32(tagFileModes, 0o644))}, "tag 1030 (FILEMODES): int32, want int16"},
	{"FILEFLAGS too long", testPackage{header: replace(i32(tagFileFlags, 0, 0))}, "tag 1037 (FILEFLAGS): 2 entries, BASENAMES has 1"},
	{"both sizes", testPackage{header: insert(i64(tagLongFileSizes, 4))}, "tag 5008 (LONGFILESIZES): FILESIZES is there too"},
	{"OLDFILENAMES", testPackage{header: insert(strs(tagOldFilenames, "/a"))}, "tag 1027 (OLDFILENAMES): file list of a format older"},
	{"PROVIDEVERSION missing", testPackage{header: func(e []testEntry) []testEntry {
		return insert(i32(tagProvideFlags, 8))(insert(strs(tagProvideName, "a"))(e))
	}}, "tag 1113 (PROVIDEVERSION): 0 entries, tag 1047 (PROVIDENAME) has 1"},

	{"size 2^62", testPackage{v6: true, stripped: true, header: replace(i64(tagLongFileSizes, 1<<62))}, "tag 5008 (LONGFILESIZES): /boot/vmlinux: 4611686018427387904 bytes, the limit is 17179869184"},
	{"size 1 TiB", testPackage{v6: true, stripped: true, header: replace(i64(tagLongFileSizes, 1<<40))}, "1099511627776 bytes, the limit is"},
	{"size 64 GiB", testPackage{v6: true, stripped: true, header: replace(i64(tagLongFileSizes, 64<<30))}, "68719476736 bytes, the limit is"},
	{"size negative", testPackage{v6: true, stripped: true, header: replace(i64(tagLongFileSizes, 1<<63))}, "9223372036854775808 bytes, the limit is"},
	{"sum of sizes", testPackage{v6: true, files: slices.Repeat(oneFile, 5), header: func(e []testEntry) []testEntry {
		e = replace(strs(tagBaseNames, "a", "b", "c", "d", "e"))(e)
		return replace(i64(tagLongFileSizes, slices.Repeat([]uint64{maxFileSize}, 5)...))(e)
	}}, "files have more than 68719476736 bytes together"},

	{"path twice", testPackage{files: slices.Repeat(oneFile, 2)}, `tag 1117 (BASENAMES): file 1: path "/boot/vmlinux" stands there twice`},
	{"path upwards", testPackage{files: []testFile{{path: "/usr/../boot/vmlinux"}}}, `tag 1118 (DIRNAMES): file 0: path "/usr/../boot/vmlinux" leads upwards`},
	{"base name upwards", testPackage{files: []testFile{{path: "/usr/.."}}}, "leads upwards"},
	{"path relative", testPackage{files: []testFile{{path: "boot/vmlinux"}}}, `directory "boot/" is not absolute`},
	{"directory without slash", testPackage{header: replace(strs(tagDirNames, "/boot"))}, `directory "/boot" does not end in a slash`},
	{"base name with slash", testPackage{header: replace(strs(tagBaseNames, "a/b"))}, `tag 1117 (BASENAMES): file 0: "a/b" has a slash`},
	{"path too long", testPackage{header: replace(strs(tagBaseNames, strings.Repeat("x", 5000)))}, "path of 5006 bytes, the limit is 4095"},
}

var hostilePayloads = []hostile{
	{"namesize 0", testPackage{archive: put(atNamesize, "00000000")}, "cpio: entry at 0: namesize 0, allowed are 2 to 4096"},
	{"namesize 1", testPackage{archive: put(atNamesize, "00000001")}, "cpio: entry at 0: namesize 1"},
	{"namesize negative", testPackage{archive: put(atNamesize, "-0000001")}, `cpio: entry at 0: namesize: "-0000001" is not a number`},
	{"namesize ffffffff", testPackage{archive: put(atNamesize, "ffffffff")}, "cpio: entry at 0: namesize 4294967295"},
	{"name not terminated", testPackage{archive: put(atName+14, "x")}, "cpio: entry at 0: name"},
	{"name with NUL inside", testPackage{archive: put(atName+3, "\x00")}, "cpio: entry at 0: name"},
	{"filesize ffffffff", testPackage{archive: put(atFilesize, "ffffffff")}, "/boot/vmlinux: size 4294967295, header says 4"},
	{"filesize negative", testPackage{archive: put(atFilesize, "-1000000")}, `cpio: entry at 0: filesize: "-1000000" is not a number`},
	{"filesize 9999 in the header", testPackage{header: replace(i32(tagFileSizes, 9999))}, "/boot/vmlinux: size 4, header says 9999"},
	{"not hex", testPackage{archive: put(atMode, "zzzzzzzz")}, `cpio: entry at 0: mode: "zzzzzzzz" is not a number`},
	{"bad magic", testPackage{archive: put(0, "070707")}, `cpio: entry at 0: magic "070707"`},
	{"checksummed", testPackage{archive: put(0, "070702")}, "cpio: entry at 0: magic 070702, checksummed archives"},
	{"name not in the header", testPackage{archive: put(atName, "./boot/vmlinuz\x00")}, `"./boot/vmlinuz": not in the header`},
	{"name upwards", testPackage{archive: put(atName, "./../t/vmlinux\x00")}, `"./../t/vmlinux": leads upwards`},
	{"other type", testPackage{archive: put(atMode, "0000a1a4")}, "/boot/vmlinux: file type 0120000, header says 0100000"},
	{"padding not zero", testPackage{archive: put(atName+15, "x")}, "cpio: entry at 0: padding is 78"},
	{"stripped, index negative", testPackage{stripped: true, archive: put(6, "-0000001")}, `cpio: entry at 0: file index: "-0000001" is not a number`},
	{"stripped, index out of range", testPackage{stripped: true, archive: put(6, "00000009")}, "file index 9, the header has 1 files"},
	{"stripped, padding missing", testPackage{stripped: true, archive: func(b []byte) []byte {
		return slices.Delete(b, stripHeaderSize, stripHeaderSize+2)
	}}, "padding is 6461"},
	{"stripped, size not there", testPackage{stripped: true, header: replace(i64(tagLongFileSizes, maxFileSize))}, "bytes of content are missing; download or build the file again"},
	{"plain and stripped mixed", testPackage{files: []testFile{{path: "/a"}, {path: "/b"}}, archive: func(b []byte) []byte {
		return append([]byte("07070X00000000\x00\x00"), b...)
	}}, "cpio: entry at 16: plain and stripped entries in one archive"},
	{"empty archive", testPackage{archive: func([]byte) []byte { return nil }}, "cpio: entry at 0: no trailer: cut short; download or build the file again"},
	{"cut at an entry", testPackage{archive: func(b []byte) []byte { return b[:len(b)-len(newcHeader(cpioTrailer, 0, 0))] }}, "cpio: entry at 132: no trailer: cut short; download or build the file again"},
	{"cut inside content", testPackage{archive: func(b []byte) []byte { return b[:130] }}, "cpio: cut short, 2 bytes of content are missing; download or build the file again"},
	{"cut inside the trailer", testPackage{archive: func(b []byte) []byte { return b[:len(b)-5] }}, "cpio: entry at 132: name: cut short; download or build the file again"},
	{"trailer with content", testPackage{archive: func(b []byte) []byte { return put(132+atFilesize, "00000004")(b) }}, "cpio: trailer at 132 has 4 bytes of content"},
	{"same file twice", testPackage{archive: func(b []byte) []byte { return append(bytes.Clone(b[:132]), b...) }}, "/boot/vmlinux: there twice"},
	{"file missing", testPackage{archive: func(b []byte) []byte { return b[132:] }}, "/boot/vmlinux: in the header, not in the payload (1 of 1 files)"},
	{"ghost in the payload", testPackage{header: replace(i32(tagFileFlags, flagGhost))}, "/boot/vmlinux: the header has it as a ghost"},
	{"data behind the trailer", testPackage{archive: func(b []byte) []byte { return append(b, "evil"...) }}, "cpio: data behind the trailer"},
	{"too much padding", testPackage{archive: func(b []byte) []byte { return append(b, make([]byte, 512)...) }}, "cpio: data behind the trailer"},
	{"symlink target differs", testPackage{files: []testFile{{path: "/l", content: "abc", mode: modeSymlink | 0o777}}, archive: func(b []byte) []byte {
		return bytes.Replace(b, []byte("abc"), []byte("xyz"), 1)
	}}, `/l: link to "xyz", header says "abc"`},
	{"symlink longer", testPackage{files: []testFile{{path: "/l", content: "abc", mode: modeSymlink | 0o777}}, archive: put(atFilesize, "ffffffff")}, "/l: size 4294967295, header says 3"},
	{"directory with content", testPackage{files: []testFile{{path: "/d", content: "abc", mode: modeDir | 0o755}}}, "/d: size 3, header says 0"},
	{"hard links of two sizes", testPackage{files: []testFile{{path: "/a", content: "1", inode: 7}, {path: "/b", content: "22", inode: 7}}}, "header: tag 1028 (FILESIZES): /b: size 2, its hard link /a has 1"},
	{"hard link with content too early", testPackage{files: []testFile{{path: "/a", content: "same", inode: 7}, {path: "/b", content: "same", inode: 7}}, archive: func(b []byte) []byte {
		one := testArchive([]testFile{{path: "/a", content: "same"}}, false)
		two := testArchive([]testFile{{path: "/b", content: "same"}}, false)
		return append(one[:len(one)-124], two...)
	}}, "/a: size 4, header says 0"},
	{"hard link without content", testPackage{files: []testFile{{path: "/a", content: "same", inode: 7}, {path: "/b", content: "same", inode: 7}}, archive: func(b []byte) []byte {
		return testArchive([]testFile{{path: "/a"}, {path: "/b"}}, false)
	}}, "/b: size 0, header says 4"},
	{"stripped hard links out of order", testPackage{stripped: true, files: []testFile{{path: "/a", content: "same", inode: 7}, {path: "/b", content: "same", inode: 7}}, archive: func(b []byte) []byte {
		return []byte("07070X00000001\x00\x00same07070X00000000\x00\x00" + string(newcHeader(cpioTrailer, 0, 0)))
	}}, "/b: name 1 of 2 of a hard-linked file is out of order"},

	{"compressor unknown", testPackage{header: insert(str(tagCompressor, "snappy"))}, "payload: snappy: unsupported compression"},
	{"compressor wrong", testPackage{header: insert(str(tagCompressor, "xz"))}, "payload: xz: "},
	{"compressed payload cut", testPackage{compressor: "zstd", payload: func(b []byte) []byte { return b[:len(b)-6] }}, "payload: cpio: "},
	{"garbage behind the payload", testPackage{compressor: "zstd", payload: func(b []byte) []byte { return append(b, "garbage"...) }}, "payload: cpio: behind the trailer: zstd: "},
	{"payload digest", testPackage{compressor: "zstd", header: replace(strs(tagPayloadDigest, strings.Repeat("0", 64)))}, "payload: payload digest is"},
	{"payload size", testPackage{sig: replace(i32(sigSize, 1234))}, "cut short, 788 of 1234 bytes of header and payload are there"},
	{"payload size, twice", testPackage{sig: insert(i64(sigLongSize, 1234))}, "cut short, 788 of 1234 bytes of header and payload are there"},
	{"MD5 wrong", testPackage{sig: func(e []testEntry) []testEntry {
		return replace(bin(sigMD5, make([]byte, 16)))(remove(sigSHA256)(e))
	}}, "payload: MD5 of header and payload is"},
	{"MD5 wrong, header digest right", testPackage{header: remove(tagPayloadDigest), sig: replace(bin(sigMD5, make([]byte, 16)))}, "payload: MD5 of header and payload is"},
	{"payload SHA3 wrong", testPackage{v6: true, header: func(e []testEntry) []testEntry {
		return insert(strs(tagPayloadSHA3, strings.Repeat("0", 64)))(remove(tagPayloadDigest)(e))
	}}, "payload: payload digest is"},
}

// TestHostile: each fault gives an error that names it, whether the content is
// read or skipped, and costs memory in proportion to the package.
func TestHostile(t *testing.T) {
	for _, tt := range slices.Concat(hostileHeaders, hostilePayloads) {
		t.Run(tt.name, func(t *testing.T) {
			pkg := tt.pkg.bytes(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := readAll(pkg)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v\nwant one with %q", err, tt.err)
			}
			if skipped := skipAll(pkg); skipped == nil || !strings.Contains(skipped.Error(), tt.err) {
				t.Errorf("error when skipped %v\nwant one with %q", skipped, tt.err)
			}
			if n, limit := after.TotalAlloc-before.TotalAlloc, uint64(8<<20+16*len(pkg)); n > limit {
				t.Errorf("%d bytes allocated for a package of %d", n, len(pkg))
			}
		})
	}
}
