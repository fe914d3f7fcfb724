// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// Result is what Judge found.
type Result struct {
	Bases    []*Base
	Findings []Finding
	Labels   []Label
	Refusals []Refusal
	Changes  []Change
	Remakes  []Remake
	Unlinked []Unlinked
	// Problems are what could not be read or judged, and arguments that came to
	// nothing; Aside those that Options.Aside left out.
	Problems []Problem
	Aside    []Problem
	// Unused says of rulings of the policy that they decided nothing: needless ones, and
	// those with a name that is never met.
	Unused []string
}

// Finding is a verdict with its place and its explanation.
type Finding struct {
	Pairing  Pairing
	Module   *Module
	Base     *Base // nil where the module was judged without one
	Verdict  Verdict
	Severity Severity
	Ruling   *Ruling // nil where the severity is the verdict's own
	Basis    Basis
	Kernel   *Response // nil where there was no table to try

	// Reasons say in words what led to the verdict, Consequence what it means
	// for the machine that loads the module. Both may be empty.
	Reasons     []string
	Consequence string // a line for each thing

	// Wrong counts the names and types that mean something else than on the module's own
	// base; 0 where that is not at hand.
	Wrong int

	Damaged bool // its table cannot be laid out to its end, on whatever base

	// Notes are what else is wrong with the module on this base, heaviest first.
	Notes []Note

	drifted  int                // types of the vmlinux that a relocated module refers to and that changed
	evidence *evidence.Evidence // nil where no table was read
	table    *btf.Table         // likewise; let go of once the notes are made
}

// Worst is what the finding weighs with its notes.
func (f *Finding) Worst() Severity {
	worst := f.Severity
	for _, n := range f.Notes {
		worst = worst.Or(n.Severity)
	}
	return worst
}

// Note is something about a module on a base that its BTF does not decide.
type Note struct {
	Rule     Rule
	Severity Severity // OK for what is only good to know
	Ruling   *Ruling  // nil where the severity is the note's own
	Message  string   // one sentence
	Log      []string // what dmesg will show, empty where the kernel says nothing
	Repeats  *Repeats // of Duplicated
}

// Rule names what a note is about, for machines and policies, as a [Verdict] does. The
// severity that it has as one is the heaviest that such a note has by itself.
type Rule string

// The rules.
const (
	KfuncsLost   Rule = "kfuncs-lost"   // kfuncs that BPF programs will not find
	OtherHeaders Rule = "other-headers" // built with headers of another kernel
	// IDsUnrelocated: numbers in .BTF_ids that no kernel relocates name something else
	IDsUnrelocated Rule = "ids-unrelocated"
	OtherMagic     Rule = "vermagic" // refused by its vermagic

	ReadersRefuse Rule = "readers-refuse" // taken by the kernel, refused by readers in user space
	Duplicated    Rule = "duplicated"     // structs that the vmlinux has, once more
)

// Rules lists them.
var Rules = []Rule{OtherMagic, OtherHeaders, ReadersRefuse, KfuncsLost, IDsUnrelocated, Duplicated}

// Label is a verdict on the kernel-btf(...) dependencies of a package: Unlabeled
// or Mislabeled.
type Label struct {
	Package  *Package
	Verdict  Verdict
	Severity Severity
	Ruling   *Ruling // nil where the severity is the verdict's own
	Reasons  []string
}

// Ruling is why a severity is not the verdict's own: somebody decided so.
type Ruling struct {
	Reason string `json:"reason"` // as given by who decided
	Where  string `json:"where"`  // the file and line it stands in
}

// Response is what the kernel would do with a module's table.
type Response struct {
	Version string   `json:"version"` // "" where it is not known
	Accepts bool     `json:"accepts"`
	Errno   int      `json:"errno"`            // negative, 0 if it accepts
	Log     []string `json:"log"`              // as dmesg shows it, not nil
	Hidden  []string `json:"hidden,omitempty"` // what this kernel keeps to itself
}

// Exit is the exit status: 0 if nothing fails, 1 if a finding does, 2 if
// something could not be read or judged.
func (r *Result) Exit() int {
	if len(r.Problems) > 0 {
		return 2
	}
	if r.Worst() == Fail {
		return 1
	}
	return 0
}

// Incomplete reports whether nothing fails but that something was not read or judged.
func (r *Result) Incomplete() bool { return len(r.Problems) > 0 && r.Worst() != Fail }

// Worst is the heaviest severity of all findings.
func (r *Result) Worst() Severity {
	worst := OK
	for _, f := range r.Findings {
		worst = worst.Or(f.Worst())
	}
	for _, b := range r.Refusals {
		worst = worst.Or(b.Severity)
	}
	for _, l := range r.Labels {
		worst = worst.Or(l.Severity)
	}
	return worst
}

// Modules counts the modules that were judged, each once however many bases it
// met.
func (r *Result) Modules() int {
	seen := map[*Module]bool{}
	for _, f := range r.Findings {
		seen[f.Module] = true
	}
	return len(seen)
}
