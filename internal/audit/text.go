// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TextOptions say how an audit for people is written.
type TextOptions struct {
	Verbose bool // the whole matrix and all kernels, not only what does not fit
	Color   bool
	FailOn  []guard.Verdict
}

// Text writes the result for people: a summary, what needs attention, heaviest
// first, what became of kernels that were built again, and what does not fit
// what.
func (r *Result) Text(w io.Writer, o TextOptions) error {
	t := &text{r, o, prose.NewWriter(w, o.Color)}
	t.summary()
	t.findings()
	t.rebuilds()
	if o.Verbose {
		t.kernels()
	}
	t.matrix()
	t.unlinked()
	t.notes()
	t.Line("")
	t.closing()
	return t.Flush()
}

type text struct {
	*Result
	TextOptions
	*prose.Writer
}

func (t *text) summary() {
	for _, s := range t.Sources {
		t.Line("%s: %s, %s", s.Name, s.Kind, prose.Several(s.Packages, "package"))
	}
	t.Line("%s of %s, %s with modules", prose.Several(len(t.Kernels), "kernel"), prose.Several(t.releases(), "kernelrelease"), prose.Several(len(t.Modules), "package"))
	if t.Since != nil {
		t.Line("%s", t.Since.sentence(t.Result))
	}
}

// news tells the packages that are to be shown: of a comparison, what is known is not.
func (t *text) news() func(*Package) bool {
	if t.Since == nil || t.Verbose {
		return func(*Package) bool { return true }
	}
	found := map[*Package]bool{}
	for _, f := range t.Findings {
		found[f.Package] = true
	}
	return func(p *Package) bool { return found[p] }
}

// releases counts what modules can be for.
func (r *Result) releases() int {
	ids := map[guard.KernelID]bool{}
	for _, k := range r.Kernels {
		ids[k.id()] = true
	}
	return len(ids)
}

// explanation says of a kind what it means for who installs from here, and what
// to do.
type explanation struct{ meaning, remedy string }

func (e explanation) String() string { return e.meaning + ": " + e.remedy }

var explanations = map[guard.Verdict]explanation{
	guard.Refused: {"a kernel that refuses its own .BTF and so runs without any", "build it again with the compiler and the pahole of its time"},

	guard.Verdict(guard.OtherMagic): {"modules that the kernel refuses by their vermagic", "build them with the headers and the configuration of the kernel that they are for"},
	guard.Verdict(guard.OtherHeaders): {
		"modules whose structs have other sizes than the kernel's", "build them with the headers and the configuration of the kernel that they are for",
	},
	guard.Verdict(guard.KfuncsLost): {"BPF programs will not find kfuncs of these modules", "build them where the kernel's vmlinux is at hand, and see that nothing strips .BTF"},
	guard.Verdict(guard.IDsUnrelocated): {
		"numbers in .BTF_ids that no kernel relocates name other types on this kernel", "distil with --plain-ids zero, or live with it until the reboot",
	},
	guard.Verdict(guard.ReadersRefuse): {"libbpf or cilium/ebpf refuse tables that the kernel takes", "build the modules again on this kernel, or have them packed without .BTF"},
	guard.Verdict(guard.Duplicated):    {"modules that repeat structs of their vmlinux, which are other types to BPF programs", "build kernel and modules with pahole 1.31 or later, with libbpf 1.6 or later in it"},
	guard.Stale:                        {"modules that do not fit the kernels here that they meet", "build the package again"},
	guard.Broken:                       {"modules that do not fit the vmlinux of their own build", "build it again, kernel and modules together"},
	guard.Mislabeled:                   {"a kernel-btf(...) dependency that its content contradicts", "write it again with obs-btf-guard stamp"},
	guard.Incident: {
		"builds of one kernelrelease with different bases, which share a folder below /lib/modules, and modules of one do not fit the vmlinux of the other",
		"ship each as a whole, with kernel-btf(...) dependencies",
	},
	guard.Unlabeled: {"packages without the kernel-btf(...) dependency that would keep zypper and dnf from mixing builds", "have obs-btf-guard stamp write it"},
	guard.Undecided: {"what was read does not decide it", "repair what could not be read, leave out --metadata-only, or stamp the packages"},
	guard.Unproven:  {"modules too small to show which base they were built on", "stamp the packages where they are built, which records it"},
	guard.Unmet:     {"modules for kernels that are not here", "name their source as well"},
}

func (t *text) findings() {
	for _, kind := range Kinds {
		first := true
		for _, f := range t.Findings {
			if f.Kind != kind {
				continue
			}
			if first {
				first = false
				word := "note"
				if slices.Contains(t.FailOn, kind) {
					word = "FAIL"
				}
				t.Headline(word+" "+string(kind)+": ", explanations[kind].String())
			}
			t.finding(f)
		}
	}
}

