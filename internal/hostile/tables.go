// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// elves are lies in the ELF file of a module or a vmlinux.
func (c *Corpus) elves() {
	const kind = "elf"
	table := func() []byte { return oneInt().Bytes() }
	lie := func(name string, patch func(file []byte, headers int)) {
		f := evilModule(table())
		f.patch = patch
		c.pkg(kind, "module: "+name, Package{Files: c.kernelFiles(nil, f.bytes())}, "check --no-db $DIR", "fingerprint -v $DIR/"+ours)
		v := binaryFile{executable: true, sections: []section{{".rodata", banner()}, {".pad", nil}, {".BTF", table()}}, patch: patch}
		c.pkg(kind, "vmlinux: "+name, Package{Files: c.kernelFiles(v.bytes(), nil)}, "check --no-db $DIR", "fingerprint $DIR/"+ours)
	}
	le := binary.LittleEndian
	put16 := func(at int, v uint16) func([]byte, int) { return func(b []byte, _ int) { le.PutUint16(b[at:], v) } }
	put64 := func(at int, v uint64) func([]byte, int) { return func(b []byte, _ int) { le.PutUint64(b[at:], v) } }
	put8 := func(at int, v byte) func([]byte, int) { return func(b []byte, _ int) { b[at] = v } }
	// The third section is .BTF.
	row := func(field int, values ...uint64) func([]byte, int) {
		return func(b []byte, headers int) {
			for i, v := range values {
				le.PutUint64(b[headers+3*64+field+8*i:], v)
			}
		}
	}
	lie("section headers at 2^64", put64(40, 1<<64-1))
	lie("section headers at 0", put64(40, 0))
	lie("no section headers", put16(60, 0))
	lie("65535 section headers", put16(60, 0xffff))
	lie("names in section 65535", put16(62, 0xffff))
	lie("names in section 65534", put16(62, 0xfffe))
	lie("section headers of 0 bytes", put16(58, 0))
	lie("section headers of 63 bytes", put16(58, 63))
	lie("class 0", put8(4, 0))
	lie("class of 32 bits", put8(4, 1))
	lie("big endian", put8(5, 2))
	lie("no byte order", put8(5, 0))
	lie("section at 2^64", row(24, 1<<64-1))
	lie("section of 2^64 bytes", row(32, 1<<64-1))
	lie("section wraps around", row(24, 1<<64-8, 16))
	lie("name far away", func(b []byte, headers int) { le.PutUint32(b[headers+3*64:], 0x7fffffff) })
	lie("table without bytes in the file", func(b []byte, headers int) { le.PutUint32(b[headers+3*64+4:], 8) })

	module := func(name string, f binaryFile) {
		c.pkg(kind, name, Package{Files: c.kernelFiles(nil, f.bytes())})
	}
	module("module is executable", binaryFile{executable: true, sections: evilModule(table()).sections})
	var many []section
	for i := range 65000 {
		many = append(many, section{fmt.Sprintf(".s%d", i), nil})
	}
	module("65,000 sections", binaryFile{sections: append(many, section{".BTF", table()})})
	module("symbols without end", evilModule(table(), section{".symtab", bytes.Repeat([]byte{0xff}, 24*100000)}, section{".strtab", []byte{0}}))
	module("two tables", evilModule(table(), section{".BTF", []byte("junk")}))
	unended := evilModule(table())
	unended.sections[0].data = []byte("license=GPL")
	module("modinfo without its end", unended)
	signed := slices.Concat(evilModule(table()).bytes(), []byte("\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff~Module signature appended~\n"))
	c.pkg(kind, "signature of 4 GiB", Package{Files: c.kernelFiles(nil, signed)})
	overlapping := binaryFile{executable: true, sections: []section{{".rodata", append(banner(), make([]byte, mib)...)}}}
	for i := range 5000 {
		overlapping.sections = append(overlapping.sections, section{fmt.Sprintf(".r%d", i), nil})
	}
	overlapping.patch = func(b []byte, headers int) {
		for i := 1; i < 5000; i++ {
			le.PutUint64(b[headers+64*i+24:], 64)
			le.PutUint64(b[headers+64*i+32:], mib)
		}
	}
	c.pkg(kind, "5,000 sections of the same 1 MiB", Package{Files: []File{{Path: modules + "vmlinux", Content: overlapping.bytes()}}})
}

