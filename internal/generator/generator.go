// SPDX-License-Identifier: Apache-2.0

// Package generator answers rpmbuild's questions for dependencies: which base a
// vmlinux provides, and which one the modules of a package were built on.
//
// A [Survey] looks at a whole build root once; its Answers are for single files.
package generator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Strength is what kind of dependency modules get.
type Strength string

// The strengths. Auto requires where a kernel refuses modules that do not fit,
// and recommends where it loads them without BTF.
const (
	Auto       Strength = "auto"
	Requires   Strength = "requires"
	Recommends Strength = "recommends"
	None       Strength = "none"
)

// Answer is the generator's answer for one file.
type Answer struct {
	Token    string   // "" for none; see TokenOf
	Recorded bool     // it is what the kernel's own package provides
	Strength Strength // of a module's token: Requires or Recommends
	Why      string   // for a person: why there is no token, or what one rests on
	Say      bool     // the file is the first of those with this Why
}

// TokenOf is the answer's token for a file of a package. The build root has the flavor by
// the kernelrelease alone, which a package that names one knows better.
func (a Answer) TokenOf(name string) string {
	_, base, ok := fingerprint.ParseToken(a.Token)
	flavor := kernel.PackageFlavor(name, nil)
	if !ok || flavor == "" || a.Recorded {
		return a.Token
	}
	return fingerprint.Token(flavor, base)
}

// Survey is what a build root holds.
type Survey struct {
	Root    string
	Answers map[string]Answer // by path, below Root

	kernels []string // the files with the bases that the answers rest on
	lasting bool     // nothing rests on what may change behind our back
}

// Options say where else to look.
type Options struct {
	// Base is a vmlinux, raw base or package that the modules were built on, if the
	// packager says so: the last resort.
	Base string

	// Installed finds the kernel of a kernelrelease that the build root has
	// installed: its base as a file, or the tokens its package provides. nil looks
	// nowhere.
	Installed func(ctx context.Context, release string) (path string, tokens []string)
}

// New looks at all kernels and modules below root. Files that cannot be read
// have an answer without token.
func New(ctx context.Context, root string, o Options) (*Survey, error) {
	s := &Survey{Root: root, Answers: map[string]Answer{}, lasting: true}
	inv, err := collect.Read(ctx, collect.Packages(root))
	if err != nil {
		return nil, err
	}
	for _, p := range inv.Problems {
		s.Answers[p.Path] = Answer{Why: p.Err.Error()}
	}
	found := map[string]*guard.Base{}
	for _, b := range inv.Bases {
		s.Answers[b.Path] = provided(b, inv.Bases)
		s.kernels = append(s.kernels, b.Path)
		if have := found[b.Release]; b.Table != nil && (have == nil || kernel.ClassifyPath(b.Path) == kernel.RoleVmlinux) {
			found[b.Release] = b
		}
	}
	for release, modules := range s.split(inv.Modules) {
		p := prover{base: found[release]}
		if p.base == nil {
			p = o.elsewhere(ctx, release)
			if p.base != nil {
				s.kernels = append(s.kernels, p.path)
			} else {
				s.lasting = false
			}
		}
		if err := p.answer(ctx, s, release, modules); err != nil {
			return nil, err
		}
	}
	said := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(s.Answers)) {
		a := s.Answers[path]
		a.Say = a.Why != "" && !said[a.Why]
		said[a.Why] = true
		s.Answers[path] = a
	}
	return s, nil
}

// provided is what a kernel provides: a boot image only where there is no vmlinux of
// its kernelrelease, as Fedora's packages have it.
func provided(b *guard.Base, all []*guard.Base) Answer {
	switch {
	case b.BootImage && slices.ContainsFunc(all, func(o *guard.Base) bool { return !o.BootImage && o.Release == b.Release }):
		return Answer{}
	case b.Refused != nil:
		return Answer{Why: "its own kernel refuses its .BTF"}
	case b.Table == nil:
		return Answer{Why: "has no .BTF"}
	}
	return Answer{Token: b.Token()}
}

