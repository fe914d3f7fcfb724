// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

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
	if release == "" {
		release = "unnamed kernel"
	}
	if arch == "" {
		return release
	}
	return release + " (" + arch + ")"
}

// title says which modules on which vmlinux.
func (g group) title() string {
	b, m := g.base(), g[0].Module
	switch {
	case b == nil:
		return "modules that met no vmlinux"
	case g[0].Pairing == guard.PairGiven:
		return "given    modules on " + b.Label()
	case g[0].Pairing == guard.PairBuild && b.Package == nil:
		return "build    modules on the vmlinux that lies beside them, " + b.Path
	case g[0].Pairing == guard.PairBuild:
		return "build    modules on their own vmlinux, " + version(b.Package, b.Path)
	case g[0].Pairing == guard.PairAcross && m.Package == nil:
		return "across   loose modules on the vmlinux of " + b.Label()
	case g[0].Pairing == guard.PairAcross:
		return "across   modules of other packages on the vmlinux of " + b.Label()
	case m.Origin == guard.Against:
		return fmt.Sprintf("rebuild  old modules (%s) under the new vmlinux (%s)", version(m.Package, m.Tree), version(b.Package, b.Path))
	case b.Origin == guard.Against:
		return fmt.Sprintf("rebuild  new modules (%s) while the old vmlinux (%s) still runs", version(m.Package, m.Tree), version(b.Package, b.Path))
	}
	return fmt.Sprintf("rebuild  modules of %s on the vmlinux of %s", version(m.Package, m.Tree), version(b.Package, b.Path))
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

// counts is "7 rejected, 1 misread, 2 no-btf", worst first.
func (g group) counts() string {
	var parts []string
	for _, v := range slices.Backward(guard.Verdicts) {
		if n := len(g.of(v)); n > 0 {
			parts = append(parts, number(n)+" "+string(v))
		}
	}
	return strings.Join(parts, ", ")
}

// worst is the severity of the worst finding.
func (g group) worst() guard.Severity {
	worst := guard.OK
	for _, f := range g {
		if f.Severity == guard.Fail || f.Severity == guard.Warn && worst == guard.OK {
			worst = f.Severity
		}
	}
	return worst
}

// advice says what a packager can do about a group that fails.
func (g group) advice() string {
	if g.worst() != guard.Fail || g.base() == nil {
		return ""
	}
	if g.base().Table == nil {
		return g.base().Label() + ": its vmlinux has no usable .BTF. Build it with CONFIG_DEBUG_INFO_BTF=y, and see that nothing strips the " +
			"section afterwards (find-debuginfo keeps it with --keep-section .BTF)."
	}
	switch g[0].Pairing {
	case guard.PairBuild:
		return "build: these modules were not linked against the vmlinux they are shipped with. Look for what replaced one of them " +
			"between linking and packaging (a second pahole run, a vmlinux of another build, a partial rebuild), then rebuild kernel and modules together."
	case guard.PairRebuild:
		return fmt.Sprintf("rebuild: two builds share /usr/lib/modules/%s and their bases differ, so modules of one do not fit the vmlinux of the other. "+
			"Ship all packages of one build together and have the machine rebooted right after the update; or make the rebuild reproduce the base; "+
			"or give it a kernelrelease of its own.", g.release())
	case guard.PairAcross:
		var packages []string
		for _, f := range g {
			if f.Severity == guard.Fail && f.Module.Package != nil && !slices.Contains(packages, f.Module.Package.Name) {
				packages = append(packages, f.Module.Package.Name)
			}
		}
		if packages == nil {
			return ""
		}
		return fmt.Sprintf("across: rebuild %s against %s.", strings.Join(packages, ", "), g.base().Label())
	}
	return ""
}
