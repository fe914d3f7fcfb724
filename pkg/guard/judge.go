// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// pair is a module and a base to be judged together.
type pair struct {
	module  *Module
	base    *Base
	pairing Pairing
}

// Judge pairs every module of the inventory with the bases it can meet and gives
// a finding for each pair, in a fixed order. A module that meets no base and
// needs one becomes a Problem as well. The only error is that of ctx.
func Judge(ctx context.Context, inv *Inventory) (*Result, error) {
	j := newJudge(inv)
	pairs := j.pairs()
	res := &Result{Bases: inv.Bases, Findings: make([]Finding, len(pairs)), Problems: slices.Clone(inv.Problems)}

	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				res.Findings[i] = j.decide(pairs[i])
			}
		})
	}
	for i := range pairs {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	res.Problems = append(res.Problems, j.unmet(res.Findings)...)
	return res, nil
}

// judge knows what several pairs share.
type judge struct {
	inv      *Inventory
	own      map[string]*Base // by build, arch and kernelrelease: the base of a build
	named    *Base            // the base the user named as the modules' own
	siblings map[string]bool  // by build and kernelrelease: some module has BTF

	mu       sync.Mutex // guards what is below
	compared map[[2]*Base]func() *compare.Bases
	examined map[*Module]func() *evidence.Evidence // on the base of their build
}

func newJudge(inv *Inventory) *judge {
	j := &judge{
		inv: inv, own: map[string]*Base{}, siblings: map[string]bool{},
		compared: map[[2]*Base]func() *compare.Bases{},
		examined: map[*Module]func() *evidence.Evidence{},
	}
	for _, b := range inv.Bases {
		if b.Origin == Own {
			j.named = b
			continue
		}
		if b.Package != nil {
			j.own[key(b.Build(), b.Arch, b.Release)] = b
		}
	}
	for _, m := range inv.Modules {
		if len(m.BTF) > 0 {
			j.siblings[key(m.Build(), m.Release)] = true
		}
	}
	return j
}

func key(parts ...string) string { return fmt.Sprintf("%q", parts) }

// ownBase is the base that the module was built on, nil if it is not at hand:
// the one the user named, or that of the module's build. A base that the module
// contradicts is not its own, whatever the packages say.
func (j *judge) ownBase(m *Module, b *Base) *Base {
	own := j.named
	if m.Package != nil {
		if of := j.own[key(m.Build(), m.Arch, m.Release)]; of != nil {
			own = of
		}
	}
	if own == nil || own.Table == nil || own == b || !j.onOwn(m, own).Contradicted() {
		return own
	}
	return nil
}

// onOwn is what a module's table says for and against the base of its build,
// asked once however many bases the module meets.
func (j *judge) onOwn(m *Module, own *Base) *evidence.Evidence {
	j.mu.Lock()
	once, ok := j.examined[m]
	if !ok {
		once = sync.OnceValue(func() *evidence.Evidence {
			table, _ := btf.Parse(m.BTF, own.Table)
			return examine(m, own, table)
		})
		j.examined[m] = once
	}
	j.mu.Unlock()
	return once()
}

// examine asks a table as far as it could be laid out.
func examine(m *Module, b *Base, table *btf.Table) *evidence.Evidence {
	if table == nil {
		return &evidence.Evidence{}
	}
	return evidence.Examine(table, m.facts(b))
}

// bases compares two bases, once for all modules.
func (j *judge) bases(built, read *Base) *compare.Bases {
	k := [2]*Base{built, read}
	j.mu.Lock()
	once, ok := j.compared[k]
	if !ok {
		once = sync.OnceValue(func() *compare.Bases { return compare.New(built.Table, read.Table) })
		j.compared[k] = once
	}
	j.mu.Unlock()
	return once()
}

// pairs lists what meets what, ordered by kernel, pairing and path.
func (j *judge) pairs() []pair {
	var out []pair
	for _, m := range j.inv.Modules {
		before := len(out)
		for _, b := range j.inv.Bases {
			if p, ok := match(m, b); ok {
				out = append(out, pair{m, b, p})
			}
		}
		if len(out) == before && m.Origin == New {
			out = append(out, pair{module: m, pairing: PairAcross})
		}
	}
	order := []Pairing{PairBuild, PairGiven, PairRebuild, PairAcross}
	slices.SortStableFunc(out, func(a, b pair) int {
		return cmp.Or(
			cmp.Compare(a.module.Release, b.module.Release),
			cmp.Compare(slices.Index(order, a.pairing), slices.Index(order, b.pairing)),
			cmp.Compare(a.module.Origin, b.module.Origin),
			cmp.Compare(baseLabel(a.base), baseLabel(b.base)),
			cmp.Compare(a.module.Label(), b.module.Label()),
			cmp.Compare(a.module.Path, b.module.Path))
	})
	return out
}

func baseLabel(b *Base) string {
	if b == nil {
		return ""
	}
	return b.Label()
}

// match says whether a module meets a base, and as what.
func match(m *Module, b *Base) (Pairing, bool) {
	if b.Origin == Own {
		return "", false // nothing is read on it
	}
	if b.Origin == Given {
		return PairGiven, true
	}
	if m.Origin == Against && b.Origin == Against {
		return "", false // the older build is not what is judged
	}
	// A raw table does not say what it is for; it meets every kernel of its
	// side's kernelrelease, which is "" unless its path says more.
	if m.Release != b.Release || m.Arch != b.Arch && m.Arch != "" && b.Arch != "" {
		return "", false
	}
	switch {
	case m.Build() == b.Build():
		return PairBuild, true
	case m.Package != nil && b.Package != nil && m.Package.Source != b.Package.Source:
		return PairAcross, true
	}
	return PairRebuild, true
}

// unmet makes problems of the modules that needed a base and met none, one for
// each package or file.
func (j *judge) unmet(findings []Finding) []Problem {
	type place struct{ path, release, arch string }
	count := map[place]int{}
	var order []place
	for _, f := range findings {
		if f.Base != nil || f.Verdict != Unproven {
			continue
		}
		m := f.Module
		at := place{m.Path, m.Release, m.Arch}
		if m.Package != nil {
			at.path = m.Package.Path
		}
		if count[at]++; count[at] == 1 {
			order = append(order, at)
		}
	}
	var out []Problem
	for _, at := range order {
		modules := "1 module"
		if n := count[at]; n > 1 {
			modules = fmt.Sprintf("%d modules", n)
		}
		out = append(out, Problem{at.path, fmt.Errorf("%s not judged: no vmlinux of %s was given", modules, kernelName(at.release, at.arch))})
	}
	return out
}

func kernelName(release, arch string) string {
	switch {
	case release == "":
		return "an unnamed kernelrelease"
	case arch == "":
		return release
	}
	return release + " (" + arch + ")"
}

// hasToken reports whether the module's package was recorded as built on base.
func hasToken(m *Module, base fingerprint.Digest) bool {
	return m.Package != nil && slices.Contains(m.Package.Requires, base)
}
