// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// kfuncs are the functions that a module offers to BPF programs: those in the sets
// of its .BTF_ids.
type kfuncs struct {
	names    []string // all of them
	zero     []string // those whose number is 0, so that they name nothing
	unmarked int      // bytes of a .BTF_ids whose symbols were stripped
}

// newKfuncs finds the functions that lie in a set. Lists of numbers, as of
// destructors, are no sets.
func newKfuncs(section []byte, marks []mark) kfuncs {
	if len(marks) == 0 {
		return kfuncs{unmarked: len(section)}
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	var out kfuncs
	end := uint64(0) // of the set
	for _, m := range marks {
		switch {
		case m.Kind == btf.KindVoid:
			if end = m.at + m.size; m.size == 0 { // its symbol does not say
				end = math.MaxUint64
			}
		case m.Kind == btf.KindFunc && m.at < end:
			out.names = append(out.names, m.Name)
			if m.Value == 0 {
				out.zero = append(out.zero, m.Name)
			}
		}
	}
	return out
}

// lostKfuncs notes kfuncs that BPF programs will not find, because nothing says
// what they are.
func lostKfuncs(f *Finding) {
	k, b := f.Module.kfuncs, f.Base
	n := Note{Rule: KfuncsLost, Severity: Warn}
	switch {
	case len(f.Module.BTF) > 0 && f.evidence != nil && f.evidence.SwappedIDs > 0:
		n.Message = fmt.Sprintf(kfuncsSwapped, counted(f.evidence.SwappedIDs, "number"))
	case len(f.Module.BTF) > 0 && len(k.zero) > 0:
		n.Message = fmt.Sprintf(kfuncsZero,
			counted(len(k.zero), "kfunc", k.zero...), oneOrAll(len(k.zero), "its number is 0", "their numbers are 0"))
		if len(k.zero) < len(k.names) && b != nil && b.Rules.KfuncCheck {
			n.Message += fmt.Sprintf(kfuncsZeroFail, len(k.names)-len(k.zero))
		}
	case len(f.Module.BTF) > 0:
		return
	case len(k.names) > 0:
		n.Message = fmt.Sprintf(kfuncsNoBTF,
			counted(len(k.names), "kfunc", k.names...), oneOrAll(len(k.names), "it is", "they are"))
		n.missing(b)
	case k.unmarked > 0:
		n.Message = fmt.Sprintf(kfuncsUnnamed, k.unmarked)
		n.missing(b)
	default:
		return
	}
	f.Notes = append(f.Notes, n)
}

// missing adds what the kernel does where a module without BTF registers kfuncs.
func (n *Note) missing(b *Base) {
	if b == nil || b.IgnoresModules {
		return
	}
	line, fails := b.Rules.MissingModuleBTF()
	if line != "" {
		n.Log = []string{line}
	}
	if fails {
		n.Message += kfuncsMissingFail
	}
}
