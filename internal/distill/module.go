// SPDX-License-Identifier: Apache-2.0

package distill

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// module gives the bytes of a distilled module, nil where there is nothing to do,
// which out then says.
func (d *distiller) module(out *File, data []byte) ([]byte, error) {
	if f := decompress.Detect(data); f != decompress.None {
		return nil, leavef("is compressed (%s): distill before modules are compressed and signed", f)
	}
	m, err := kernel.OpenModule(data, out.Path)
	if err != nil {
		return nil, err
	}
	switch {
	case m.HasBTFBase:
		if res := d.target.Module(m.BTF, m.BTFBase); !res.Accepted() || res.Fault != "" {
			return nil, leave("has a .BTF.base already, of another base: it does not relocate onto this one")
		}
		out.Outcome = Already
		return nil, nil
	case len(m.BTF) == 0:
		out.Outcome = NoBTF
		return nil, nil
	case m.Signed:
		return nil, leave("is signed, which would no longer hold: distill before modules are signed")
	case m.Order != d.Base.Table.Order:
		return nil, leave("has another byte order than the base")
	}
	if on, _ := d.Base.Config.Enabled("CONFIG_MODVERSIONS"); on && m.Versions == nil && m.ExtVersionCRCs == nil {
		return nil, leave("has no symbol versions (__versions), which alone would keep it from a kernel whose structs changed")
	}
	table, err := d.parse(m)
	if err != nil {
		return nil, err
	}
	if d.foreign > 0 {
		not := "do not"
		if d.foreign == 1 {
			not = "does not"
		}
		return nil, leavef("fits this base, but %s given with it %s, and what was built together has one base", prose.Several(d.foreign, "module"), not)
	}
	return d.distill(out, data, m, table)
}

// smallGrowth is how many bytes any module may grow: in a small one the names of a few
// structs are much.
const smallGrowth = 16 << 10

// parse reads the table on the base, which must be its own.
func (d *distiller) parse(m *kernel.Module) (*btf.Table, error) {
	if res := verify.Module(m.BTF, d.Base.Table, d.Base.Rules); !res.Accepted() {
		return nil, leavef("was not built on this base: its kernel refuses it (errno %d)", res.Errno)
	}
	table, err := btf.Parse(m.BTF, d.Base.Table)
	if err != nil {
		return nil, fmt.Errorf(".BTF: %w", err)
	}
	if e := evidence.Examine(table, evidence.Facts{PointerSize: m.Bits / 8}); e.Contradicted() {
		return nil, leavef("was not built on this base: %s", strings.Join(e.Reasons(), "; "))
	}
	if d.Base.OtherName(m.Release) {
		return nil, leavef("was built for %s, and this base is that of %s", m.Release, d.Base.Called())
	}
	return table, nil
}

// survey counts the modules that contradict the base before any is written: two builds of
// one source can have bases of which every second module does not show that it is not its
// own.
func (d *distiller) survey(ctx context.Context) {
	var fit, foreign atomic.Int64
	parallel.Each(ctx, len(d.work), runtime.GOMAXPROCS(0), func(i int) {
		_, data, err := read(d.work[i])
		if err != nil || decompress.Detect(data) != decompress.None {
			return
		}
		m, err := kernel.OpenModule(data, d.work[i].path)
		if err != nil || m.HasBTFBase || len(m.BTF) == 0 || m.Order != d.Base.Table.Order {
			return
		}
		if _, err := d.parse(m); err != nil {
			foreign.Add(1)
		} else {
			fit.Add(1)
		}
	})
	if n := foreign.Load(); n*guard.MostDamaged > fit.Load() {
		d.foreign = int(n)
	}
}

// distill makes the new sections and the file with them, and checks both.
func (d *distiller) distill(out *File, data []byte, m *kernel.Module, table *btf.Table) ([]byte, error) {
	numbers, keep, err := d.numbers(out, m, table)
	if err != nil {
		return nil, err
	}
	distilled, err := relocate.Distill(table, keep...)
	if err != nil {
		return nil, leavef(".BTF: %v", err)
	}
	if err := distilled.Check(d.target); err != nil {
		return nil, leavef("%v", err)
	}
	replace := map[string][]byte{".BTF": distilled.BTF}
	if numbers != nil {
		if replace[".BTF_ids"], err = d.renumber(numbers, distilled); err != nil {
			return nil, leavef(".BTF_ids: %v", err)
		}
	}
	old, err := kernel.NewELF(data)
	if err != nil {
		return nil, err
	}
	written, err := old.Rewrite(replace, kernel.NewSection{Name: ".BTF.base", Data: distilled.Base, Align: 4})
	if err != nil {
		return nil, leavef("%v", err)
	}
	if growth := len(written) - len(data); growth > smallGrowth && growth > len(data)*d.MaxGrowth/100 {
		return nil, leavef("would grow from %d to %d bytes, by more than %d %%", len(data), len(written), d.MaxGrowth)
	}
	return written, d.checkFile(old, written, replace, distilled, numbers, table)
}

