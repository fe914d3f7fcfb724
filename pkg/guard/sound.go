// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"reflect"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// Memory keeps something from run to run, for this version of the program alone. What
// is missing in it costs time and nothing else.
type Memory interface {
	// Get is what was put under the key, nil if nothing was or it is gone.
	Get(key []byte) []byte
	Put(key, value []byte)
}

// sound remembers which modules of a package have nothing wrong with them on the
// vmlinux of their own build. That depends on the two packages and on what the kernel is
// taken for, and on nothing else that is checked with them, so that it needs no second
// look. Whatever has something to be said of it is looked at each time.
type sound struct {
	memory Memory
	on     map[onOwn]bool
	groups []*ownGroup
}

// ownGroup are the modules of one package that meet one vmlinux of their build.
type ownGroup struct {
	key   []byte
	pairs []int // by number, in the order of their paths
	known bool
}

// recall looks up what is known of pairs.
func (s *sound) recall(memory Memory, pairs []pair) {
	if memory == nil {
		return
	}
	s.memory, s.on = memory, map[onOwn]bool{}
	type of struct {
		pkg  *Package
		base *Base
	}
	groups := map[of]*ownGroup{}
	for i, p := range pairs {
		if !p.lasts() {
			continue
		}
		g := groups[of{p.module.Package, p.base}]
		if g == nil {
			b := p.base
			g = &ownGroup{key: fmt.Appendf(nil, "sound %s on %s %q as %+v %v %v", p.module.Package.Digest, b.Package.Digest, b.Path, b.Rules, b.Allow, b.Version)}
			groups[of{p.module.Package, b}] = g
			s.groups = append(s.groups, g)
		}
		g.pairs = append(g.pairs, i)
		g.key = fmt.Appendf(g.key, " %q", p.module.Path)
	}
	for _, g := range s.groups {
		bits := memory.Get(g.key)
		g.known = len(bits) == (len(g.pairs)+7)/8
		for n, i := range g.pairs {
			if g.known && bits[n/8]&(1<<(n%8)) != 0 {
				s.on[onOwn{pairs[i].module, pairs[i].base}] = true
			}
		}
	}
}

// lasts reports whether a finding on the pair would be the same in each run.
func (p pair) lasts() bool {
	m, b := p.module, p.base
	return p.pairing == PairBuild && m.Package != nil && m.Package.Sealed && b.Package != nil && b.Package.Sealed && b.Table != nil
}

// keep remembers the findings on pairs of which nothing was known.
func (s *sound) keep(findings []Finding) {
	for _, g := range s.groups {
		if g.known {
			continue
		}
		bits := make([]byte, (len(g.pairs)+7)/8)
		for n, i := range g.pairs {
			if findings[i].sound() {
				bits[n/8] |= 1 << (n % 8)
			}
		}
		s.memory.Put(g.key, bits)
	}
}

// soundFinding is that of a module with which nothing is wrong.
func soundFinding(p pair) Finding {
	f := Finding{Pairing: p.pairing, Module: p.module, Base: p.base, Verdict: SameBase, Severity: OK, Basis: Provenance, Kernel: kernelSays(p.module, p.base, verify.Result{})}
	if hasToken(p.module, p.base.Fingerprint.Base) {
		f.Basis = Recorded
	}
	return f
}

// sound reports whether a finding says nothing else than that nothing is wrong.
func (f *Finding) sound() bool {
	plain := *f
	plain.evidence = nil
	return reflect.DeepEqual(plain, soundFinding(pair{f.Module, f.Base, f.Pairing}))
}
