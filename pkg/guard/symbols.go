// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"debug/elf"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// functions is the set of a module's function symbols, as hashes: thousands of
// modules are kept at once, and their names would take more room than their BTF.
type functions struct {
	seed   maphash.Seed
	hashes []uint64 // sorted
}

// has reports whether the symbol table has a function of that name.
func (f *functions) has(name []byte) bool {
	_, ok := slices.BinarySearch(f.hashes, maphash.Bytes(f.seed, name))
	return ok
}

// readSymbols takes from a module's symbol table what BTF describes: functions,
// and the places of .BTF_ids with what their numbers are to name.
func (m *Module) readSymbols(opened *kernel.Module) error {
	seed := maphash.MakeSeed()
	f := &functions{seed: seed}
	var marks []mark
	for s, err := range opened.Symbols() {
		if err != nil {
			return err
		}
		if mark, ok := btfID(s, opened); ok {
			marks = append(marks, mark)
			if mark.Kind != btf.KindVoid && mark.Value != 0 {
				m.ids = append(m.ids, mark.ID)
			}
		}
		if s.Type != elf.STT_FUNC || s.Section == elf.SHN_UNDEF {
			continue
		}
		// ppc64 may have the code of foo as .foo. Compilers clone functions as
		// foo.isra.0 and the like, and link time optimization renames them to
		// foo.llvm.123; pahole writes them down by the name in the source.
		name := strings.TrimPrefix(s.Name, ".")
		f.hashes = append(f.hashes, maphash.String(seed, name))
		if name, _, cloned := strings.Cut(name, "."); cloned {
			f.hashes = append(f.hashes, maphash.String(seed, name))
		}
	}
	m.kfuncs = newKfuncs(opened.BTFIDs, marks)
	if m.Distilled && len(opened.BTFIDs) > 0 {
		if err := m.readIDLists(opened); err != nil {
			return err
		}
	}
	if len(f.hashes) > 0 {
		slices.Sort(f.hashes)
		m.functions = &functions{seed, slices.Clip(slices.Compact(f.hashes))}
	}
	return nil
}

// mark is a place in .BTF_ids: a number with what it is to name or, with KindVoid,
// the count that a set of numbers begins with.
type mark struct {
	evidence.ID
	at, size uint64 // in bytes of the section
}

// btfID reads the number at a place of .BTF_ids. Its symbol says what the number
// is to name: __BTF_ID__func__bpf_ct_release__7 (include/linux/btf_ids.h). A
// number of 0 is one that could not be resolved at build time.
func btfID(s kernel.Symbol, m *kernel.Module) (mark, bool) {
	sym := ids.Symbol{Name: s.Name, Off: s.Value, Size: s.Size}
	if !sym.Marks() || s.Section == elf.SHN_UNDEF || uint64(len(m.BTFIDs)) < 4 || sym.Off > uint64(len(m.BTFIDs))-4 {
		return mark{}, false
	}
	out := mark{at: sym.Off, size: sym.Size}
	out.Value = btf.TypeID(m.Order.Uint32(m.BTFIDs[sym.Off:]))
	out.Kind, out.Name = sym.Names()
	return out, out.Kind != btf.KindVoid || sym.BeginsSet()
}

// facts is what else than its table the module can say for the evidence.
func (m *Module) facts(b *Base) evidence.Facts {
	f := evidence.Facts{PointerSize: m.pointerSize(b), IDs: m.ids, AllFunctions: m.keepsLocals}
	if m.functions != nil {
		f.HasFunction = func(name []byte) bool {
			if m.functions.has(name) {
				return true
			}
			cut := bytes.IndexByte(name, '.')
			return cut > 0 && m.functions.has(name[:cut])
		}
	}
	return f
}

// pointerSize is that of the module's ELF class in bytes; a raw table has none.
func (m *Module) pointerSize(b *Base) int {
	if m.bits > 0 {
		return m.bits / 8
	}
	return b.pointerSize
}
