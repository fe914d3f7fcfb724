// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/readers"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/repeat"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// judging knows what several pairs share.
type judging struct {
	own       map[string][]*Base      // the bases of each build, by arch and kernelrelease
	named     *Base                   // the base that the user named as the modules' own; nil if they contradict it
	siblings  map[string]bool         // by build, arch and kernelrelease: some module has BTF
	expect    map[string]bool         // likewise, of those whose kernel is here: it asks for BTF in modules
	expectNew map[string]bool         // by arch and kernelrelease: some kernel of the new build does
	cured     map[string]bool         // by build, arch and kernelrelease: some in-tree module has a .BTF.base
	curedNew  map[string]bool         // by arch and kernelrelease: in a new build
	had       map[string]bool         // by name, arch and kernelrelease: the older build's module has BTF
	trees     map[treeOf]func() *Base // the base that loose modules of a tree were built on, by tree, side, arch and kernelrelease

	sound    sound
	compared memo[[2]*Base, *compare.Bases]
	examined memo[onOwn, *evidence.Evidence]
	manners  memo[*Base, *evidence.Evidence]
	grounds  memo[*Base, *evidence.Base]
	cores    memo[*Base, map[string]coreStruct]
	readers  memo[*Base, *readers.Base]
	targets  memo[*Base, *relocate.Target]
	repeats  memo[*Base, *repeat.Base]
}

// onOwn is a module on a base that it may have been built on.
type onOwn struct {
	module *Module
	base   *Base
}

func newJudging(inv *Inventory) *judging {
	j := &judging{
		own: map[string][]*Base{}, siblings: map[string]bool{}, expect: map[string]bool{}, expectNew: map[string]bool{},
		cured: map[string]bool{}, curedNew: map[string]bool{}, had: map[string]bool{},
		trees: map[treeOf]func() *Base{},
	}
	for _, b := range inv.Bases {
		switch {
		case b.Table == nil, b.Origin == Installed:
		case b.Origin == Own:
			j.named = b
		case b.Package != nil:
			k := key(b.build(), b.Arch, b.Release)
			j.own[k] = append(j.own[k], b)
		}
		if !b.Origin.Named() {
			asks := b.Table != nil && !b.IgnoresModules && b.buildsModulesWithBTF()
			k := key(b.build(), b.Arch, b.Release)
			j.expect[k] = j.expect[k] || asks
			if k := key(b.Arch, b.Release); b.Origin == New {
				j.expectNew[k] = j.expectNew[k] || asks
			}
		}
	}
	loose := map[treeOf][]*Module{}
	for _, m := range inv.Modules {
		if m.Package == nil && m.Tree != "" {
			k := m.tree()
			loose[k] = append(loose[k], m)
		}
		if len(m.BTF) > 0 {
			j.siblings[key(m.build(), m.Arch, m.Release)] = true
			if m.Origin == Against {
				j.had[key(m.Name, m.Arch, m.Release)] = true
			}
		}
		if m.Distilled && m.InTree { // the kernel's build distils those of others itself
			j.cured[key(m.build(), m.Arch, m.Release)] = true
			if m.Origin == New {
				j.curedNew[key(m.Arch, m.Release)] = true
			}
		}
	}
	for _, b := range inv.Bases {
		if b.Package == nil && b.Tree != "" && b.Table != nil && b.Release != "" && !b.Origin.Named() {
			k := treeOf{b.Tree, b.Origin, b.Arch, b.Release}
			if first := j.trees[k]; first == nil {
				j.trees[k] = sync.OnceValue(func() *Base { return j.treeBase(b, loose[k]) })
			} else if !b.BootImage {
				j.trees[k] = func() *Base { return nil } // which of several, nothing tells
			}
		}
	}
	return j
}

// claim withdraws the base that the user named as the modules' own, and returns why: where
// one of them was built for a kernel of another name, or lies beside the vmlinux that it was
// built on, or where more of them contradict it than may be damaged.
func (j *judging) claim(ctx context.Context, inv *Inventory) error {
	named := j.named
	if named == nil {
		return nil
	}
	// A raw table is called as the kernel that has it, if that is here.
	called := named
	if i := slices.IndexFunc(inv.Bases, func(b *Base) bool { return b.Called() != "" && b.isSame(named) }); named.Called() == "" && i >= 0 {
		called = inv.Bases[i]
	}
	var asked []*Module
	for _, m := range inv.Modules {
		if m.Package == nil && len(m.BTF) > 0 && !m.Distilled {
			asked = append(asked, m)
		}
	}
	for _, m := range asked {
		if called.OtherName(m.builtFor()) {
			j.named = nil
			return fmt.Errorf(ownOtherName, m.Name, m.builtFor(), called.Called())
		}
		if own := j.trees[m.tree()]; own != nil && m.InTree {
			if b := own(); b != nil && !b.isSame(named) {
				j.named = nil
				return fmt.Errorf(ownBeside, m.Name, b.Label())
			}
		}
	}
	var against atomic.Int64
	parallel.Each(ctx, len(asked), runtime.GOMAXPROCS(0), func(i int) {
		if j.examine(asked[i], named, nil).Contradicted() {
			against.Add(1)
		}
	})
	n := int(against.Load())
	if n*MostDamaged <= len(asked) {
		return nil
	}
	j.named = nil
	return fmt.Errorf(ownContradicted, prose.Number(n), prose.Several(len(asked), "module"), oneOrAll(n, "contradicts", "contradict"))
}