// tables are lies in BTF.
func (c *Corpus) tables() {
	const kind = "table"
	table := func(name string, data func() []byte) {
		c.add(kind, name, func(d Dir) {
			d.Write(ours, c.bytes(d, Package{Files: c.kernelFiles(nil, evilModule(data()).bytes())}))
		}, "check --no-db $DIR")
	}
	vmlinux := func(name string, data func() []byte) {
		c.add(kind, "vmlinux: "+name, func(d Dir) {
			d.Write(ours, c.bytes(d, Package{Files: []File{
				{Path: modules + "vmlinux", Content: evilVmlinux(data())}, {Path: driver, Content: c.module},
			}}))
		}, "check --no-db $DIR", "fingerprint $DIR/"+ours, "explain $DIR/"+ours+" $DIR/"+ours)
	}
	lie := func(name string, edit func(*btf.Header)) {
		data := oneInt().Bytes(edit)
		table(name, func() []byte { return data })
		vmlinux(name, func() []byte { return data })
	}
	lie("magic of big endian", func(h *btf.Header) { h.Magic = 0x9feb })
	lie("magic 0", func(h *btf.Header) { h.Magic = 0 })
	lie("version 2", func(h *btf.Header) { h.Version = 2 })
	lie("flags 1", func(h *btf.Header) { h.Flags = 1 })
	lie("header of 0 bytes", func(h *btf.Header) { h.Len = 0 })
	lie("header of 25 bytes", func(h *btf.Header) { h.Len = 25 })
	lie("header of 4 GiB", func(h *btf.Header) { h.Len = 0xffffffff })
	lie("types at 4 GiB", func(h *btf.Header) { h.TypeOff = 0xffffffff })
	lie("types of 4 GiB", func(h *btf.Header) { h.TypeLen = 0xffffffff })
	lie("types of 1 byte", func(h *btf.Header) { h.TypeLen = 1 })
	lie("strings at 4 GiB", func(h *btf.Header) { h.StrOff = 0xffffffff })
	lie("strings at 0", func(h *btf.Header) { h.StrOff = 0 })
	lie("strings of 4 GiB", func(h *btf.Header) { h.StrLen = 0xffffffff })
	lie("no strings", func(h *btf.Header) { h.StrLen = 0 })

	table("nothing", func() []byte { return nil })
	table("one byte", func() []byte { return []byte{0x9f} })
	// The module's types begin at 541: its base has 540.
	const first = 541
	record := func(name string, nameOff, info, size uint32, extra ...uint32) {
		w := oneInt()
		w.Record(nameOff, info, size, extra...)
		data := w.Bytes()
		table(name, func() []byte { return data })
		vmlinux(name, func() []byte { return data })
	}
	record("kind 0", 1, btftest.Info(0, 0, false), 0)
	record("kind 31", 1, btftest.Info(31, 0, false), 0)
	record("65535 members, none there", 1, btftest.Info(btf.KindStruct, 0xffff, false), 4)
	record("info of ones", 1, 0xffffffff, 4)
	record("name at 4 GiB", 0xffffffff, btftest.Info(btf.KindInt, 0, false), 4, 32)
	record("pointer to itself", 0, btftest.Info(btf.KindPtr, 0, false), 2)
	record("pointer to type 4 billion", 0, btftest.Info(btf.KindPtr, 0, false), 0xffffffff)
	record("typedef of itself", 1, btftest.Info(btf.KindTypedef, 0, false), 2)
	record("array of itself", 0, btftest.Info(btf.KindArray, 0, false), 0, 2, 1, 0xffffffff)
	record("array of 4 billion", 0, btftest.Info(btf.KindArray, 0, false), 0, 1, 1, 0xffffffff)
	record("integer of 4 billion bits", 1, btftest.Info(btf.KindInt, 0, false), 4, 0xffffffff)
	record("struct in itself", 1, btftest.Info(btf.KindStruct, 1, false), 0xffffffff, 1, 2, 0xffffffff)
	record("enum of 4 GiB", 1, btftest.Info(btf.KindEnum, 1, false), 0xffffffff, 1, 0)
	record("float of 4 GiB", 1, btftest.Info(btf.KindFloat, 0, false), 0xffffffff)
	record("section of nothing", 1, btftest.Info(btf.KindDatasec, 1, false), 0, 0xffffffff, 0xffffffff, 0xffffffff)
	record("tag of component -2", 1, btftest.Info(btf.KindDeclTag, 0, false), 1, 0xfffffffe)
	record("tag of component 2 billion", 1, btftest.Info(btf.KindDeclTag, 0, false), 1, 0x7fffffff)

	// Many of what is cheap once.
	repeat := func(name string, n int, add func(w *btftest.Writer, i int)) {
		make := func() []byte {
			w := oneInt()
			for i := range n {
				add(w, i)
			}
			return w.Bytes()
		}
		table(name, make)
		vmlinux(name, make)
	}
	ptr := btftest.Info(btf.KindPtr, 0, false)
	typedef := btftest.Info(btf.KindTypedef, 0, false)
	array := btftest.Info(btf.KindArray, 0, false)
	repeat("a million integers", 1000000, func(w *btftest.Writer, _ int) { w.Record(1, btftest.Info(btf.KindInt, 0, false), 4, 32) })
	repeat("a chain of a million pointers", 1000000, func(w *btftest.Writer, i int) { w.Record(0, ptr, uint32(i+3)) })
	repeat("a chain of a million typedefs", 1000000, func(w *btftest.Writer, i int) { w.Record(1, typedef, uint32(i+1)) })
	repeat("100,000 arrays in arrays", 100000, func(w *btftest.Writer, i int) { w.Record(0, array, 0, uint32(i+1), 1, 2) })
	members := make([]uint32, 3*0xffff)
	params := make([]uint32, 2*0xffff)
	for i := range members {
		members[i] = 1
	}
	for i := range params {
		params[i] = 1
	}
	repeat("70 structs of 65,535 members", 70, func(w *btftest.Writer, _ int) {
		w.Record(1, btftest.Info(btf.KindStruct, 0xffff, false), 4, members...)
	})
	repeat("50 functions of 65,535 parameters", 50, func(w *btftest.Writer, _ int) {
		w.Record(0, btftest.Info(btf.KindFuncProto, 0xffff, false), 1, params...)
	})
	long := func(n int) func() []byte {
		return func() []byte {
			w := oneInt()
			name := w.NewString(string(bytes.Repeat([]byte("a"), n)))
			w.Record(name, btftest.Info(btf.KindStruct, 0, false), 0)
			return w.Bytes()
		}
	}
	table("a name of 5 MB", long(5000000))
	table("a name of 17 MiB", long(17*mib))
	table("a name of 65 MiB", long(65*mib))
	vmlinux("a name of 17 MiB", long(17*mib))
	vmlinux("a name of 65 MiB", long(65*mib))
	unended := func(name string, strings string) {
		data := slices.Concat(oneInt().Bytes(func(h *btf.Header) { h.StrLen = uint32(len(strings)) })[:24+16], []byte(strings))
		table(name, func() []byte { return data })
		vmlinux(name, func() []byte { return data })
	}
	unended("strings without their end", "\x00int")
	unended("strings without their begin", "int\x00")

	beside := func(name string, more section) {
		f := evilModule(btftest.New().Bytes(), more)
		c.pkg(kind, name, Package{Files: c.kernelFiles(nil, f.bytes())})
	}
	beside(".BTF_ids beyond the types", section{".BTF_ids", bytes.Repeat([]byte{0xff}, 400)})
	beside(".BTF_ids of 3 bytes", section{".BTF_ids", []byte{1, 2, 3}})
	beside(".BTF.base of nothing", section{".BTF.base", nil})
	beside(".BTF.base of junk", section{".BTF.base", bytes.Repeat([]byte{0xff}, 64)})
	cycle := btftest.New()
	cycle.Record(cycle.String("s"), btftest.Info(btf.KindStruct, 1, false), 4, 0, 1, 0)
	beside(".BTF.base with a struct in itself", section{".BTF.base", cycle.Bytes()})
	distilled := oneInt()
	for range 300000 {
		distilled.Record(1, btftest.Info(btf.KindInt, 0, false), 4, 32)
	}
	beside(".BTF.base of 300,000 integers", section{".BTF.base", distilled.Bytes()})

	loose := btftest.New()
	loose.Record(0, ptr, first+5000)
	split := loose.Bytes()
	for _, run := range []string{"check --no-db", "fingerprint"} {
		c.file(kind, "raw table of a module, by "+run, "x.btf", func() []byte { return split }, run+" $DIR/x.btf")
	}
}

