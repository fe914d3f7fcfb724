// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
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
	loads := f.Verdict != Misread && b.Allow.Loads()
	switch {
	case f.Verdict != Rejected && f.Verdict != Misread && f.Verdict != Unrelocatable:
	case !b.Rules.Distilled:
		if loads {
			warn(warnOldKernel + lasts(f))
		}
	case m.Distilled:
		if f.Verdict == Unrelocatable && loads {
			warn(warnCannotFollow + lasts(f))
		}
	case m.Origin == Against && j.curesNow(m):
		warn(warnFirstCure)
	case j.cured[key(m.build(), m.Arch, m.Release)]:
		if loads {
			warn(warnLeftPlain + lasts(f))
		}
	}
}

// curesNow reports whether a new build of the module's kernel has a .BTF.base for its
// modules.
func (j *judging) curesNow(m *Module) bool { return j.curedNew[key(m.Arch, m.Release)] }

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
		f.Reasons = append(f.Reasons, fmt.Sprintf(driftedSince, o.Drifted, o.Drifted+o.Same))
		for _, d := range o.First {
			f.Reasons = append(f.Reasons, d.String())
		}
		return
	}
}

// Crossing is the modules of one build on the vmlinux of another build of the same
// kernel.
type Crossing struct {
	Modules int `json:"modules"`
	Fit     int `json:"fit"`
	Cured   int `json:"distilled"` // have a .BTF.base
	Drifted int `json:"drifted"`   // fit, and a type that they refer to changed its definition

	Unproven int `json:"unproven"` // nothing tells whether they fit
}

func (c Crossing) whole() bool { return c.Modules > 0 && c.Modules == c.Fit }

func (c Crossing) misfit() int { return c.Modules - c.Fit - c.Unproven }

// Survival is what a rebuild does to modules.
type Survival struct {
	New Crossing // new modules while the old vmlinux still runs
	Old Crossing // old modules under the new vmlinux
}

// survival sums up the findings on modules of the two builds.
func (c *Change) survival(findings []Finding) (s Survival) {
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
		if f.Verdict == Unproven {
			to.Unproven++
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

// FromNow reports whether the new build is the first with the cure: its modules fit the old
// vmlinux, and those of the old build have no .BTF.base.
func (s Survival) FromNow() bool {
	return s.New.whole() && s.New.Cured > 0 && s.Old.Modules > 0 && s.Old.Cured == 0
}