// isSame reports whether two bases are one and the same table.
func (b *Base) isSame(c *Base) bool {
	return b.Table != nil && c.Table != nil && b.Fingerprint.Base == c.Fingerprint.Base
}

// treeBase is the vmlinux of a tree if the modules beside it confirm that they were
// built on it, as for [believe]: then another one is compared with it. nil if not.
func (j *judging) treeBase(b *Base, modules []*Module) *Base {
	proven, small := 0, 0
	for _, m := range modules {
		if len(m.BTF) == 0 || m.Distilled || !m.InTree {
			continue
		}
		switch e := j.examine(m, b, nil); {
		case e.Contradicted(), b.OtherName(m.builtFor()), m.vermagic != "" && b.Vermagic != "" && m.vermagic != b.Vermagic:
			return nil
		case e.Confirmed():
			proven++
		default:
			small++
		}
	}
	if proven > small {
		return b
	}
	return nil
}

// treeOf is of what was built together if it lies in one tree.
type treeOf struct {
	path          string
	side          Origin
	arch, release string
}

func (m *Module) tree() treeOf { return treeOf{m.Tree, m.Origin, m.Arch, m.Release} }

func key(parts ...string) string { return fmt.Sprintf("%q", parts) }

// ownBase is the base that the module was built on, nil if it is not at hand:
// that of the module's build, or the one the user named. One that the module
// contradicts is not its own, whatever the packages say; of several in one build
// the one being judged comes first.
func (j *judging) ownBase(m *Module, judged *Base) *Base {
	if base := j.trees[m.tree()]; m.Package == nil && j.named == nil && base != nil && m.InTree {
		if own := base(); own != nil && (judged.Tree != own.Tree || judged.Origin != own.Origin) {
			return own
		}
	}
	candidates := sameSide(m, j.own[key(m.build(), m.Arch, m.Release)])
	if m.Package == nil || len(candidates) == 0 {
		candidates = nil
		if j.named != nil {
			candidates = []*Base{j.named}
		}
	}
	if slices.Contains(candidates, judged) && (len(candidates) == 1 || !j.contradicts(m, judged)) {
		return judged
	}
	for _, b := range candidates {
		if b != judged && !j.contradicts(m, b) {
			return b
		}
	}
	return nil
}

// sameSide prefers the bases on the module's side of a comparison. Time and host
// of two builds may have been made equal to be reproducible.
func sameSide(m *Module, bases []*Base) []*Base {
	var same []*Base
	for _, b := range bases {
		if b.Origin == m.Origin {
			same = append(same, b)
		}
	}
	if same != nil {
		return same
	}
	return bases
}

// contradicts reports whether a module's table contradicts a base that it may have been
// built on.
func (j *judging) contradicts(m *Module, own *Base) bool {
	return !j.sound.on[onOwn{m, own}] && j.examine(m, own, nil).Contradicted()
}

// examine is what a module's table says for and against a base that it may have
// been built on, asked once however many bases the module meets. read is the table as
// it was read on that base, nil if it was not.
func (j *judging) examine(m *Module, own *Base, read *btf.Table) *evidence.Evidence {
	return j.examined.get(onOwn{m, own}, func() *evidence.Evidence {
		if read == nil {
			read, _ = btf.Parse(m.BTF, own.Table) // as far as it goes
		}
		return j.examineOn(m, own, read)
	})
}

// examineOn asks a table as far as it could be laid out.
func (j *judging) examineOn(m *Module, b *Base, table *btf.Table) *evidence.Evidence {
	if table == nil {
		return &evidence.Evidence{}
	}
	return j.weigh(b, j.ground(b).Examine(table, m.facts(b)))
}

// ground is what a base answers to the tables of modules.
func (j *judging) ground(b *Base) *evidence.Base {
	return j.grounds.get(b, func() *evidence.Base { return evidence.NewBase(b.Table, b.pointerSize) })
}

// weigh leaves of the evidence what the base does not show by itself, which is
// looked up once.
func (j *judging) weigh(b *Base, e *evidence.Evidence) *evidence.Evidence {
	if !e.Contradicted() {
		return e
	}
	e.Discount(j.manners.get(b, func() *evidence.Evidence {
		return evidence.Examine(b.Table, evidence.Facts{PointerSize: b.pointerSize})
	}))
	return e
}

// bases compares two bases, once for all modules.
func (j *judging) bases(built, read *Base) *compare.Bases {
	return j.compared.get([2]*Base{built, read}, func() *compare.Bases { return compare.New(built.Table, read.Table) })
}

// hasToken reports whether the module's package was recorded as built on base.
func hasToken(m *Module, base fingerprint.Digest) bool {
	return m.Package != nil && slices.ContainsFunc(m.Package.Requires, func(token string) bool {
		_, required, _ := fingerprint.ParseToken(token)
		return required == base
	})
}

// target is a base that modules are relocated onto, with one index for all of them.
func (j *judging) target(b *Base) *relocate.Target {
	return j.targets.get(b, func() *relocate.Target { return relocate.Onto(b.Table, b.Rules) })
}