// numbers reads .BTF_ids, nil where there is none, and lists the types of the base
// that numbers name which will be relocated.
func (d *distiller) numbers(out *File, m *kernel.Module, table *btf.Table) (*ids.Section, []btf.TypeID, error) {
	if len(m.BTFIDs) == 0 {
		return nil, nil, nil
	}
	symbols, err := ids.Symbols(m)
	if err != nil {
		return nil, nil, err
	}
	section, err := ids.Parse(m.BTFIDs, m.Order, symbols)
	if err != nil {
		return nil, nil, leavef(".BTF_ids: %v", err)
	}
	var keep []btf.TypeID
	for _, l := range section.Lists {
		if err := l.Check(table); err != nil {
			return nil, nil, leavef(".BTF_ids: %v", err)
		}
		switch {
		case l.Use.Relocated(), l.Use == ids.Plain && d.Plain == Mapped && known(l):
			for _, e := range l.Entries {
				if e.ID > 0 && e.ID < table.StartID() {
					keep = append(keep, e.ID)
				}
			}
		case l.Use == ids.Plain && known(l):
			out.Notes = append(out.Notes, fmt.Sprintf("%s: %d numbers that no kernel relocates: %s", l.Label, len(l.Entries), plainNote[d.Plain]))
		default:
			return nil, nil, leavef(".BTF_ids: %s is a %s: it is not known what a kernel does with it", l.Label, l.Use)
		}
	}
	return section, keep, nil
}

// known reports whether it is known who reads a plain list: code of the module
// itself, which compares its numbers with those of vmlinux.
func known(l ids.List) bool { return l.Label == "btf_nf_conn_ids" } // net/netfilter/nf_conntrack_bpf.c

var plainNote = map[Plain]string{
	Keep: "they stay those of this vmlinux and are wrong on another",
	Zero: "they are set to 0, so that what needs them does not work",
}

// renumber gives the section as a kernel that relocates expects it.
func (d *distiller) renumber(s *ids.Section, distilled *relocate.Distilled) ([]byte, error) {
	return s.Map(func(l *ids.List, e ids.Entry) (btf.TypeID, bool) {
		switch {
		case l.Use.Relocated(), d.Plain == Mapped:
			return distilled.ID(e.ID)
		case d.Plain == Zero:
			return 0, true
		}
		return e.ID, true
	})
}

// checkFile reads what was written as a kernel will, and compares it with what was
// there: every other section is as it was, and every number names what it named.
func (d *distiller) checkFile(old *kernel.ELF, written []byte, replaced map[string][]byte, distilled *relocate.Distilled, numbers *ids.Section, table *btf.Table) error {
	is, err := kernel.NewELF(written)
	if err != nil {
		return fmt.Errorf("what was written cannot be read: %w", err)
	}
	if err := old.Same(is, ".BTF", ".BTF_ids", ".BTF.base"); err != nil {
		return fmt.Errorf("what was written is not the module that was there: %w", err)
	}
	want := map[string][]byte{".BTF.base": distilled.Base}
	maps.Copy(want, replaced)
	for name, data := range want {
		if got, _, err := is.Section(name); err != nil || !bytes.Equal(got, data) {
			return fmt.Errorf("what was written has another %s than was meant", name)
		}
	}
	if numbers == nil {
		return nil
	}
	split := d.target.Module(distilled.BTF, distilled.Base).Split
	after, err := numbers.With(replaced[".BTF_ids"])
	if err != nil {
		return fmt.Errorf("what was written has a .BTF_ids that cannot be read: %w", err)
	}
	for i, l := range after.Lists {
		if !l.Use.Relocated() {
			continue
		}
		if was, is := numbers.Lists[i].Meaning(table), l.Meaning(split); !slices.Equal(was, is) {
			return fmt.Errorf("what was written has a .BTF_ids in which %s means %q, it was %q", l.Label, is, was)
		}
	}
	return nil
}
