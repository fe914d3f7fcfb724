// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// group is the findings of one kernel and pairing that a person reads as one
// statement: these modules on that vmlinux.
type group []guard.Finding

// groups gathers findings that belong together, in the order they come in.
func groups(findings []guard.Finding) []group {
	type key struct {
		release, arch string
		pairing       guard.Pairing
		base          *guard.Base
		side          guard.Origin
		version       string
	}
	index := map[key]int{}
	var out []group
	for _, f := range findings {
		k := key{release: f.Module.Release, pairing: f.Pairing, base: f.Base, side: f.Module.Origin}
		if f.Base != nil {
			k.arch = f.Base.Arch
		}
		if f.Pairing == guard.PairGiven {
			k.release = ""
		}
		if p := f.Module.Package; p != nil && f.Pairing == guard.PairRebuild {
			k.version = p.VersionRelease
		}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

func (g group) base() *guard.Base { return g[0].Base }

// release is the kernelrelease that the group's bases have.
func (g group) release() string {
	if b := g.base(); b != nil {
		return b.Release
	}
	return g[0].Module.Release
}

// kernel is the headline above the group.
func (g group) kernel() string {
	release, arch := g.release(), g[0].Module.Arch
	if b := g.base(); b != nil {
		arch = b.Arch
	}
	return KernelName(release, arch)
}

// KernelName is a kernelrelease with its architecture, for people.
func KernelName(release, arch string) string {
	if release == "" {
		release = "unnamed kernel"
	}
	if arch == "" {
		return release
	}
	return release + " (" + arch + ")"
}

// version tells builds of one kernel apart in a few letters.
func version(p *guard.Package, path string) string {
	if p != nil {
		return p.VersionRelease
	}
	return path
}

// of returns the findings with one verdict.
func (g group) of(v guard.Verdict) []guard.Finding {
	var out []guard.Finding
	for _, f := range g {
		if f.Verdict == v {
			out = append(out, f)
		}
	}
	return out
}

// counts is "7 rejected, 1 misread, 2 no-btf", worst first, then what else is wrong
// with them: "; 1 duplicated".
func (g group) counts() string {
	var parts []string
	for _, v := range slices.Backward(guard.Verdicts) {
		if n := len(g.of(v)); n > 0 {
			parts = append(parts, prose.Number(n)+" "+string(v))
		}
	}
	s := strings.Join(parts, ", ")
	for _, rule := range guard.Rules {
		if n := noted(g, rule); n > 0 {
			s += "; " + prose.Number(n) + " " + string(rule)
		}
	}
	return s
}

// noted counts the findings with a note of a rule that is more than good to know.
func noted(findings []guard.Finding, rule guard.Rule) int {
	n := 0
	for _, f := range findings {
		if slices.ContainsFunc(f.Notes, func(n guard.Note) bool { return n.Rule == rule && n.Severity != guard.OK }) {
			n++
		}
	}
	return n
}

// worst is the severity of the worst finding.
func (g group) worst() guard.Severity {
	return (&guard.Result{Findings: g}).Worst()
}

// parts splits a group into findings of one verdict, severity and ruling, worst
// verdict first.
func (g group) parts() []group {
	var out []group
	for _, v := range slices.Backward(guard.Verdicts) {
		from := len(out)
		for _, f := range g.of(v) {
			same := func(p group) bool {
				return p.severity() == f.Severity && (p.ruling() == nil) == (f.Ruling == nil) && (f.Ruling == nil || *p.ruling() == *f.Ruling)
			}
			if i := slices.IndexFunc(out[from:], same); i >= 0 {
				out[from+i] = append(out[from+i], f)
			} else {
				out = append(out, group{f})
			}
		}
	}
	return out
}

// What the findings of a part share.
func (g group) verdict() guard.Verdict   { return g[0].Verdict }
func (g group) severity() guard.Severity { return g[0].Severity }
func (g group) ruling() *guard.Ruling    { return g[0].Ruling }

// worstFirst has the module in front of which most means something else, for an example.
func (g group) worstFirst() group {
	worst := 0
	for i, f := range g {
		if f.Wrong > g[worst].Wrong {
			worst = i
		}
	}
	return slices.Concat(g[worst:worst+1], g[:worst], g[worst+1:])
}

// Group is the modules of one origin on one vmlinux, for machines.
type Group struct {
	Pairing       string         `json:"pairing"`
	KernelRelease string         `json:"kernelrelease"`
	Modules       string         `json:"modules"` // version-release of their package, or their folder
	Base          string         `json:"base"`    // package or file of the vmlinux; "" for none
	Verdicts      map[string]int `json:"verdicts"`
	// Refused is what becomes of modules that are rejected or do not relocate, in words;
	// absent where none is.
	Refused string `json:"refused,omitempty"`
	// Notes counts the modules with which something else is wrong, by rule.
	Notes map[string]int `json:"notes,omitempty"`
}

// newGroups counts the verdicts of each group. The list is never nil.
func newGroups(r *guard.Result) []Group {
	out := []Group{}
	for _, g := range groups(r.Findings) {
		m, base := g[0].Module, ""
		if b := g.base(); b != nil {
			base = b.Label()
		}
		verdicts := map[string]int{}
		for _, f := range g {
			verdicts[string(f.Verdict)]++
		}
		notes := map[string]int{}
		for _, rule := range guard.Rules {
			if n := noted(g, rule); n > 0 {
				notes[string(rule)] = n
			}
		}
		out = append(out, Group{string(g[0].Pairing), g.release(), version(m.Package, m.Tree), base, verdicts, g.refused(), notes})
	}
	return out
}

// refused says in a few words what becomes of modules that the kernel refuses, ""
// where it refuses none.
func (g group) refused() string {
	if len(g.of(guard.Rejected))+len(g.of(guard.Unrelocatable)) == 0 || g.base() == nil {
		return ""
	}
	switch g.base().Allow {
	case verify.AllowYes:
		return "loads without BTF"
	case verify.AllowNo:
		return "does not load"
	}
	return "does not load, or loads without BTF"
}
