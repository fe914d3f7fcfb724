// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// point is something to do, and the ways to do it, of which one is enough.
type point struct {
	text string
	ways []string
}

// lines has the ways numbered below the text, for a page.
func (p point) lines() []string {
	out := []string{p.text}
	for i, way := range p.ways {
		out = append(out, fmt.Sprintf("%d. %s", i+1, way))
	}
	return out
}

// whatToDo writes the points and their ways.
func (t *text) whatToDo(points []point) {
	if len(points) > 0 {
		t.Headline("", headWhatToDo)
	}
	for _, p := range points {
		t.Paragraph("  - ", t.named(p.text))
		for i, way := range p.ways {
			t.Paragraph(fmt.Sprintf("    %d. ", i+1), t.named(way))
		}
	}
}

// advice says what a packager can do, each thing once.
func (t *text) advice(r *guard.Result, all []group) []point {
	var out []point
	put := func(p point) {
		if p.text != "" && !slices.ContainsFunc(out, func(q point) bool { return p.text == q.text }) {
			out = append(out, p)
		}
	}
	add := func(s string) { put(point{text: s}) }
	for _, b := range r.Refusals {
		if b.Severity == guard.Fail {
			add(b.Base.Label() + ": " + cmp.Or(b.Remedy, remedies[guard.Refused]))
		}
	}
	fit := fitting(r)
	for _, g := range all {
		put(g.advice(r, fit))
	}
	if damaged := malformed(r); len(damaged) > 0 {
		add("malformed: " + prose.First(damaged, 3) + " cannot be read. Download, copy or unpack again what was damaged on the way. If the package " +
			"was built so, look for what writes to modules after they were linked (strip, objcopy, a full disk).")
	}
	for _, rule := range guard.Rules {
		for _, g := range all {
			if noted, _ := g.noted(rule, false); noted != nil {
				add(string(rule) + ": " + g.remedy(rule))
			}
		}
	}
	for _, l := range r.Labels {
		switch {
		case l.Severity == guard.OK:
		case l.Verdict == guard.Mislabeled:
			add("dependencies: take the kernel-btf(...) that stands in the spec file, or was copied from another package, out of it; " +
				"the generator, or \"obs-btf-guard stamp\", writes the right one.")
		case t.Generator:
			add("dependencies: the generator is installed and wrote less than it should have; the build log has a line of it (obs-btf-guard: ...) " +
				"for each file where it could not tell.")
		default:
			add("dependencies: have kernel_btf.attr installed wherever the packages are built, also where they are signed and packed " +
				"a second time, or run \"obs-btf-guard stamp\" over all packages of the build.")
		}
	}
	return out
}

// malformed names the modules that cannot be read and weigh something, each once.
func malformed(r *guard.Result) (names []string) {
	seen := map[*guard.Module]bool{}
	for _, f := range r.Findings {
		if (f.Verdict == guard.Malformed || f.Damaged) && f.Severity != guard.OK && !seen[f.Module] {
			seen[f.Module] = true
			names = append(names, f.Module.Name)
		}
	}
	return names
}