// names are what a terminal, a log or a web page would make something of.
func (c *Corpus) names() {
	const kind = "names"
	all := []string{"check --no-db $DIR", "check --no-db --format json $DIR", "check --no-db --format html $DIR",
		"check --no-db --format junit $DIR", "check --no-db --format lint $DIR", "audit --no-db $DIR", "fingerprint -v $DIR"}
	for _, n := range []struct{ what, name string }{
		{"line break", "kernel-default\nok 1 FAIL"},
		{"escapes", "kernel-\x1b[2J\x1b]0;pwn\x07"},
		{"letters from right to left", "kernel-\u202egpj"},
		{"a script", "kernel-<script>alert(1)</script>"},
		{"no UTF-8", "kernel-\xff\xfe"},
		{"SQL", "kernel'); DROP TABLE build;--"},
		{"a format", "kernel-%s%n%x"},
		{"65,000 letters", string(bytes.Repeat([]byte("k"), 65000))},
		{"a path", "../../../etc/passwd"},
		{"an option", "-rf"},
		{"end of CDATA", `]]>&amp;"'<x/>`},
	} {
		c.pkg(kind, "package: "+n.what, Package{Name: n.name}, all...)
	}
	at := func(name, path string) {
		c.pkg(kind, "module: "+name, Package{Files: c.kernelFiles(nil, nil, File{Path: path, Content: c.module})}, all...)
	}
	at("line break and color", modules+"kernel/a\nb\x1b[31m.ko")
	at("no UTF-8", modules+"kernel/\xff\xfe.ko")
	at("letters from right to left", modules+"kernel/\u202ex\u2066.ko")
	at("folder leads up", modules+"kernel/../../../../../etc/x.ko")
	at("kernelrelease of dots", "/usr/lib/modules/.../kernel/a.ko")
	const odd = "/usr/lib/modules/5.1\x1b[31m\n2/"
	c.pkg(kind, "kernelrelease with escapes", Package{Files: []File{
		{Path: odd + "kernel/a.ko", Content: c.module}, {Path: odd + "vmlinux.xz", Content: c.vmlinuxXz},
	}}, all...)
	speaking := evilModule(oneInt().Bytes())
	speaking.sections[0].data = []byte("license=GPL\x00intree=Y\x00name=\x1b[31mE\nVIL\u202e<script>\x00vermagic=" + release + " x\x00")
	c.pkg(kind, "modinfo with escapes", Package{Files: c.kernelFiles(nil, speaking.bytes())}, all...)
	types := btftest.New()
	types.Struct("\x1b[31m\n\u202e<script>", 4)
	c.pkg(kind, "type with escapes", Package{Files: c.kernelFiles(nil, evilModule(types.Bytes()).bytes())}, all...)
	c.pkg(kind, "vmlinux: type with escapes", Package{Files: c.kernelFiles(evilVmlinux(types.Bytes()), nil)}, all...)
}
