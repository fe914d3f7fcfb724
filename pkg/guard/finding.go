// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// finding judges one module on one base.
func (j *judging) finding(p pair) Finding {
	if j.sound.on[onOwn{p.module, p.base}] && p.lasts() {
		return soundFinding(p)
	}
	f := Finding{Pairing: p.pairing, Module: p.module, Base: p.base}
	j.verdict(&f)
	f.Severity = f.Verdict.Severity()
	if f.Severity == Fail && ofThePast(&f) {
		f.Severity = Warn
	}
	f.Consequence = consequence(&f)
	j.survival(&f)
	otherMagic(&f)
	j.otherHeaders(&f, f.table)
	lostKfuncs(&f)
	j.readersRefuse(&f, f.table)
	j.duplicated(&f)
	f.table = nil
	return f
}

// ofThePast reports whether what is wrong is the older build's alone, which the
// new one cannot be blamed for, but replaces.
func ofThePast(f *Finding) bool {
	return f.Verdict == Malformed && f.Module.Origin == Against || f.Base != nil && f.Base.Origin == Against && f.Base.Table == nil
}

func (j *judging) verdict(f *Finding) {
	m, b := f.Module, f.Base
	switch {
	case m.Err != nil:
		f.Verdict = Malformed
		f.Reasons = []string{m.Err.Error()}
	case len(m.BTF) == 0:
		j.withoutBTF(f)
	case b == nil:
		f.Verdict = Unproven
		f.Reasons = []string{fmt.Sprintf(noVmlinux, kernelName(m.Release, m.Arch))}
	case b.IgnoresModules:
		f.Verdict = Unproven
		f.Reasons = []string{ignoresModules}
	case b.Table == nil:
		onBrokenBase(f)
	case m.Distilled && b.Rules.Distilled:
		j.relocated(f)
	default:
		j.withTable(f)
	}
}

// withoutBTF tells a module that never had BTF from one that lost it.
func (j *judging) withoutBTF(f *Finding) {
	m, b := f.Module, f.Base
	f.Verdict = NoBTF
	named := b != nil && b.Table != nil && !b.IgnoresModules &&
		(f.Pairing == PairRunning || f.Pairing == PairGiven && m.Release != "" && m.Release == b.Release)
	expect, known := j.expect[key(m.build(), m.Arch, m.Release)]
	if !known && m.Origin == New {
		expect, known = j.expectNew[key(m.Arch, m.Release)]
	}
	lost := ""
	switch {
	case !m.InTree:
	case j.siblings[key(m.build(), m.Arch, m.Release)]:
		lost = lostUnlikeOthers
	case expect, named && b.buildsModulesWithBTF():
		lost = lostByStripping
	case !known && j.had[key(m.Name, m.Arch, m.Release)]:
		lost = lostSince
	}
	if lost != "" {
		f.Verdict, f.Reasons = BTFLost, []string{lost}
	}
}

// onBrokenBase is for a vmlinux whose own BTF is missing or refused.
func onBrokenBase(f *Finding) {
	m, b := f.Module, f.Base
	f.Verdict = Rejected
	// The verifier says nothing for the module; it said what was wrong with the
	// base when it first needed it.
	res := verify.Result{Errno: verify.EINVAL}
	f.Reasons = []string{baseWithoutBTF}
	if b.Refused != nil {
		res.Errno = b.Refused.Errno
		f.Reasons = []string{baseRefused}
		for _, l := range b.Refused.Lines {
			f.Reasons = append(f.Reasons, l.Text)
		}
		// A kernel boots with a base that it refuses, so the base proves nothing.
		if b.laterAccepts {
			f.Reasons = append(f.Reasons, fmt.Sprintf(laterAccept, b.Version))
		}
	}
	f.Kernel = kernelSays(m, b, res)
}

// relocated judges a module that brings a .BTF.base to a kernel that relocates
// by it. What relocation makes must not contradict the base, as it goes by names
// alone.
func (j *judging) relocated(f *Finding) {
	m, b := f.Module, f.Base
	f.Basis = Evidence
	res := j.target(b).Module(m.BTF, m.BTFBase)
	if res.Fault != "" {
		f.Verdict = Unrelocatable
		f.Reasons = []string{notPredicted + res.Fault}
		return
	}
	f.Kernel = kernelSays(m, b, res.Result)
	if !res.Accepted() {
		f.Verdict = Unrelocatable
		f.Reasons = append([]string{notRelocated}, unmatched(res.Unmatched)...)
		return
	}
	facts := m.facts(b)
	facts.IDs = nil // most are counted otherwise: see relocatedIDs
	f.table = res.Table
	f.evidence = j.weigh(b, j.ground(b).Examine(res.Table, facts))
	f.Verdict = Relocatable
	if f.evidence.Contradicted() {
		f.Verdict = Misread
		f.Reasons = append([]string{relocatedWrong}, f.evidence.Reasons()...)
	}
	f.relocatedIDs(res.Split)
	j.drift(f, &res)
}