// exception writes the policy rules that would override these verdicts,
// one for each pairing, since what is right for one may hide what is wrong in
// another.
func (t *text) exception(r *guard.Result) {
	if t.Policy == "" || r.Worst() != guard.Fail {
		return
	}
	type key struct {
		pairing, pkg string
		note         bool // which is never built again
	}
	verdicts := map[key][]string{}
	var order []key
	add := func(k key, v guard.Verdict) {
		if len(verdicts[k]) == 0 {
			order = append(order, k)
		}
		if s := strconv.Quote(string(v)); !slices.Contains(verdicts[k], s) {
			verdicts[k] = append(verdicts[k], s)
		}
	}
	for _, f := range r.Findings {
		if f.Severity == guard.Fail {
			k := key{pairing: string(f.Pairing)}
			if f.Module.Package != nil && f.Pairing != guard.PairRebuild {
				k.pkg = f.Module.Package.Name
			}
			add(k, f.Verdict)
		}
		for _, n := range f.Notes {
			if n.Severity == guard.Fail {
				add(key{pairing: string(f.Pairing), pkg: packageName(f.Module.Package), note: true}, guard.Verdict(n.Rule))
			}
		}
	}
	for _, b := range r.Refusals {
		if b.Severity == guard.Fail {
			add(key{pkg: packageName(b.Base.Package)}, guard.Refused)
		}
	}
	for _, l := range r.Labels {
		if l.Severity == guard.Fail {
			add(key{pkg: l.Package.Name}, l.Verdict)
		}
	}
	if len(order) == 0 {
		return
	}
	t.Paragraph("  - ", "if this is meant to be so, override the verdict at the end of "+t.Policy+", see obs-btf-guard.conf(5):")
	for _, k := range order {
		t.Line("        [[rule]]")
		t.Line("        verdict = [%s]", strings.Join(verdicts[k], ", "))
		if k.pairing != "" {
			t.Line("        pairing = %s", strconv.Quote(guard.Pairing(k.pairing).Word()))
		}
		if k.pkg != "" {
			t.Line("        package = %s", strconv.Quote(k.pkg))
		}
		// Modules of another package are cured by building that again. In an update nothing
		// that is built helps the machine that still runs the old kernel.
		action := "warn"
		if !k.note && k.pairing == string(guard.PairAcross) {
			action = "build-again"
		}
		t.Line("        action  = %s", strconv.Quote(action))
		t.Line("        reason  = \"who decided it, and why: it is printed here\"")
	}
}

func packageName(p *guard.Package) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// advice says what a packager can do about a group that fails, of the whole result, in
// which these modules fit some vmlinux.
func (g group) advice(r *guard.Result, fit map[*guard.Module]*guard.Base) point {
	w := g.worst()
	if g.base() != nil && g[0].Pairing == guard.PairRebuild && w != guard.OK && g.misfit() && g.base().Table != nil && !g.tooNew() {
		return g.survive(g.change(r))
	}
	return point{text: cmp.Or(g.rebuild(w, fit), g.prove())}
}

// fitting gives of loose modules a vmlinux here that does not speak against them.
func fitting(r *guard.Result) map[*guard.Module]*guard.Base {
	fit := map[*guard.Module]*guard.Base{}
	for _, f := range r.Findings {
		if f.Module.Package == nil && f.Base != nil && f.Severity != guard.Fail {
			fit[f.Module] = f.Base
		}
	}
	return fit
}

// fits gives a vmlinux that all modules which fail here fit, or each one of several; nil if
// one fits none.
func (g group) fits(fit map[*guard.Module]*guard.Base) (b *guard.Base) {
	for _, f := range g {
		if f.Severity == guard.Fail && !f.Damaged {
			if b = fit[f.Module]; b == nil {
				return nil
			}
		}
	}
	return b
}

// prove says what tells of modules that do not show on which base they were built.
func (g group) prove() string {
	b := g.base()
	if b == nil || b.Table == nil || b.IgnoresModules || !slices.ContainsFunc(g, func(f guard.Finding) bool {
		return f.Verdict == guard.Unproven && f.Severity != guard.OK
	}) {
		return ""
	}
	return "unproven: name the kernel that these modules were built on, or its package, as BUILT-ON: " +
		"\"obs-btf-guard check --base VMLINUX --own-base BUILT-ON MODULE...\" compares what they mean on both."
}

// change is what became of the group's base from one build to the other, nil where one of
// the bases is not known.
func (g group) change(r *guard.Result) *guard.Change {
	for i := range r.Changes {
		c, m := &r.Changes[i], g[0].Module
		if c.From == g.base() || c.To == g.base() && version(c.From.Package, c.From.Tree) == version(m.Package, m.Tree) {
			return c
		}
	}
	return nil
}