func (t *text) finding(f Finding) {
	if len(f.Reasons) == 1 {
		t.Line("  %s: %s", f.about(), f.Reasons[0])
		return
	}
	t.Line("  %s", f.about())
	for _, reason := range f.Reasons {
		t.Line("    %s", reason)
	}
}

// about is what a finding is about: a package, or a kernelrelease.
func (f Finding) about() string {
	if f.Package != nil {
		return f.Package.NEVRA
	}
	return releaseName(f.Release, f.Arch)
}

func releaseName(release, arch string) string {
	if release == "" {
		release = "unnamed kernel"
	}
	return release + " (" + arch + ")"
}

func (t *text) rebuilds() {
	if len(t.Changes) == 0 {
		return
	}
	t.Headline("", "Built again")
	for _, r := range t.Changes {
		what := "the base stayed " + r.To.Short()
		if r.Changed() {
			what = fmt.Sprintf("the base changed, from %s to %s", r.From.Short(), r.To.Short())
		}
		t.Line("  %s (%s), %s from %s to %s: %s", r.To.Release, r.To.Package.Arch, r.To.Package.Name, r.From.Package.versionRelease(), r.To.Package.versionRelease(), what)
	}
}

func (p *Package) versionRelease() string { return p.version + "-" + p.release }

func (t *text) kernels() {
	t.Headline("", "Kernels")
	for _, k := range t.Kernels {
		by := ""
		if k.Known != guard.Unknown {
			by = ", by " + string(k.Known)
		}
		t.Line("  %s (%s): %s, %s%s", k.Release, k.Package.Arch, k.Package, k.Short(), by)
	}
}

// unlinked lists the kernels that modules of their flavor do not meet, and why.
func (t *text) unlinked() {
	if len(t.Unlinked) == 0 {
		return
	}
	if !t.Verbose {
		t.Headline("", fmt.Sprintf("Not linked by weak-modules: %s, with --verbose", prose.Several(t.Apart, "pair")))
		return
	}
	t.Headline("", "Not linked by weak-modules")
	for _, u := range t.Unlinked {
		t.Line("  %s into %s of %s: %s", u.Modules, u.Kernel.Release, u.Kernel.Package, u.Why)
	}
	if n := t.Apart - len(t.Unlinked); n > 0 {
		t.Line("  and %s with older kernels", prose.Several(n, "pair"))
	}
}

// matrix writes a line for each row.
func (t *text) matrix() {
	shown := false
	hasNews := t.news()
	for _, r := range t.Rows {
		if !hasNews(r.Modules) {
			continue
		}
		parts := r.words(t.Verbose)
		if len(parts) == 0 {
			continue
		}
		if !shown {
			shown = true
			t.Headline("", "Modules and the kernels they meet")
		}
		t.Line("  %s; %s", r.head(), strings.Join(parts, "; "))
	}
}

func (t *text) notes() {
	if len(t.Notes) == 0 {
		return
	}
	t.Headline("", "note not looked at")
	for _, n := range t.Notes {
		t.Line("  %s", n)
	}
}

// outcome sums a result up.
type outcome int

// The outcomes, from good to bad.
const (
	good    outcome = iota // all that is here was looked at, and is well
	noted                  // there is something that does not fail
	unknown                // of something, nothing is known
	failed                 // a finding fails, or something could not be read
)

func (r *Result) outcome(failOn []guard.Verdict) outcome {
	out := good
	if len(r.Notes) > 0 || len(r.Known) > 0 {
		out = noted
	}
	if r.undecided() {
		out = unknown
	}
	for _, f := range r.Findings {
		if slices.Contains(unknowns, f.Kind) {
			out = max(out, unknown)
		}
		out = max(out, noted)
	}
	if r.Exit(failOn) > 0 {
		out = failed
	}
	return out
}

// counts says how many findings of each kind there are, heaviest first, and how much
// could not be read.
func (r *Result) counts() []string {
	var parts []string
	for _, kind := range Kinds {
		n := 0
		for _, f := range r.Findings {
			if f.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if n := len(r.Problems); n > 0 {
		parts = append(parts, fmt.Sprintf("%d could not be read", n))
	}
	if n := len(r.Known); n > 0 {
		parts = append(parts, fmt.Sprintf("%d known", n))
	}
	return parts
}

// closing is the last line.
func (t *text) closing() {
	word := map[outcome]string{good: "ok  ", noted: "note", unknown: "????", failed: "FAIL"}[t.outcome(t.FailOn)]
	parts := t.counts()
	switch {
	case len(parts) > 0:
	case len(t.Modules) == 0 && len(t.Kernels) == 0:
		parts = append(parts, "no kernel and no modules")
	case len(t.Modules) == 0:
		parts = append(parts, "no modules")
	case len(t.Kernels) == 0:
		parts = append(parts, "no kernel, and modules that need no base")
	case t.undecided():
		parts = append(parts, "of some modules it is not known whether they fit")
	default:
		parts = append(parts, "all modules fit the kernels they meet")
	}
	t.Line("%s %s", word, strings.Join(parts, ", "))
}
