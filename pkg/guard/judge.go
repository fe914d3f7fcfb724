// SPDX-License-Identifier: Apache-2.0

// Package guard judges kernel modules on the kernels that they will meet: what a
// kernel does with the BTF of each, and whether what it then believes is true.
//
// It reads no file, and answers two questions.
//
// What happens to these modules on these kernels? Fill an [Inventory] with kernels
// ([Base.Describe]), modules ([Module.Describe]) and the packages that they are in.
// [Judge] pairs them and gives a [Finding] for each pair: a [Verdict], what the
// kernel logs, what it means for the machine.
//
// Does this package fit one of these kernels? [Cargo.Match] answers from facts about
// packages, wherever they are known from: kernel-btf(...) tokens in a repository's
// metadata, or what [Judge] found, by [Contents].
package guard

import (
	"context"
	"runtime"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
)

// Options say who asks. The zero value is for somebody who has no policy, and to whom
// everything matters.
type Options struct {
	Policy Policy // may be nil
	// Aside reports whether a problem is not about what is checked; may be nil.
	Aside func(Problem) bool
}

// Policy weighs findings and labels otherwise than their verdicts do.
type Policy interface {
	// Weigh gives the ruling that decides, nil if none does, and what the finding then
	// weighs. The pairing is "" for a label, the module, too, and the package for a
	// loose module.
	Weigh(v Verdict, p Pairing, pkg, module string) (*Ruling, Severity)
	// Idle says, a line for each, which of its rulings decided nothing in a result.
	Idle(r *Result, used map[Ruling]bool) []string
}

// Judge pairs every module of the inventory with the bases it can meet and gives
// a finding for each pair, in a fixed order. A module that meets no base and
// needs one becomes a Problem as well, and so does an argument that came to nothing.
// The result is whole: nothing has to be added to it or worked out afterwards. The
// only error is that of ctx.
func Judge(ctx context.Context, inv *Inventory, o Options) (*Result, error) {
	j := newJudging(inv)
	misnamed := j.claim(ctx, inv)
	met := meet(inv)
	pairs := met.pairs
	res := &Result{Bases: inv.Bases, Findings: make([]Finding, len(pairs)), Unlinked: met.unlinked, Problems: slices.Concat(inv.Problems, met.problems)}

	j.sound.recall(inv.Memory, pairs)
	parallel.Each(ctx, len(pairs), runtime.GOMAXPROCS(0), func(i int) { res.Findings[i] = j.finding(pairs[i]) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	j.sound.keep(res.Findings)
	doubt(res.Findings)
	believe(res.Findings)
	res.Labels = labels(inv, res)
	res.Refusals = refusals(inv.Bases)
	res.Changes = changes(inv.Bases)
	res.Problems = once(slices.Concat(res.Problems, unmet(res.Findings), idle(inv, res, misnamed)))
	if o.Aside != nil {
		for _, p := range res.Problems {
			if o.Aside(p) {
				res.Aside = append(res.Aside, p)
			}
		}
		res.Problems = slices.DeleteFunc(res.Problems, o.Aside)
	}
	if o.Policy != nil {
		res.weigh(o.Policy)
	}
	res.Problems = append(res.Problems, unanswered(res)...)
	res.Remakes = remakes(res.Findings)
	for i := range res.Changes {
		c := &res.Changes[i]
		c.Survival, c.Outdated = c.survival(res.Findings), c.outdated(res.Findings)
	}
	return res, nil
}

// once leaves out what was said of a file already, which may have been given as a
// base and lie in a folder that was given, too.
func once(problems []Problem) []Problem {
	seen := map[string]bool{}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		said := p.Error()
		again := seen[said]
		seen[said] = true
		return again
	})
}

// weigh has a policy decide.
func (r *Result) weigh(p Policy) {
	name := func(pkg *Package) string {
		if pkg == nil {
			return ""
		}
		return pkg.Name
	}
	used := map[Ruling]bool{}
	weigh := func(severity *Severity, ruling **Ruling, v Verdict, pairing Pairing, pkg *Package, module string) {
		if by, weighs := p.Weigh(v, pairing, name(pkg), module); by != nil {
			*severity, *ruling = weighs, by
			used[*by] = true
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		weigh(&f.Severity, &f.Ruling, f.Verdict, f.Pairing, f.Module.Package, f.Module.Name)
		for i := range f.Notes {
			n := &f.Notes[i]
			weigh(&n.Severity, &n.Ruling, Verdict(n.Rule), f.Pairing, f.Module.Package, f.Module.Name)
		}
	}
	for i := range r.Refusals {
		b := &r.Refusals[i]
		weigh(&b.Severity, &b.Ruling, Refused, "", b.Base.Package, "")
	}
	for i := range r.Labels {
		l := &r.Labels[i]
		weigh(&l.Severity, &l.Ruling, l.Verdict, "", l.Package, "")
	}
	r.Unused = p.Idle(r, used)
}
