// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// payloads are lies in the archive of a package.
func (c *Corpus) payloads() {
	const kind = "payload"
	lie := func(name string, f func([]byte) []byte) {
		c.pkg(kind, name, Package{Archive: f}, "check --no-db $DIR", "audit --no-db $DIR")
	}
	trailer := len(member("TRAILER!!!", 0, nil))
	lie("name of no bytes", patch(94, "00000000"))
	lie("name of 4 GiB", patch(94, "ffffffff"))
	lie("name of minus one byte", patch(94, "-0000001"))
	lie("file of 4 GiB", patch(54, "ffffffff"))
	lie("file of no bytes", patch(54, "00000000"))
	lie("magic of old archives", patch(0, "070707"))
	lie("magic with checksums", patch(0, "070702"))
	lie("magic of binary archives", patch(0, "\xc7\x71"))
	lie("mode of no digits", patch(14, "zzzzzzzz"))
	lie("name with NUL", patch(112, "\x00"))
	lie("name leads up", patch(110, "./../"))
	lie("nothing", func([]byte) []byte { return nil })
	lie("trailer missing", func(b []byte) []byte { return b[:len(b)-trailer] })
	lie("trailer first", func(b []byte) []byte { return append(member("TRAILER!!!", 0, nil), b...) })
	lie("all files twice", func(b []byte) []byte { return append(slices.Clone(b[:len(b)-trailer]), b...) })
	lie("junk behind the trailer", func(b []byte) []byte { return append(b, "junk"...) })
	lie("1 MiB of zeros behind the trailer", func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) })
	lie("stripped entry first", func(b []byte) []byte { return append([]byte("07070X00000000\x00\x00"), b...) })
	lie("cut in the middle", func(b []byte) []byte { return b[:len(b)/2] })
	lie("file that the header does not have", func(b []byte) []byte {
		return append(member("./etc/passwd", 0o100644, []byte("x")), b...)
	})
	for _, p := range []Package{
		{Compressor: "zstd", Declared: "xz"},
		{Compressor: "zstd", Declared: "brotli"},
		{Compressor: "none", Declared: "zstd"},
		{Compressor: "zstd", Declared: "\x1b]0;x\x07\n"},
	} {
		c.pkg(kind, fmt.Sprintf("%s declared as %q", p.Compressor, p.Declared), p)
	}
	for _, f := range []string{"gzip", "zstd", "xz", "lz4", "lzma"} {
		c.pkg(kind, f+" cut in the middle", Package{Compressor: f, Payload: func(b []byte) []byte { return b[:len(b)/2] }})
		c.pkg(kind, f+" with junk inside", Package{Compressor: f, Payload: func(b []byte) []byte {
			return patch(len(b)/2, "junk junk junk junk")(b)
		}})
		c.pkg(kind, f+" with junk behind", Package{Compressor: f, Payload: func(b []byte) []byte { return append(b, "junk"...) }})
	}

	// What lies among the modules and is none.
	place := func(name string, f File) {
		c.pkg(kind, name, Package{Files: c.kernelFiles(nil, nil, f)}, "check --no-db $DIR", "fingerprint -v $DIR/"+ours)
	}
	place("module is a link", File{Path: modules + "kernel/l.ko", Content: []byte("/etc/shadow"), Mode: 0o120777})
	place("module is a device", File{Path: modules + "kernel/d.ko", Mode: 0o020666})
	place("module is a pipe", File{Path: modules + "kernel/p.ko", Mode: 0o010644})
	place("module is a ghost", File{Path: modules + "kernel/g.ko", Ghost: true})
	place("module twice", File{Path: driver, Content: c.module})
	place("module is empty", File{Path: modules + "kernel/e.ko"})
	place("module is text", File{Path: modules + "kernel/t.ko", Content: []byte("#!/bin/sh\n")})

	many := c.kernelFiles(nil, nil)
	for i := range 20000 {
		many = append(many, File{Path: fmt.Sprintf("%skernel/m%d.ko", modules, i)})
	}
	c.pkg(kind, "20,000 empty modules", Package{Files: many})
	many = c.kernelFiles(nil, nil)
	for i := range 3000 {
		many = append(many, File{Path: fmt.Sprintf("%skernel/m%d.ko", modules, i), Content: c.module})
	}
	c.pkg(kind, "3,000 times the same module", Package{Files: many})
}

const mib = 1 << 20