// withTable judges a module that has a table on a base that has one.
func (j *judging) withTable(f *Finding) {
	m, b := f.Module, f.Base
	f.Basis = Evidence
	res := verify.Module(m.BTF, b.Table, b.Rules)
	f.Kernel = kernelSays(m, b, res)
	own := j.ownBase(m, b)

	if !res.Accepted() && own != nil && own != b {
		// The kernel has its say and the reason is known.
		f.Verdict, f.Basis = Rejected, Compared
		f.Reasons = []string{anotherBase(own, b)}
		return
	}
	table := res.Table
	if table == nil {
		var err error
		if table, err = btf.Parse(m.BTF, b.Table); err != nil { // as far as it goes, for the evidence
			_, err = btf.Parse(m.BTF, nil) // another byte order is no damage
			f.Damaged = err != nil
		}
	}
	f.table = table
	if own == b || m.Package == nil && m.Tree == b.Tree { // it may be asked for again
		f.evidence = j.examine(m, b, table)
	} else {
		f.evidence = j.examineOn(m, b, table)
	}
	e := f.evidence
	switch {
	case !res.Accepted():
		f.Verdict = Rejected
		f.Reasons = recordedElsewhere(m, b)
		if e.Contradicted() {
			f.Reasons = append(f.Reasons, e.Reasons()...)
		}
	case own != nil && own.Fingerprint.Base != b.Fingerprint.Base:
		j.compare(f, own, table)
	case e.Contradicted():
		f.Verdict = Misread
		f.Reasons = append(recordedElsewhere(m, b), e.Reasons()...)
	case hasToken(m, b.Fingerprint.Base):
		f.Verdict, f.Basis = SameBase, Recorded
	case own == b:
		f.Verdict, f.Basis = SameBase, Provenance
	case own != nil:
		f.Verdict, f.Basis = SameBase, Compared
	case table.Len() == 0:
		f.Verdict = Compatible
		f.Reasons = []string{noTypes}
	case e.Confirmed() && b.OtherName(m.builtFor()):
		f.Verdict = Unproven
		f.Reasons = []string{fmt.Sprintf(builtForOther, m.builtFor(), b.Called())}
	case e.Confirmed():
		f.Verdict = SameBase
		f.Reasons = e.Reasons()
	default:
		f.Verdict = Unproven
		f.Reasons = e.Reasons()
	}
}

// recordedElsewhere lists the tokens in a module's package that name another
// base of this flavor, which is where to look for the module's own.
func recordedElsewhere(m *Module, b *Base) []string {
	if m.Package == nil {
		return nil
	}
	var out []string
	for _, token := range m.Package.Requires {
		if flavor, base, _ := fingerprint.ParseToken(token); flavor == b.Flavor && base != b.Fingerprint.Base {
			out = append(out, fmt.Sprintf(recordedOther, base.Short(), b.Fingerprint.Base.Short()))
		}
	}
	return out
}

// compare judges a module that the kernel accepts on another base than its own,
// by what its references mean on both.
func (j *judging) compare(f *Finding, own *Base, read *btf.Table) {
	f.Basis = Compared
	f.Reasons = []string{anotherBase(own, f.Base)}
	built, err := btf.Parse(f.Module.BTF, own.Table)
	if err != nil {
		f.Verdict = Misread
		f.Reasons = append(f.Reasons, notOnOwnBase+err.Error())
		return
	}
	o := j.bases(own, f.Base).Module(built, read)
	f.Wrong = o.Names + o.Types
	switch {
	case o.Misread():
		f.Verdict = Misread
		f.Reasons = append(f.Reasons, fmt.Sprintf(meansElse,
			prose.Number(f.Wrong), prose.Number(f.Wrong+o.Drifted+o.Same)))
	case o.Drifted > 0:
		f.Verdict = Drifted
		f.Reasons = append(f.Reasons, fmt.Sprintf(definitionsChanged, prose.Number(o.Drifted), prose.Number(o.Drifted+o.Same)))
	default:
		f.Verdict = Compatible
		f.Reasons = append(f.Reasons, fmt.Sprintf(meansTheSame, prose.Number(o.Same)))
	}
	for _, d := range o.First {
		f.Reasons = append(f.Reasons, d.String())
	}
}

func kernelSays(m *Module, b *Base, res verify.Result) *Response {
	k := &Response{Accepts: res.Accepted(), Errno: int(res.Errno), Log: []string{}}
	if !b.Version.IsZero() {
		k.Version = b.Version.String()
	}
	log, hidden := b.Rules.Notice(m.Name, res, b.Allow)
	k.Log, k.Hidden = append(k.Log, log...), hidden
	return k
}