// rebuild says what a packager has to build again, or otherwise, of a group of which w is
// the worst.
func (g group) rebuild(w guard.Severity, fit map[*guard.Module]*guard.Base) string {
	if w != guard.Fail && w != guard.Rebuild || g.base() == nil || g.onlyMalformed() {
		return ""
	}
	if g.base().Refused != nil {
		return "" // said of the kernel
	}
	if g.base().Table == nil {
		return g.base().Label() + ": its vmlinux has no .BTF. Build it with CONFIG_DEBUG_INFO_BTF=y, and see that nothing strips the " +
			"section afterwards (find-debuginfo keeps it with --keep-section .BTF)."
	}
	if g.tooNew() {
		return g[0].Pairing.Word() + ": the .BTF of these modules has the layout of kinds behind its header, which Linux 7.1 and later read. " +
			"Build them without \"layout\" among pahole's --btf_features, or with the pahole and the build scripts of that kernel's time."
	}
	who, one := g.failing()
	were, them := "were", "them"
	if one {
		were, them = "was", "it"
	}
	switch g[0].Pairing {
	case guard.PairGiven:
		return fmt.Sprintf("given: %s %s not built on %s. Build %s again on it or, if another kernel will run, name that one's vmlinux.", who, were, short(g.base()), them)
	case guard.PairBuild:
		if b := g.fits(fit); b != nil {
			return fmt.Sprintf("build: %s %s not linked against %s, but against %s. One of the two vmlinux does not belong into this build: take it out.",
				who, were, g.base().Label(), b.Label())
		}
		return "build: " + who + " " + were + " not linked against the vmlinux of the same build. Look for what replaced a module or the vmlinux " +
			"between linking and packaging (a second pahole run, a vmlinux of another build, a partial rebuild), then rebuild kernel and modules together."
	case guard.PairWeak:
		if g[0].Module.Linked {
			return fmt.Sprintf("weak: links put modules into the tree of %s that were not built on it, since every symbol that they need is there with the same CRC. "+
				"Build them again on it, or have them packed without .BTF: the kernel then reads none.", g.base().Label())
		}
		packages, were, them, needs := g.packages(), "was", "it", "it needs" // of packages, not of modules
		if len(packages) > 1 {
			were, them, needs = "were", "them", "they need"
		}
		return fmt.Sprintf("weak: %s %s built for %s, and weak-modules links %s into %s as well, since every symbol that %s is there with the same CRC. "+
			"Rebuild %[4]s against %[7]s, or have %[4]s packed without .BTF: the kernel then reads none.",
			strings.Join(packages, ", "), were, g[0].Module.Release, them, g.release(), needs, g.base().Label())
	case guard.PairAcross:
		if g.base().Origin == guard.Installed {
			return fmt.Sprintf("across: %s %s just built, and not on the vmlinux of %s, which is the one that is installed. Look for where "+
				"the base came from: a .ko that came with the sources, another kernel's vmlinux or devel package, %%kernel_btf_base.", who, were, g.base().Label())
		}
		if packages := g.packages(); packages != nil {
			return fmt.Sprintf("across: rebuild %s against %s.", strings.Join(packages, ", "), g.base().Label())
		}
		if g.fits(fit) != nil {
			return "across: there are several builds of one kernelrelease here, and modules of one do not fit the vmlinux of another. " +
				"If one replaces the other, check them as an update: \"obs-btf-guard check NEW --against OLD\"."
		}
		return fmt.Sprintf("across: %s %s not built on %s, which has the same kernelrelease. Build %s again on it.", who, were, g.base().Label(), them)
	}
	return ""
}

// remedy says what a packager can do about what the rule notes of the group.
func (g group) remedy(rule guard.Rule) string {
	if b := g.base(); rule == guard.Duplicated && b != nil {
		return merge(b)
	}
	return ruleRemedies[rule]
}

// tooNew reports whether the kernel refuses all that fails for a header that it does
// not know.
func (g group) tooNew() bool {
	n := 0
	for _, f := range g {
		if f.Severity != guard.Fail && f.Severity != guard.Rebuild {
			continue
		}
		if n++; f.Kernel == nil || f.Kernel.Errno != int(verify.E2BIG) {
			return false
		}
	}
	return n > 0
}

// failing names the modules that do not fit, for a sentence, and tells whether it is one.
func (g group) failing() (who string, one bool) {
	var names []string
	for _, f := range g {
		if (f.Severity == guard.Fail || f.Severity == guard.Rebuild) && !f.Damaged {
			names = append(names, f.Module.Name)
		}
	}
	const most = 3
	switch n := len(names); {
	case n == 1:
		return names[0], true
	case n <= most:
		return strings.Join(names, ", "), false
	case n == len(g):
		return "these modules", false
	}
	return fmt.Sprintf("%s of %s (%s)", prose.Number(len(names)), prose.Several(len(g), "module"), prose.First(names, most)), false
}

