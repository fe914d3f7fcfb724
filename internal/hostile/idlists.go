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

// symbol is one of an ELF file's, in its section .BTF_ids.
type symbol struct {
	name     string
	at, size uint64
}

// withIDs is a module with a .BTF.base, numbers of types, and symbols among them.
func withIDs(base, table, ids []byte, symbols []symbol) []byte {
	le := binary.LittleEndian
	names, rows := []byte{0}, make([]byte, 24)
	f := evilModule(table, section{".BTF.base", base}, section{".BTF_ids", ids})
	f.sections[1].data = make([]byte, 144) // struct module, as that vmlinux has it
	place := uint16(len(f.sections))       // the number of .BTF_ids
	for _, s := range symbols {
		rows = le.AppendUint32(rows, uint32(len(names)))
		rows = append(rows, 1, 0) // STT_OBJECT
		rows = le.AppendUint16(rows, place)
		rows = le.AppendUint64(le.AppendUint64(rows, s.at), s.size)
		names = append(append(names, s.name...), 0)
	}
	f.sections = append(f.sections, section{".symtab", rows}, section{".strtab", names})
	f.patch = func(file []byte, headers int) {
		row := file[headers+64*(int(place)+1):]
		le.PutUint32(row[4:], 2)                            // SHT_SYMTAB
		le.PutUint32(row[40:], uint32(place)+2)             // its names
		le.PutUint64(row[56:], 24)                          // bytes of a symbol
		le.PutUint32(file[headers+64*(int(place)+2)+4:], 3) // SHT_STRTAB
	}
	return f.bytes()
}

