// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"encoding/binary"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
)

// section is one of an ELF file's.
type section struct {
	name string
	data []byte
}

// binaryFile is an ELF file of 64 bits, little endian, that may lie.
type binaryFile struct {
	executable bool
	sections   []section
	patch      func(file []byte, headers int) // headers is where the section headers begin
}

func (f binaryFile) bytes() []byte {
	le := binary.LittleEndian
	out, names := make([]byte, 64), []byte{0}
	var rows []byte
	row := func(name string, typ uint32, data []byte) {
		out = append(out, make([]byte, -len(out)&7)...)
		at, size := len(out), len(data)
		nameAt := len(names)
		names = append(append(names, name...), 0)
		if name == ".shstrtab" {
			data, size = names, len(names)
		}
		out = append(out, data...)
		rows = le.AppendUint32(le.AppendUint32(rows, uint32(nameAt)), typ)
		for _, v := range []uint64{0, 0, uint64(at), uint64(size), 0, 1, 0} {
			rows = le.AppendUint64(rows, v)
		}
	}
	rows = make([]byte, 64)
	for _, s := range f.sections {
		row(s.name, 1, s.data)
	}
	row(".shstrtab", 3, nil)
	out = append(out, make([]byte, -len(out)&7)...)
	headers := len(out)
	out = append(out, rows...)

	copy(out, "\x7fELF\x02\x01\x01")
	typ := uint16(1)
	if f.executable {
		typ = 2
	}
	le.PutUint16(out[16:], typ)
	le.PutUint16(out[18:], 62) // x86_64
	le.PutUint32(out[20:], 1)
	le.PutUint64(out[40:], uint64(headers))
	le.PutUint16(out[52:], 64)
	le.PutUint16(out[58:], 64)
	le.PutUint16(out[60:], uint16(len(rows)/64))
	le.PutUint16(out[62:], uint16(len(rows)/64-1))
	if f.patch != nil {
		f.patch(out, headers)
	}
	return out
}

// banner is a kernel's. Its words are put together here: a test's program with it would
// be one.
func banner() []byte {
	return []byte(strings.Join([]string{"Linux", "version", release, "(x@y)", "(gcc)", "#1", "SMP\n\x00"}, " "))
}

const (
	modinfo = "license=GPL\x00intree=Y\x00name=evil\x00vermagic=" + release + " SMP mod_unload modversions \x00"
)

// evilModule is a module with a table and what more there is to it.
func evilModule(table []byte, more ...section) binaryFile {
	f := binaryFile{sections: []section{{".modinfo", []byte(modinfo)}, {".gnu.linkonce.this_module", make([]byte, 64)}}}
	if table != nil {
		f.sections = append(f.sections, section{".BTF", table})
	}
	f.sections = append(f.sections, more...)
	return f
}

func evilVmlinux(table []byte, more ...section) []byte {
	f := binaryFile{executable: true, sections: []section{{".rodata", banner()}, {".BTF", table}}}
	f.sections = append(f.sections, more...)
	return f.bytes()
}

// oneInt is a base of one type.
func oneInt() *btftest.Writer {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	return w
}