// split sorts the modules that need a base by kernelrelease.
func (s *Survey) split(modules []*guard.Module) map[string][]*guard.Module {
	out := map[string][]*guard.Module{}
	for _, m := range modules {
		switch {
		case m.Err != nil:
			s.Answers[m.Path] = Answer{Why: m.Err.Error()}
		case m.Bound():
			out[m.Release] = append(out[m.Release], m)
		default:
			s.Answers[m.Path] = Answer{}
		}
	}
	return out
}

// elsewhere finds a base outside of what is being packaged: installed, or named
// by the packager.
func (o Options) elsewhere(ctx context.Context, release string) prover {
	if o.Installed != nil {
		path, tokens := o.Installed(ctx, release)
		if path != "" {
			if p, err := proverOf(ctx, path); err == nil {
				p.recordedIn(tokens)
				return p
			}
		}
		flavor := kernel.Flavor(release)
		for _, t := range tokens {
			if f, _, ok := fingerprint.ParseToken(t); ok && (f == flavor || len(tokens) == 1) {
				return prover{token: t}
			}
		}
	}
	if o.Base == "" {
		return prover{}
	}
	p, err := proverOf(ctx, o.Base)
	if err != nil {
		return prover{why: "%kernel_btf_base: " + err.Error()}
	}
	p.named = true
	return p
}

// recordedIn takes over what an installed kernel's package provides for its base.
func (p *prover) recordedIn(tokens []string) {
	for _, t := range tokens {
		if _, base, ok := fingerprint.ParseToken(t); ok && base == p.base.Fingerprint.Base {
			p.token = t
		}
	}
}

func proverOf(ctx context.Context, path string) (prover, error) {
	inv, err := collect.Read(ctx, collect.Sources{Base: path})
	if err != nil {
		return prover{}, err
	}
	if len(inv.Problems) > 0 {
		return prover{}, inv.Problems[0]
	}
	i := slices.IndexFunc(inv.Bases, func(b *guard.Base) bool { return b.Table != nil })
	if i < 0 {
		return prover{}, fmt.Errorf("%s: no kernel with BTF in it", path)
	}
	return prover{base: inv.Bases[i], foreign: true, path: path}, nil
}

// prover knows the base that modules of one kernelrelease should have been built
// on.
type prover struct {
	base    *guard.Base
	foreign bool   // the base is not part of what is being packaged
	path    string // of a foreign base
	named   bool   // the packager says so
	token   string // recorded by an installed kernel, whether its base is at hand or not
	why     string // why the base that was named cannot be read
}

// answer judges modules on the base and says what they require.
func (p prover) answer(ctx context.Context, s *Survey, release string, modules []*guard.Module) error {
	if p.base == nil {
		for _, m := range modules {
			a := Answer{Token: p.token, Recorded: true, Strength: Recommends}
			switch {
			case p.why != "":
				a = Answer{Why: p.why}
			case p.token == "":
				a = Answer{Why: fmt.Sprintf("no vmlinux of %s in the build root or installed, and none named", release)}
			}
			s.Answers[m.Path] = a
		}
		return nil
	}
	onto := *p.base
	onto.Origin = guard.Given
	res, err := guard.Judge(ctx, &guard.Inventory{Bases: []*guard.Base{&onto}, Modules: modules}, guard.Options{})
	if err != nil {
		return err
	}
	confirmed := !p.foreign // what is packaged together with its base is believed
	for _, f := range res.Findings {
		confirmed = confirmed || f.Verdict == guard.SameBase
	}
	a := Answer{Token: fingerprint.Token(kernel.Flavor(release), onto.Fingerprint.Base), Strength: Recommends}
	if p.token != "" {
		a.Token, a.Recorded = p.token, true
	} else if onto.Package != nil && onto.Package.Flavor != "" {
		a.Token, a.Recorded = onto.Token(), true
	}
	if onto.Refuses() {
		a.Strength = Requires
	}
	for _, f := range res.Findings {
		switch {
		case f.BuiltOn(confirmed):
			s.Answers[f.Module.Path] = a
		case p.named && f.BuiltOn(true):
			named := a
			named.Why = "by the word of the packager, who named " + p.path + " in %kernel_btf_base: the modules are too small to prove it"
			s.Answers[f.Module.Path] = named
		default:
			s.Answers[f.Module.Path] = Answer{Why: fmt.Sprintf("%s on %s: %s", f.Verdict, onto.Path, strings.Join(f.Reasons, "; "))}
		}
	}
	return nil
}
