// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// What another build of a kernelrelease does to modules, and what it weighs. A check
// that nobody can satisfy gets switched off: what loads without BTF fails only where
// the build could have had a .BTF.base for its modules.

// survival weighs a module that does not fit another build of its kernel, and says
// why where it only warns.
func (j *judging) survival(f *Finding) {
	if f.Pairing != PairRebuild || f.Severity != Fail || f.Base.Table == nil { // a vmlinux without BTF is no rebuild's matter
		return
	}
	m, b := f.Module, f.Base
	warn := func(why string) {
		f.Severity = Warn
		f.Consequence += "\n" + why
	}
	loads := f.Verdict != Misread && b.Allow == verify.AllowYes
	switch {
	case f.Verdict != Rejected && f.Verdict != Misread && f.Verdict != Unrelocatable:
	case !b.Rules.Distilled:
		if loads {
			warn("only a warning, since no kernel before 6.11 lets modules survive a rebuild: " + lasts(f))
		}
	case m.Distilled:
		if f.Verdict == Unrelocatable && loads {
			warn("only a warning, since this module cannot follow: " + lasts(f))
		}
	case m.Origin == Against && j.curesNow(m):
		warn("only a warning, since the older build has no .BTF.base and the new one has: from now on the modules survive a rebuild")
	case j.cured[key(m.build(), m.Arch, m.Release)]:
		if loads {
			warn("only a warning, since others of its build have a .BTF.base and this module could not be given one: " + lasts(f))
		}
	}
}

// curesNow reports whether a new build of the module's kernel has a .BTF.base for its
// modules.
func (j *judging) curesNow(m *Module) bool { return j.curedNew[key(m.Arch, m.Release)] }

// lasts says until when BTF is gone.
func lasts(f *Finding) string {
	if f.Base.Origin == Against {
		return "its BTF is gone until the reboot into the new build"
	}
	return "its BTF is gone until its package is updated, too"
}

// unmatched says which types keep a module from following to another vmlinux.
func unmatched(all []relocate.Unmatched) []string {
	var out []string
	for _, u := range all {
		kind := strings.ToLower(u.Kind.String())
		switch {
		case u.Sizes == nil:
			out = append(out, fmt.Sprintf("this vmlinux has no %s %s", kind, u.Name))
		case u.Holds:
			out = append(out, fmt.Sprintf("it holds a %s %s by value, of %s: this vmlinux has one of %s", kind, u.Name, prose.Several(int(u.Size), "byte"), sizes(u.Sizes)))
		default:
			out = append(out, fmt.Sprintf("it uses a %s %s of %s: this vmlinux has one of %s", kind, u.Name, prose.Several(int(u.Size), "byte"), sizes(u.Sizes)))
		}
	}
	return few(out)
}

func sizes(all []uint32) string {
	var out []string
	for _, n := range all {
		out = append(out, prose.Number(int(n)))
	}
	return strings.Join(out, " and ") + " bytes"
}

// drift compares what a relocated module finds on this vmlinux with what it found on
// its own, where that is at hand.
func (j *judging) drift(f *Finding, read *relocate.Result) {
	m, b := f.Module, f.Base
	for _, own := range sameSide(m, j.own[key(m.build(), m.Arch, m.Release)]) {
		if own == b || own.Fingerprint.Base == b.Fingerprint.Base || !own.Rules.Distilled {
			continue
		}
		res := j.target(own).Module(m.BTF, m.BTFBase)
		if !res.Accepted() {
			continue
		}
		o := j.bases(own, b).Relocated(res.Table, read.Table)
		if o.Drifted == 0 {
			return
		}
		f.drifted = o.Drifted
		f.Reasons = append(f.Reasons, fmt.Sprintf("%d of %d types of the vmlinux that it refers to changed their definition since it was built", o.Drifted, o.Drifted+o.Same))
		for _, d := range o.First {
			f.Reasons = append(f.Reasons, d.String())
		}
		return
	}
}

// Crossing is the modules of one build on the vmlinux of another build of the same
// kernel.
type Crossing struct {
	Modules int
	Fit     int
	Cured   int // have a .BTF.base
	Drifted int // fit, and a type that they refer to changed its definition
}

func (c Crossing) whole() bool { return c.Modules > 0 && c.Modules == c.Fit }

// Survival is what a rebuild does to modules.
type Survival struct {
	New Crossing // new modules while the old vmlinux still runs
	Old Crossing // old modules under the new vmlinux
}

// Survival sums up the findings on modules of the two builds.
func (c *Change) Survival(findings []Finding) (s Survival) {
	for _, f := range findings {
		if f.Pairing != PairRebuild {
			continue
		}
		to := &s.New
		switch {
		case f.Base == c.From && f.Module.Origin == New:
		case f.Base == c.To && f.Module.Origin == Against:
			to = &s.Old
		default:
			continue
		}
		to.Modules++
		if f.Verdict.Severity() == OK || f.Verdict == BTFLost {
			to.Fit++
		}
		if f.Module.Distilled {
			to.Cured++
		}
		if f.drifted > 0 {
			to.Drifted++
		}
	}
	return s
}

// Safe reports whether modules of either build fit the vmlinux of the other.
func (s Survival) Safe() bool { return s.New.whole() && s.Old.whole() }

// Sentence says whether the two builds are safe, "" where modules of one are not known.
func (s Survival) Sentence() string {
	drifted := ""
	if n := s.New.Drifted + s.Old.Drifted; n > 0 {
		drifted = fmt.Sprintf("; %s types whose definition changed", prose.Several(n, "module")+" "+map[bool]string{true: "refers to", false: "refer to"}[n == 1])
	}
	switch {
	case s.Safe():
		return fmt.Sprintf("rebuild-safe: all %s of the new build fit the old vmlinux, all %s of the old build the new one%s",
			prose.Several(s.New.Modules, "module"), prose.Number(s.Old.Modules), drifted)
	case s.New.whole() && s.New.Cured > 0 && s.Old.Modules > 0 && s.Old.Cured == 0:
		return fmt.Sprintf("rebuild-safe from this build on: all %s fit the old vmlinux; the old build has no .BTF.base, so that %s of its %s do not fit the new vmlinux%s",
			prose.Several(s.New.Modules, "module"), prose.Number(s.Old.Modules-s.Old.Fit), prose.Number(s.Old.Modules), drifted)
	case s.New.Modules > 0 && s.Old.Modules > 0:
		return fmt.Sprintf("not rebuild-safe: %s of %s of the new build do not fit the old vmlinux, %s of %s of the old build the new one%s",
			prose.Number(s.New.Modules-s.New.Fit), prose.Several(s.New.Modules, "module"), prose.Number(s.Old.Modules-s.Old.Fit), prose.Number(s.Old.Modules), drifted)
	}
	return ""
}