// idLists are lies in .BTF_ids, and in the .BTF.base beside it.
func (c *Corpus) idLists() {
	const kind = "ids"
	word := func(n int, values ...uint32) []byte {
		one, _ := binary.Append(nil, binary.LittleEndian, values)
		return bytes.Repeat(one, n)
	}
	base := oneInt().Bytes()
	const baseStrings = uint32(len("\x00int\x00"))
	functions := btftest.New()
	functions.Record(0, btftest.Info(btf.KindFuncProto, 0, false), 1)
	functions.Record(functions.String("f")+baseStrings, btftest.Info(btf.KindFunc, 0, false), 2)
	table := functions.Bytes()
	const onBase = " --base $INCIDENT/../distil/vmlinux-1.1.xz $DIR/evil.ko"
	lists := func(name string, ids []byte, symbols ...symbol) {
		c.file(kind, name, "evil.ko", func() []byte { return withIDs(base, table, ids, symbols) }, "check --no-db"+onBase, "fingerprint -v $DIR/evil.ko")
	}
	many := func(n int, f func(i int) symbol) (out []symbol) {
		for i := range n {
			out = append(out, f(i))
		}
		return out
	}
	lists("as it should be", word(1, 1, 1, 3, 0), symbol{"__BTF_ID__set8__s", 0, 16}, symbol{"__BTF_ID__func__f__1", 8, 4})
	lists("set of 4 billion", word(1, 1<<32-1, 1, 3, 0), symbol{"__BTF_ID__set8__s", 0, 16})
	lists("set of 4 billion without flags", word(1, 1<<32-1, 3), symbol{"__BTF_ID__set__s", 0, 8})
	lists("count beyond the section", word(1, 1), symbol{"__BTF_ID__set8__s", 0, 8})
	lists("symbol far away", word(1, 0), symbol{"__BTF_ID__func__f__1", 1<<64 - 1, 4})
	lists("symbol of 2^64 bytes", word(1, 0), symbol{"__BTF_ID__set8__s", 0, 1<<64 - 1})
	lists("sets that overlap", word(1, 2, 1, 3, 0, 3, 0), symbol{"__BTF_ID__set8__a", 0, 24}, symbol{"__BTF_ID__set8__b", 8, 16})
	lists("set in no order", word(1, 2, 1, 3, 0, 2, 0), symbol{"__BTF_ID__set8__s", 0, 24}, symbol{"__BTF_ID__func__f__1", 8, 4}, symbol{"__BTF_ID__func__f__2", 16, 4})
	lists("numbers beyond the types", word(1, 1, 1, 1<<32-1, 0), symbol{"__BTF_ID__set8__s", 0, 16}, symbol{"__BTF_ID__func__f__1", 8, 4})
	lists("3 bytes", []byte{1, 2, 3}, symbol{"__BTF_ID__set8__s", 0, 3})
	lists("names of nothing", word(1, 0, 0), symbol{"__BTF_ID__", 0, 4}, symbol{"__BTF_ID__func__", 4, 4})
	lists("names with escapes", word(1, 3), symbol{"__BTF_ID__func__\x1b[31m\n\xff\u202e__1", 0, 4}, symbol{"list\x1b[2J\n", 0, 4})
	lists("300,000 names of one place", word(1, 3), many(300000, func(i int) symbol { return symbol{fmt.Sprint("l", i), 0, 4} })...)
	lists("300,000 sets of one place", word(1, 0, 0), many(300000, func(i int) symbol { return symbol{fmt.Sprint("__BTF_ID__set8__", i), 0, 8} })...)
	lists("300,000 numbers of one place", word(1, 3), many(300000, func(i int) symbol { return symbol{fmt.Sprint("__BTF_ID__func__f__", i), 0, 4} })...)
	lists("300,000 empty sets", word(300000, 0, 0), many(300000, func(i int) symbol { return symbol{fmt.Sprint("__BTF_ID__set8__", i), uint64(8 * i), 8} })...)
	lists("300,000 lists of one number", word(300000, 3), many(300000, func(i int) symbol { return symbol{fmt.Sprint("l", i), uint64(4 * i), 4} })...)
	lists("a list of 300,000 numbers", word(300000, 3), append(many(300000, func(i int) symbol {
		return symbol{fmt.Sprint("__BTF_ID__func__f__", i), uint64(4 * i), 4}
	}), symbol{"l", 0, 4 * 300000})...)
	lists("150,000 lists within a set", slices.Concat(word(1, 150000, 1), word(150000, 3, 0)), append(many(150000, func(i int) symbol {
		return symbol{fmt.Sprint("__BTF_ID__func__f__", i), uint64(8 + 8*i), 4}
	}), symbol{"__BTF_ID__set8__s", 0, 8 + 8*150000})...)
	lists("40 MiB without a symbol", word(10*mib, 3))

	distilled := func(name string, base func() []byte) {
		c.file(kind, ".BTF.base: "+name, "evil.ko", func() []byte {
			return withIDs(base(), table, word(1, 1, 1, 3, 0), []symbol{{"__BTF_ID__set8__s", 0, 16}})
		}, "check --no-db"+onBase, "distill --in-place"+onBase, "fingerprint -v $DIR/evil.ko")
	}
	made := func(n int, add func(w *btftest.Writer, i int)) func() []byte {
		return func() []byte {
			w := oneInt()
			for i := range n {
				add(w, i)
			}
			return w.Bytes()
		}
	}
	distilled("one byte", func() []byte { return []byte{0x9f} })
	distilled("of big endian", func() []byte { return oneInt().Bytes(func(h *btf.Header) { h.Magic = 0x9feb }) })
	distilled("types of 4 GiB", func() []byte { return oneInt().Bytes(func(h *btf.Header) { h.TypeLen = 1<<32 - 1 }) })
	distilled("a million structs of one name", made(1000000, func(w *btftest.Writer, _ int) { w.Record(1, btftest.Info(btf.KindStruct, 0, false), 4) }))
	distilled("200,000 structs of other sizes", made(200000, func(w *btftest.Writer, i int) { w.Record(1, btftest.Info(btf.KindStruct, 0, false), uint32(i)) }))
	distilled("200,000 structs without a name", made(200000, func(w *btftest.Writer, _ int) { w.Record(0, btftest.Info(btf.KindStruct, 0, false), 4) }))
	distilled("pointer to itself", made(1, func(w *btftest.Writer, _ int) { w.Record(0, btftest.Info(btf.KindPtr, 0, false), 2) }))
	distilled("a chain of 200,000 pointers", made(200000, func(w *btftest.Writer, i int) { w.Record(0, btftest.Info(btf.KindPtr, 0, false), uint32(i+3)) }))
	distilled("functions", made(1, func(w *btftest.Writer, _ int) { w.Record(1, btftest.Info(btf.KindFunc, 0, false), 1) }))
	distilled("name with escapes", func() []byte {
		w := oneInt()
		w.Struct("\x1b[31m\n\u202e", 4)
		return w.Bytes()
	})
}