// bombs unpack to much more than they are.
func (c *Corpus) bombs() {
	const kind = "bomb"
	runs := []string{"check --no-db $DIR", "fingerprint $DIR/" + ours}
	vmlinux := func(name string, data func(Dir) []byte) {
		c.add(kind, name, func(d Dir) { d.Write(ours, c.bytes(d, Package{Files: c.kernelFiles(data(d), nil)})) }, runs...)
	}
	module := func(name, file string, n int, data func(Dir) []byte) {
		c.add(kind, name, func(d Dir) {
			files, content := c.kernelFiles(nil, nil), data(d)
			for i := range n {
				files = append(files, File{Path: fmt.Sprintf("%skernel/m%d%s", modules, i, file), Content: content})
			}
			d.Write(ours, c.bytes(d, Package{Files: files}))
		}, "check --no-db $DIR")
	}
	for _, f := range compressions {
		const size = 1100 * mib
		c.add(kind, "payload of "+f, func(d Dir) {
			bomb := zeros(d, f, size)
			d.Write(ours, c.bytes(d, Package{Declared: f, Payload: func([]byte) []byte { return bomb }}))
		}, runs...)
		vmlinux("vmlinux of "+f, func(d Dir) []byte { return zeros(d, f, size) })
		module("module of "+f, ".ko", 1, func(d Dir) []byte { return zeros(d, f, size) })
	}
	vmlinux("vmlinux of gzip in gzip", func(d Dir) []byte { return Compress(d, "gzip", zeros(d, "gzip", 1000*mib)) })
	vmlinux("vmlinux in five gzips", func(d Dir) []byte {
		data := c.vmlinux
		for range 5 {
			data = Compress(d, "gzip", data)
		}
		return data
	})
	vmlinux("vmlinux of zeros in xz, zstd, gzip, xz", func(d Dir) []byte {
		data := make([]byte, mib)
		for _, f := range []string{"xz", "zstd", "gzip", "xz"} {
			data = Compress(d, f, data)
		}
		return data
	})
	// What begins as it should, and goes on with zeros.
	after := func(d Dir, format string, head []byte, size int) []byte {
		return slices.Concat(Compress(d, format, head), zeros(d, format, size))
	}
	bare := binaryFile{executable: true, sections: []section{{".rodata", banner()}}}.bytes()
	vmlinux("ELF file and 990 MiB of zeros in xz", func(d Dir) []byte { return after(d, "xz", bare, 990*mib) })
	vmlinux("vmlinux and 990 MiB of zeros in zstd", func(d Dir) []byte { return after(d, "zstd", c.vmlinux, 990*mib) })
	module("three modules and 500 MiB of zeros in zstd", ".ko.zst", 3, func(d Dir) []byte {
		return after(d, "zstd", evilModule(oneInt().Bytes()).bytes(), 500*mib)
	})
	module("forty modules and 60 MiB of zeros in zstd", ".ko.zst", 40, func(d Dir) []byte {
		return after(d, "zstd", evilModule(oneInt().Bytes()).bytes(), 60*mib)
	})
	module("zstd with a window of 2 GiB", ".ko.zst", 1, func(Dir) []byte { return []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00") })
	module("lzma with a dictionary of 4 GiB", ".ko.lzma", 1, func(Dir) []byte {
		return slices.Concat([]byte("\x5d\xff\xff\xff\xff"), bytes.Repeat([]byte{0xff}, 8), make([]byte, 20))
	})
	module("lzma that says 4 GiB", ".ko.lzma", 1, func(d Dir) []byte {
		data := Compress(d, "lzma", c.module)
		binary.LittleEndian.PutUint64(data[5:], 4<<30)
		return data
	})
}

// configs are a kernel's configuration, beside it and inside.
func (c *Corpus) configs() {
	const kind = "config"
	config := func(name string, data func() []byte) {
		c.add(kind, name, func(d Dir) {
			files := c.kernelFiles(nil, nil)
			files[0].Content = data()
			d.Write(ours, c.bytes(d, Package{Files: files}))
		}, "check --no-db $DIR", "explain $DIR/"+ours+" $DIR/"+ours)
	}
	lines := func(n int) []byte {
		var b []byte
		for i := range n {
			b = fmt.Appendf(b, "CONFIG_%x=y\n", i)
		}
		return b
	}
	config("a million lines", func() []byte { return lines(1000000) })
	config("17 MiB of one line", func() []byte { return bytes.Repeat([]byte("#"), 17*mib) })
	config("nothing", func() []byte { return []byte{} })
	config("bytes", func() []byte { return []byte("CONFIG_\x1b[31m=\x00\xff\nCONFIG_X=\"\xe2\x80\xae\"\n") })
	config("option twice", func() []byte { return []byte("CONFIG_DEBUG_INFO_BTF=y\nCONFIG_DEBUG_INFO_BTF=n\n") })
	inside := func(name string, data func(Dir) []byte) {
		c.add(kind, name, func(d Dir) {
			table := oneInt().Bytes()
			d.Write(ours, c.bytes(d, Package{Files: []File{{Path: modules + "vmlinux", Content: evilVmlinux(table,
				section{".ikc", slices.Concat([]byte("IKCFG_ST"), data(d), []byte("IKCFG_ED"))})}}}))
		}, "check --no-db $DIR", "fingerprint --rules $DIR/"+ours)
	}
	inside("inside: a bomb", func(d Dir) []byte { return zeros(d, "gzip", 1024*mib) })
	inside("inside: a million lines", func(d Dir) []byte { return Compress(d, "gzip", lines(1000000)) })
	inside("inside: junk", func(Dir) []byte { return []byte("junk") })
	inside("inside: end before begin", func(Dir) []byte { return []byte("IKCFG_EDIKCFG_ST") })
}
