// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TextOptions says how a report for people is written.
type TextOptions struct {
	Verbose bool // list every module, and what the kernel would not log
	Color   bool

	Named     int             // how many modules of one kind a short report names, 0 for 8
	Full      string          // where it sends the reader for the rest
	Explain   string          // the command that explains a change, "" where its arguments are not known
	Problems  string          // where it sends the reader for what could not be read, "" for standard error
	Policy    string          // where a policy can be put that decides otherwise
	Notes     []string        // what was not judged, and why
	Partly    bool            // not all was judged, so that a rule which decided nothing may be needed
	Before    *Document       // what the check of the first stage found, of a build that signs
	Generator bool            // the packages were built with the dependency generator
	History   []history.Build // newest first
	Topics    []Topic         // what else there is to say
	Nothing   string          // why there was nothing to check, where that is no fault
}

// Topic is a headline and its points.
type Topic struct {
	Headline string
	Points   []string
}

// Text writes a report for people: thousands of modules in a few lines for each
// kernel and pairing, what fails with the kernel's own words, what to do, and
// one closing line.
func Text(w io.Writer, r *guard.Result, o TextOptions) error {
	t := &text{prose.NewWriter(w, o.Color), o, apart(r)}
	kernel := ""
	all := groups(r.Findings)
	t.refusals(r.Refusals)
	if len(all) == 0 {
		t.alone(r)
	}
	for i, g := range all {
		if name := g.kernel(); name != kernel {
			if kernel != "" {
				t.Line("")
			}
			kernel = name
			t.Line("%s", t.Bold(name))
			t.bases(all[i:], name)
			t.newest(r, g.base())
			t.changes(r.Changes, all[i:], name)
			t.unlinked(r.Unlinked, all[i:], name)
		}
		t.group(g)
	}
	t.labels(r.Labels)
	t.Section("Since when", t.stories(r))
	t.Section("Before signing", earlier(t.Before))
	t.whatToDo(t.advice(r, all))
	t.exception(r)
	t.Section("To be built again", append(remakes(r), earlierRemakes(t.Before)...))
	t.Section("Not checked", t.Notes)
	if !t.Partly {
		t.Section("Rules of the policy that decided nothing", r.Unused)
	}
	for _, s := range t.Topics {
		t.Section(s.Headline, s.Points)
	}
	if t.Verbose {
		t.Section("Words", usedWords(r))
	}
	t.Line("")
	t.closing(r)
	return t.Flush()
}

// Groups writes what is judged of each kernel and pairing in one line.
func Groups(w io.Writer, r *guard.Result, color bool) error {
	t := &text{prose.NewWriter(w, color), TextOptions{Color: color}, apart(r)}
	for _, g := range groups(once(r.Findings)) {
		s := g.counts()
		if what := g.refused(); what != "" {
			s += "; what is rejected " + what
		}
		w := g.worst()
		t.Item(t.severity(w)+" ", len(severityWords[w])+1, g.title(t.path)+": "+s)
	}
	return t.Flush()
}

