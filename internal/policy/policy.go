// SPDX-License-Identifier: Apache-2.0

// Package policy reads who decided otherwise than the verdicts' own weights, and
// weighs findings by it. Parse reads a file of rules; guard.Judge asks a Policy.
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

// rule gives what it matches a severity. A selector that is empty matches all. One that
// is everywhere may decide nothing here.
type rule struct {
	verdicts []guard.Verdict
	pairings []guard.Pairing
	packages []string // globs
	modules  []string // globs with underscores
	severity guard.Severity
	ruling   guard.Ruling

	everywhere bool
}

// subject is what rules are matched with. Empty is what it does not have, and
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

// Everywhere is p for who has it for other results as well: none of its rules has to
// decide something in this one.
func (p Policy) Everywhere() Policy {
	rules := slices.Clone(p.rules)
	for i := range rules {
		rules[i].everywhere = true
	}
	return Policy{rules}
}

// Weigh implements guard.Policy: of several rules that match, the last decides.
func (p Policy) Weigh(v guard.Verdict, pairing guard.Pairing, pkg, module string) (*guard.Ruling, guard.Severity) {
	if r := p.last(subject{v, pairing, pkg, module}); r != nil {
		return &r.ruling, r.severity
	}
	return nil, ""
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
		anyGlob(r.modules, underscores(s.module))
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

// underscores is the name that the kernel gives a module.
func underscores(module string) string { return strings.ReplaceAll(module, "-", "_") }

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