// onlyMalformed reports whether all that fails could not even be read, of which
// the base is not to blame.
func (g group) onlyMalformed() bool {
	return !slices.ContainsFunc(g, func(f guard.Finding) bool {
		return (f.Severity == guard.Fail || f.Severity == guard.Rebuild) && f.Verdict != guard.Malformed && !f.Damaged
	})
}

// packages names those with modules that do not fit.
func (g group) packages() []string {
	var out []string
	for _, f := range g {
		p := f.Module.Package
		if (f.Severity == guard.Fail || f.Severity == guard.Rebuild) && p != nil && !slices.Contains(out, p.Name) {
			out = append(out, p.Name)
		}
	}
	return out
}

// remakes says what is to be built again by the policy's word.
func remakes(r *guard.Result) []string {
	var out []string
	for _, m := range r.Remakes {
		if m.Severity != guard.Rebuild {
			continue // what to do stands above
		}
		u, _ := obs.ParseDistURL(m.DistURL)
		out = append(out, remake(cmp.Or(u.Package, m.Source), u.Project, u.Repository, m.Arch, m.Modules, m.On.Label()))
	}
	for _, c := range r.Changes {
		if c.Outdated {
			out = append(out, outdated(c.From.Release, c.From.Label(), fingerprint.Token(c.From.Flavor, c.From.Fingerprint.Base)))
		}
	}
	return out
}

func remake(pkg, project, repository, arch string, modules int, on string) string {
	where := arch
	if project != "" {
		where = fmt.Sprintf("project %s, repository %s, %s", project, repository, arch)
	}
	return fmt.Sprintf("%s (%s): %s of it %s not fit the vmlinux of %s", pkg, where, prose.Several(modules, "module"), does(modules), on)
}

func does(n int) string {
	if n == 1 {
		return "does"
	}
	return "do"
}

func outdated(release, from, token string) string {
	return fmt.Sprintf("all other packages with modules for %s that were built on the base of %s: by metadata, those that require %s. "+
		"\"obs-btf-guard rebuild\" with this build's report finds them and has OBS build them", release, from, token)
}

// labels lists the packages whose dependencies are not what their content calls
// for.
func (t *text) labels(labels []guard.Label) {
	if len(labels) == 0 {
		return
	}
	t.Line("")
	t.Line("%s", t.Bold("kernel-btf dependencies of the packages"))
	for _, l := range labels {
		t.Line("  %s %s %s", t.severity(l.Severity), string(l.Verdict), l.Package.NEVRA)
		for _, reason := range l.Reasons {
			t.Paragraph("        ", reason)
		}
		t.ruling(l.Ruling)
	}
}

// changes says what became of the bases under one headline since the older build.
func (t *text) changes(all []guard.Change, groups []group, name string) {
	under := map[*guard.Base]bool{}
	for _, g := range groups {
		if g.kernel() == name {
			under[g.base()] = true
		}
	}
	for _, c := range all {
		if under[c.To] || under[c.From] {
			t.Paragraph("  change   ", t.named(change(c, t.path)))
			if s := c.Survival.Sentence(); s != "" {
				t.Paragraph("  update   ", s)
			}
		}
	}
}

// change is what became of a base, in a sentence and with the first names.
func change(c guard.Change, path func(string) string) string {
	since := fmt.Sprintf("from %s to %s: ", version(c.From.Package, path(c.From.Path)), version(c.To.Package, path(c.To.Path)))
	if c.Diff == nil {
		return since + "none, the base is the same to the byte"
	}
	s := since + c.Diff.Sentence()
	const most = 6
	var names []string
	for _, op := range []explain.Op{explain.Added, explain.Removed, explain.Changed} {
		for _, name := range c.Names(op) {
			names = append(names, name+" "+string(op))
		}
	}
	if len(names) == 0 {
		return s
	}
	return s + " " + prose.First(names, most) + " (\"" + explainCommand + "\" shows all)"
}

// explainCommand is what says more of a change.
const explainCommand = "obs-btf-guard explain OLD NEW"

// named gives the command the builds that it is about, where they are known.
func (t *text) named(s string) string {
	if t.Explain == "" {
		return s
	}
	return strings.ReplaceAll(s, explainCommand, t.Explain)
}