// once leaves out old modules of packages that both builds have, where the new one's are
// checked on the same vmlinux.
func once(findings []guard.Finding) []guard.Finding {
	type check struct {
		digest, path string
		base         *guard.Base
	}
	of := func(f guard.Finding) check { return check{f.Module.Package.Digest, f.Module.Path, f.Base} }
	new := map[check]bool{}
	for _, f := range findings {
		if p := f.Module.Package; p != nil && p.Digest != "" && f.Module.Origin != guard.Against {
			new[of(f)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(findings), func(f guard.Finding) bool {
		return f.Module.Package != nil && f.Module.Origin == guard.Against && new[of(f)]
	})
}

type text struct {
	*prose.Writer
	TextOptions
	apart func(path string) string // nil: paths stay whole
}

// path writes a path in a line that has more to say; unless all is asked for, it is shortened.
func (t *text) path(path string) string {
	if t.Verbose || t.apart == nil {
		return path
	}
	return t.apart(path)
}

// newest says of the kernel that updated machines boot that it is, where modules outlive
// theirs.
func (t *text) newest(r *guard.Result, b *guard.Base) {
	weak := func(f guard.Finding) bool {
		return f.Pairing == guard.PairWeak && f.Base.Flavor == b.Flavor && f.Base.Arch == b.Arch
	}
	if b != nil && r.Newest(b) && slices.ContainsFunc(r.Findings, weak) {
		t.Line("  newest   updated machines boot this kernel")
	}
}

// bases lists the kernels under one headline, or all, with their fingerprints.
func (t *text) bases(all []group, name string) {
	seen := map[*guard.Base]bool{nil: true}
	for _, g := range all {
		b := g.base()
		if name != "" && g.kernel() != name || seen[b] {
			continue
		}
		seen[b] = true
		what := fmt.Sprintf("%s, %s types", b.Fingerprint.Base.Short(), prose.Number(count(b)))
		switch {
		case b.Refused != nil:
			what = "its own kernel refuses its .BTF"
		case b.Table == nil:
			what = "has no .BTF section"
		}
		label := b.Label()
		if b.Origin == guard.Installed {
			label += ", installed"
		}
		const lead = "  base     "
		t.Item(lead, len(lead), label+": "+what)
		if b.Conflict != "" {
			t.Paragraph("  rules    ", b.Conflict)
		}
		if t.Verbose {
			t.rules(b)
		}
	}
}

// rules lists how the kernel reads BTF, and what tells.
func (t *text) rules(b *guard.Base) {
	for _, d := range b.Decisions {
		heading, text := ruleWords(d)
		t.Paragraph("           "+heading, text)
	}
}

func count(b *guard.Base) int {
	if b.Table == nil {
		return 0
	}
	return b.Table.Len()
}

// alone lists the kernels of which there are no modules.
func (t *text) alone(r *guard.Result) {
	kernel := ""
	for _, b := range r.Bases {
		if name := KernelName(b.Release, b.Arch); name != kernel {
			kernel = name
			t.Line("%s", t.Bold(name))
		}
		t.bases([]group{{guard.Finding{Base: b, Module: &guard.Module{Release: b.Release, Arch: b.Arch}}}}, "")
	}
	for _, c := range r.Changes {
		t.Paragraph("  change   ", t.named(change(c, t.path)))
	}
}

// group writes one pairing: a line with the counts, then what is not ok.
func (t *text) group(g group) {
	worst := g.worst()
	pairing, title, ok := strings.Cut(g.title(t.path), "  ")
	if ok {
		pairing = fmt.Sprintf("%-9s", pairing)
	} else {
		pairing, title = "", pairing
	}
	lead := "  " + t.severity(worst) + prose.Styled(" "+pairing)
	t.Item(lead, len("  "+severityWords[worst]+" "+pairing), strings.TrimSpace(title)+": "+g.counts())
	for _, p := range g.parts() {
		switch {
		case t.Verbose:
			t.all(p)
		case p.severity() != guard.OK:
			t.some(p)
		case p.ruling() != nil && p.verdict().Severity() != guard.OK:
			t.Paragraph("      ", fmt.Sprintf("ignored %s %s: %s", prose.Number(len(p)), p.verdict(), t.names(p)))
		}
		if p.severity() != guard.OK || p.verdict().Severity() != guard.OK {
			t.ruling(p.ruling())
		}
	}
	t.notes(g)
}

// notes writes what else is wrong with modules of a group: for each rule the first
// in full, or all, and the names of others.
func (t *text) notes(g group) {
	for _, rule := range guard.Rules {
		all, notes := g.noted(rule, t.Verbose)
		for i, f := range all {
			n := notes[i]
			if i > 0 && !t.Verbose {
				t.Paragraph("        ", "likewise "+t.names(all[1:]))
				break
			}
			t.module(n.Severity, string(rule), f, "")
			t.Paragraph("        ", n.Message)
			if len(n.Log) > 0 {
				t.log(f, n.Log)
			}
			t.ruling(n.Ruling)
		}
		if rule == guard.Duplicated && len(all) > 1 {
			t.Paragraph("        => ", "all "+prose.Number(len(all))+" "+guard.Repeated(all).String())
		}
	}
}

// noted picks the findings with a note of the rule, those that are ok if all is set.
func (g group) noted(rule guard.Rule, all bool) (findings group, notes []guard.Note) {
	for _, f := range g {
		for _, n := range f.Notes {
			if n.Rule == rule && (all || n.Severity != guard.OK) {
				findings, notes = append(findings, f), append(notes, n)
			}
		}
	}
	return findings, notes
}

// log writes what dmesg will show.
func (t *text) log(f guard.Finding, lines []string) {
	who := "a kernel of unknown version"
	if f.Base != nil && !f.Base.Version.IsZero() {
		who = kernelName(f.Base)
	}
	t.Line("        %s will log:", who)
	for _, l := range lines {
		t.Line("          | %s", strings.ReplaceAll(l, "\t", "    "))
	}
}

// ruling says why a finding weighs what it weighs, where somebody decided it.
func (t *text) ruling(r *guard.Ruling) {
	if r != nil {
		t.Paragraph("        => ", "decided in "+r.Where+": "+r.Reason)
	}
}

// some writes the first module of a part in full and names a few more.
func (t *text) some(p group) {
	p = p.worstFirst()
	t.module(p.severity(), string(p.verdict()), p[0], "")
	t.detail(p[0])
	if len(p) > 1 {
		t.Paragraph("        ", "likewise "+t.names(p[1:]))
	}
	t.consequences(p)
}

// names lists the modules of a part, the first few of many.
func (t *text) names(p group) string {
	most := t.Named
	if most == 0 {
		most = 8
	}
	var names []string
	for _, f := range p {
		names = append(names, f.Module.Name)
	}
	s := prose.First(names, most)
	if len(names) > most && t.Full != "" {
		s += " (" + t.Full + ")"
	}
	return s
}

// all writes every module of a part.
func (t *text) all(p group) {
	for _, f := range p {
		basis := ""
		if f.Basis != "" {
			basis = " (" + string(f.Basis) + ")"
		}
		t.module(f.Severity, string(f.Verdict), f, basis)
		t.detail(f)
		t.consequences([]guard.Finding{f})
	}
}

// consequences writes what the findings mean, a line for each thing with how many
// it holds for, and which, if they are few.
func (t *text) consequences(findings []guard.Finding) {
	const few = 3
	names := map[string][]string{}
	var lines []string
	for _, f := range findings {
		for line := range strings.SplitSeq(f.Consequence, "\n") {
			if line != "" && names[line] == nil {
				lines = append(lines, line)
			}
			names[line] = append(names[line], f.Module.Name)
		}
	}
	for _, line := range lines {
		who := ""
		switch n := len(names[line]); {
		case len(findings) == 1:
		case n == len(findings):
			who = "each: "
		case n <= few:
			who = strings.Join(names[line], ", ") + ": "
		default:
			who = fmt.Sprintf("%s of %s: ", prose.Number(n), prose.Number(len(findings)))
		}
		t.Paragraph("        => ", who+line)
	}
}

// detail writes why: our reasons, and the kernel's log as dmesg will show it. A
// short report leaves it at the first reasons, and where the kernel has its say,
// at the very first.
func (t *text) detail(f guard.Finding) {
	refused := f.Kernel != nil && !f.Kernel.Accepts
	reasons := f.Reasons
	if !t.Verbose {
		most := 5
		if refused && f.Verdict != guard.Unrelocatable { // of which the log names no sizes
			most = 1
		}
		reasons = reasons[:min(len(reasons), most)]
	}
	for _, reason := range reasons {
		t.Paragraph("        ", reason)
	}
	if !refused {
		return
	}
	t.log(f, f.Kernel.Log)
	if t.Verbose && len(f.Kernel.Hidden) > 0 {
		t.Line("        and will not log, since it allows mismatches:")
		for _, l := range f.Kernel.Hidden {
			t.Line("          | %s", strings.ReplaceAll(l, "\t", "    "))
		}
	}
}

// module names a module and where it lies, behind a word of so much weight. Unless all is
// asked for, a long path is shortened.
func (t *text) module(s guard.Severity, word string, f guard.Finding, after string) {
	const indent = "      "
	m := f.Module
	who := m.Name + "  "
	if m.Package != nil {
		who += m.Package.NEVRA + ": "
	}
	path := m.Path
	if !t.Verbose {
		path = prose.Shorten(path, t.Room(len(indent)+len(word)+len(" ")+len(who)))
	}
	t.Item(indent+t.Paint(severityColors[s], word)+" ", len(indent)+len(word)+len(" "), who+path+after)
}

// counted is how many modules there are, and what became of them.
func counted(r *guard.Result) string {
	counts := map[guard.Severity]int{}
	for _, f := range r.Findings {
		counts[f.Worst()]++
	}
	s := fmt.Sprintf("%s, %s: %s ok, %s warn, ", modules(r),
		prose.Several(len(r.Findings), "check"), prose.Number(counts[guard.OK]), prose.Number(counts[guard.Warn]))
	if n := counts[guard.Rebuild]; n > 0 {
		s += prose.Number(n) + " to be built again, "
	}
	s += prose.Number(counts[guard.Fail]) + " fail"
	if n := ruled(r); n > 0 {
		s += fmt.Sprintf("; %s decided by the policy", prose.Number(n))
	}
	return s
}

// ruled counts the checks whose weight a policy decided.
func ruled(r *guard.Result) (n int) {
	for _, f := range r.Findings {
		if f.Ruling != nil || slices.ContainsFunc(f.Notes, func(n guard.Note) bool { return n.Ruling != nil }) {
			n++
		}
	}
	return n
}

// closing is the last line, with what a glance at the end of a log must find.
func (t *text) closing(r *guard.Result) {
	s := counted(r)
	if t.Nothing != "" && len(r.Findings) == 0 {
		s = t.Nothing
	}
	if n := len(r.Refusals); n > 0 {
		s += "; " + prose.Several(n, "kernel") + " without usable BTF"
	}
	if n := len(r.Labels); n > 0 {
		s += "; " + prose.Several(n, "package") + " with wrong or missing kernel-btf dependencies"
	}
	word := t.severity(r.Worst())
	if len(r.Problems) > 0 {
		s += fmt.Sprintf("; %s not read or not checked, %s", prose.Number(len(r.Problems)), cmp.Or(t.Problems, "see standard error"))
	}
	if r.Incomplete() {
		word = t.Paint(prose.Red, incomplete)
	}
	t.Line("%s %s", word, s) // whole, for who searches a log for it
}

// modules counts them, the new and the old ones. A package that is on both sides is new,
// also where each side is a build of its own.
func modules(r *guard.Result) string {
	type module struct {
		of   any // the package's digest, or the module itself
		path string
	}
	seen := map[module]guard.Origin{}
	for _, f := range r.Findings {
		m := module{f.Module, ""}
		if p := f.Module.Package; p != nil && p.Digest != "" {
			m = module{p.Digest, f.Module.Path}
		}
		if side, ok := seen[m]; !ok || side == guard.Against {
			seen[m] = f.Module.Origin
		}
	}
	old := 0
	for _, side := range seen {
		if side == guard.Against {
			old++
		}
	}
	if old == 0 {
		return prose.Several(len(seen), "module")
	}
	return fmt.Sprintf("%s (%s new, %s old)", prose.Several(len(seen), "module"), prose.Number(len(seen)-old), prose.Number(old))
}

func (t *text) severity(s guard.Severity) prose.Styled {
	return t.Paint(severityColors[s], severityWords[s])
}
