// SPDX-License-Identifier: Apache-2.0

// Package policy reads who decided otherwise than the verdicts' own weights, and
// weighs a result by it. Parse reads a file of rules, Apply sets severities.
package policy

import (
	"path"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Policy is an ordered list of rules. The zero value has none.
type Policy struct {
	rules []rule
}

// rule gives what it matches a severity. A selector that is empty matches all.
type rule struct {
	verdicts []guard.Verdict
	pairings []guard.Pairing
	packages []string // globs
	modules  []string // globs with underscores
	severity guard.Severity
	ruling   guard.Ruling
}

// subject is what rules are held against. Empty is what it does not have, and
// no selector matches that.
type subject struct {
	verdict guard.Verdict
	pairing guard.Pairing // none for a label
	pkg     string        // none for a loose module
	module  string        // none for a label
}

// Then is p with the rules of q behind its own, so that those of q have the last
// word.
func (p Policy) Then(q Policy) Policy {
	return Policy{slices.Concat(p.rules, q.rules)}
}

// Apply sets severity and ruling of all findings and labels of res that a rule
// matches; of several rules, the last decides. The others stay as they are.
func (p Policy) Apply(res *guard.Result) {
	for i := range res.Findings {
		f := &res.Findings[i]
		s := subject{verdict: f.Verdict, pairing: f.Pairing, pkg: packageName(f.Module.Package), module: f.Module.Name}
		if r := p.last(s); r != nil {
			f.Severity, f.Ruling = r.severity, &r.ruling
		}
	}
	for i := range res.Labels {
		l := &res.Labels[i]
		if r := p.last(subject{verdict: l.Verdict, pkg: packageName(l.Package)}); r != nil {
			l.Severity, l.Ruling = r.severity, &r.ruling
		}
	}
}

// Unused lists the rules of p that decided nothing in a result that p, alone or
// with others, was applied to: needless ones, and those with a name that is
// never met.
func (p Policy) Unused(res *guard.Result) []guard.Ruling {
	used := map[guard.Ruling]bool{}
	note := func(r *guard.Ruling) {
		if r != nil {
			used[*r] = true
		}
	}
	for _, f := range res.Findings {
		note(f.Ruling)
	}
	for _, l := range res.Labels {
		note(l.Ruling)
	}
	var out []guard.Ruling
	for _, r := range p.rules {
		if !used[r.ruling] {
			out = append(out, r.ruling)
		}
	}
	return out
}

// last is the rule that decides, nil if none matches.
func (p Policy) last(s subject) *rule {
	for i := range slices.Backward(p.rules) {
		if r := &p.rules[i]; r.matches(s) {
			return r
		}
	}
	return nil
}

func (r *rule) matches(s subject) bool {
	return slices.Contains(r.verdicts, s.verdict) &&
		(len(r.pairings) == 0 || slices.Contains(r.pairings, s.pairing)) &&
		anyGlob(r.packages, s.pkg) &&
		anyGlob(r.modules, strings.ReplaceAll(s.module, "-", "_"))
}

func packageName(p *guard.Package) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// anyGlob reports whether a name matches one of the globs, if there are any.
func anyGlob(globs []string, name string) bool {
	if len(globs) == 0 {
		return true
	}
	return name != "" && slices.ContainsFunc(globs, func(glob string) bool {
		ok, _ := path.Match(glob, name) // Parse took no bad one
		return ok
	})
}

// withUnderscores writes a glob on modules with the underscores that the kernel
// has in their names. The hyphen of a range stays.
func withUnderscores(glob string) string {
	var class, escape bool
	return strings.Map(func(c rune) rune {
		escaped := escape
		escape = c == '\\' && !escaped
		switch {
		case c == '-' && (escaped || !class):
			return '_'
		case c == '[' && !escaped:
			class = true
		case c == ']' && !escaped:
			class = false
		}
		return c
	}, glob)
}
