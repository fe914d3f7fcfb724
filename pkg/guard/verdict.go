// SPDX-License-Identifier: Apache-2.0

package guard

import "slices"

// Verdict is the outcome for one module on one base, or for a package.
type Verdict string

// The verdicts, best first.
const (
	SameBase      Verdict = "same-base"     // the base is the one the module was built on
	Relocatable   Verdict = "relocatable"   // .BTF.base relocates onto this base
	Compatible    Verdict = "compatible"    // the base changed, what the module uses of it did not
	NoBTF         Verdict = "no-btf"        // a module without BTF, normal outside the kernel's tree
	BTFLost       Verdict = "btf-lost"      // an in-tree module without BTF among siblings that have it
	Drifted       Verdict = "drifted"       // same names, but a definition changed
	Unproven      Verdict = "unproven"      // nothing contradicts the base, too little confirms it
	Misread       Verdict = "misread"       // accepted, and read as something else
	Rejected      Verdict = "rejected"      // refused by the kernel
	Unrelocatable Verdict = "unrelocatable" // .BTF.base does not relocate onto this base
	Malformed     Verdict = "malformed"     // the file cannot be read as far as a .BTF
)

// The verdicts on a package's kernel-btf(...) dependencies.
const (
	Unlabeled  Verdict = "unlabeled"  // one that its content calls for is missing
	Mislabeled Verdict = "mislabeled" // one names another base than its content
)

// Refused is the verdict on a vmlinux whose own kernel will not read its .BTF.
const Refused Verdict = "refused"

// The verdicts on a package with modules, by what they are on all kernels that are
// here: Fits and Misfits on one of them. Incident is on kernels.
const (
	Fits      Verdict = "fits"
	Misfits   Verdict = "misfits"
	Stale     Verdict = "stale"    // they do not fit those here that they are for, or are linked into
	Broken    Verdict = "broken"   // they do not fit the vmlinux of their own build
	Incident  Verdict = "incident" // kernels of one kernelrelease have different bases
	Undecided Verdict = "unknown"  // nothing decides it, or it was not looked for
	Unmet     Verdict = "unmet"    // modules for a kernel that is not here
)

// Verdicts lists those on modules, best first.
var Verdicts = []Verdict{
	SameBase, Relocatable, Compatible, NoBTF,
	BTFLost, Drifted, Unproven,
	Misread, Rejected, Unrelocatable, Malformed,
}

// Severity is how much a verdict weighs.
type Severity string

// The severities, lightest first. Only Fail makes the exit status 1. Rebuild is
// never a verdict's own weight: a policy says that what does not fit is to be
// mended by building it again, not by failing.
const (
	OK      Severity = "ok"
	Warn    Severity = "warn"
	Rebuild Severity = "rebuild"
	Fail    Severity = "fail"
)

// Severities lists all of them, lightest first.
var Severities = []Severity{OK, Warn, Rebuild, Fail}

// Or is the heavier of the two.
func (s Severity) Or(o Severity) Severity {
	if slices.Index(Severities, o) > slices.Index(Severities, s) {
		return o
	}
	return s
}

// Severity is the verdict's weight where no policy says otherwise.
func (v Verdict) Severity() Severity {
	switch v {
	case SameBase, Relocatable, Compatible, NoBTF, Fits:
		return OK
	case BTFLost, Drifted, Unproven, Unlabeled, Undecided, Unmet, Verdict(KfuncsLost), Verdict(ReadersRefuse), Verdict(IDsUnrelocated), Verdict(Duplicated):
		return Warn
	}
	return Fail
}

// Pairing says why a module and a base were judged together.
type Pairing string

// The pairings. They are made by architecture and kernelrelease, except Weak,
// Given and Running.
const (
	PairBuild   Pairing = "build"   // the vmlinux of the module's own build
	PairRebuild Pairing = "rebuild" // another build of the same kernel
	PairAcross  Pairing = "across"  // a kernel of another package
	PairWeak    Pairing = "weak"    // a kernel of another kernelrelease that weak-modules links the module into
	PairGiven   Pairing = "given"   // the base the user named
	PairRunning Pairing = "running" // the kernel that runs on this machine
)

// Word is the pairing for people. Machines, and policies of old, call an update of one
// build by another a rebuild, which is also what is done about it.
func (p Pairing) Word() string {
	if p == PairRebuild {
		return "update"
	}
	return string(p)
}

// Pairings lists all of them, in the order of reports.
var Pairings = []Pairing{PairBuild, PairGiven, PairRunning, PairRebuild, PairAcross, PairWeak}

// Basis says what a verdict rests on.
type Basis string

// The bases of a verdict, strongest first.
const (
	Recorded   Basis = "recorded"   // a package token names the base
	Provenance Basis = "provenance" // module and vmlinux come out of one build, and nothing contradicts it
	Compared   Basis = "compared"   // the module's own base was at hand
	Evidence   Basis = "evidence"   // what the module's table says for or against the base
)
