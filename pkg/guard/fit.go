// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Cell is the answer for a package on a kernel that its modules can meet: Fits,
// Misfits or Undecided.
type Cell struct {
	Kernel *Vmlinux
	Weak   bool // weak-modules links the modules into it
	Fit    Verdict
	By     Knowledge
	Counts Counts // where the modules were judged
}

// Answer is what needs attention of a package: Broken, Stale, Undecided, Unlabeled
// or Unmet.
type Answer struct {
	Verdict Verdict
	Release string // kernelrelease of the modules, where it is about one
	Reason  string
}

// Match checks the modules of a package against the kernels that a machine can
// have beside it, its own among them, oldest first. What tokens say decides; where
// it has none, what reading it found. A package without an answer fits.
func (c *Cargo) Match(kernels []*Vmlinux) ([]Cell, []Answer) {
	m := &matching{Cargo: c}
	m.kernels = kernels
	if slices.ContainsFunc(kernels, func(k *Vmlinux) bool { return k.Arch != c.Arch }) {
		m.kernels = slices.DeleteFunc(slices.Clone(kernels), func(k *Vmlinux) bool { return k.Arch != c.Arch })
	}
	for _, own := range c.Kernels {
		m.own(own)
	}
	required := c.required()
	for _, token := range required {
		m.byToken(token)
	}
	switch {
	case len(c.Kernels) > 0, len(required) > 0:
	case len(c.Requires) > 0:
		m.answer(Undecided, "", needsItself)
	case c.Modules:
		m.byContent()
	}
	m.weak()
	m.labels()
	return m.cells, m.answers
}

type matching struct {
	*Cargo
	kernels []*Vmlinux
	cells   []Cell
	answers []Answer
}

func (m *matching) answer(v Verdict, release, format string, args ...any) {
	m.answers = append(m.answers, Answer{v, release, fmt.Sprintf(format, args...)})
}

// required are the tokens of other packages' bases.
func (c *Cargo) required() []string {
	return slices.DeleteFunc(slices.Clone(c.Requires), func(t string) bool { return slices.Contains(c.Provides, t) })
}

func (c *Cargo) sameBuild(k *Vmlinux) bool { return c.Build != "" && c.Build == k.Build }

// byToken checks a token against the kernels of its flavor: those of the kernelrelease
// that the dependency names, if one is here. Where it names none, kernels of other
// kernelreleases than that of a kernel which has the base are none that the modules
// meet.
func (m *matching) byToken(token string) {
	flavor, base, _ := fingerprint.ParseToken(token)
	var met []string // kernelreleases
	var broken *Vmlinux
	unknown := false
	here := m.ofToken(token, flavor)
	m.cells = slices.Grow(m.cells, len(here))
	for _, k := range here {
		switch {
		case k.Known == Unknown:
			unknown = true
		case k.Base == base:
			met = append(met, k.Release)
		case m.sameBuild(k):
			broken = k
		}
	}
	for _, k := range here {
		cell := Cell{Kernel: k, Fit: Misfits, By: ByToken}
		switch {
		case len(met) > 0 && !slices.Contains(met, k.Release):
			continue
		case k.Known == Unknown:
			cell.Fit = Undecided
		case k.Base == base:
			cell.Fit = Fits
		}
		m.cells = append(m.cells, cell)
	}
	release := ""
	if named := m.Named[token]; len(named) == 1 {
		release = named[0]
	}
	switch {
	case broken != nil:
		m.answer(Broken, broken.Release, needsOtherThanBuilt, token, broken.Label, broken.Short())
	case len(met) > 0:
	case len(here) == 0:
		m.answer(Unmet, release, needsNoneHere, token)
	case unknown:
		m.answer(Undecided, release, needsUnknown, token)
	default:
		m.answer(Stale, release, needsOther, token, bases(here))
	}
}

// ofToken lists the kernels of a flavor, of the kernelreleases of the modules with a
// token where these are known and one of them is here.
func (m *matching) ofToken(token, flavor string) []*Vmlinux {
	releases := m.Named[token]
	if releases == nil && m.Listed {
		releases = m.Releases
	}
	var all, own []*Vmlinux
	for _, k := range m.kernels {
		if k.Flavor != flavor {
			continue
		}
		all = append(all, k)
		if slices.Contains(releases, k.Release) {
			own = append(own, k)
		}
	}
	if own != nil {
		return own
	}
	return all
}

// bases names kernels and their bases, the newest first.
func bases(kernels []*Vmlinux) string {
	return newest(kernels, func(k *Vmlinux) string { return k.Short() + " of " + k.Label })
}

// mostNamed is how many kernels a reason names: the newest.
const mostNamed = 4

// newest lists some of the kernels, the newest first.
func newest(kernels []*Vmlinux, say func(*Vmlinux) string) string {
	var out []string
	for _, k := range slices.Backward(kernels) {
		if len(out) == mostNamed {
			out = append(out, fmt.Sprintf("and %d more", len(kernels)-mostNamed))
			break
		}
		out = append(out, say(k))
	}
	return strings.Join(out, ", ")
}

// byContent is for a package that says nothing of its modules.
func (m *matching) byContent() {
	switch {
	case m.Unread != "":
		m.answer(Undecided, "", "%s", silent+m.Unread)
		return
	case !m.Listed:
		m.answer(Undecided, "", silent+"was not read")
		return
	}
	for _, release := range m.Releases {
		c := m.Content[release]
		if c == nil {
			m.answer(Undecided, release, silent+"was not read")
			continue
		}
		m.content(release, c)
	}
}

// meets lists the kernels that modules of a kernelrelease can meet: those of it. If
// there is none, those of its flavor, which are what the package would be installed
// beside.
func (m *matching) meets(release string) (out []*Vmlinux, other bool) {
	for _, k := range m.kernels {
		if k.Release == release {
			out = append(out, k)
		}
	}
	if out != nil {
		return out, false
	}
	for _, k := range m.kernels {
		if SameFlavor(m.Flavor, release, k.Flavor, k.Release) {
			out = append(out, k)
		}
	}
	return out, true
}

// content is for modules of one kernelrelease that were read.
func (m *matching) content(release string, c *Content) {
	here, other := m.meets(release)
	fits, unknown := 0, 0
	var bad []Cell
	broken := ""
	for _, k := range here {
		cell := m.judged(c, k)
		if other && c.On[k] == nil {
			continue // nothing says that it meets this one
		}
		m.cells = append(m.cells, cell)
		switch cell.Fit {
		case Fits:
			fits++
		case Undecided:
			unknown++
		case Misfits:
			bad = append(bad, cell)
			if m.sameBuild(k) {
				broken = cell.on()
			}
		}
	}
	switch {
	case broken != "":
		m.answer(Broken, release, "%s", broken)
	case fits > 0 || len(c.Alone) > 0 && c.Alone[Unproven] == 0:
	case unknown > 0:
		m.answer(Unproven, release, tooSmall)
	case len(bad) > 0:
		m.answer(Stale, release, "%s", misfits(bad))
	case len(here) > 0:
		m.answer(Stale, release, forOthersHere, release,
			newest(here, func(k *Vmlinux) string { return k.Release + " of " + k.Label }))
	default:
		m.answer(Unmet, release, forNoneHere, release)
	}
}

// on says what was found on a kernel.
func (c Cell) on() string { return fmt.Sprintf("%s on %s", c.Counts, c.Kernel.Label) }

// misfits says what was found on kernels, in their order: of many, on the newest.
func misfits(cells []Cell) string {
	var out []string
	for _, c := range cells[max(len(cells)-mostNamed, 0):] {
		out = append(out, c.on())
	}
	if n := len(cells) - mostNamed; n > 0 {
		out = append(out, fmt.Sprintf("and likewise on %d older ones", n))
	}
	return strings.Join(out, "; ")
}

// judged is the cell of modules on a kernel by what was read.
func (m *matching) judged(c *Content, k *Vmlinux) Cell {
	cell := Cell{Kernel: k, Fit: Undecided, By: c.By, Counts: c.On[k]}
	switch {
	case len(cell.Counts) > 0:
		cell.Fit = cell.Counts.fit()
	case !c.Bound && m.Unread == "" && len(c.Alone) > 0:
		// Modules that need no base were not checked on kernels whose metadata shows
		// enough.
		cell.Fit, cell.Counts = Fits, c.Alone
	}
	return cell
}

// own checks the modules of a package with a kernel against it and the other builds
// of its kernelrelease.
func (m *matching) own(own *Vmlinux) {
	switch {
	case own.Release == "":
		m.answer(Undecided, "", noRelease)
		return
	case own.Known != Unknown:
	case own.Ambiguous:
		m.answer(Undecided, own.Release, severalBases, own.Flavor)
	default:
		m.answer(Undecided, own.Release, noBaseTold)
	}
	if !m.Modules {
		return
	}
	for _, k := range m.kernels {
		if k.Release != own.Release {
			continue
		}
		cell := Cell{Kernel: k, Fit: Undecided, By: ByContent}
		if c := m.Content[own.Release]; c != nil {
			cell = m.judged(c, k)
		}
		switch {
		case cell.Counts != nil:
		case k == own:
			cell.By = ByToken
			if own.Known != Unknown {
				cell.Fit = Fits
			}
		case own.Known != Unknown && k.Known != Unknown && own.Base == k.Base:
			cell.Fit, cell.By = Fits, own.Known
		case own.Known != Unknown && k.Known != Unknown:
			cell.Fit, cell.By = Misfits, own.Known
		}
		m.cells = append(m.cells, cell)
		if k == own && cell.Fit == Misfits {
			m.answer(Broken, own.Release, onOwnVmlinux, cell.Counts)
		}
	}
}

// weakAnswers is how many kernels that modules are linked into have an answer of their
// own: the newest.
const weakAnswers = 8

// weak checks modules on the kernels of other kernelreleases that they are linked
// into.
func (m *matching) weak() {
	if m.Linked == nil {
		return
	}
	met := make(map[*Vmlinux]bool, len(m.cells))
	for _, c := range m.cells {
		met[c.Kernel] = true
	}
	required := m.required()
	var answers []calling
	for _, k := range m.kernels {
		if met[k] {
			continue
		}
		counts := m.readOn(k)
		var l Linked
		if counts == nil { // else whoever read them has looked
			l = m.Linked(k)
		}
		cell := Cell{Kernel: k, Weak: true, Fit: Undecided, By: ByToken, Counts: counts}
		switch {
		case counts != nil:
			cell.Fit, cell.By = counts.fit(), ByContent
		case !l.Is && !l.Unknown, len(required) == 0 && (m.unbound() || !m.Listed || m.Unread != ""):
			continue // it does not meet it, or fits any, or has an answer already
		case l.Unknown:
			cell.Weak = false // who knows
			answers = append(answers, calling{cell, l.Why})
			continue
		case len(required) == 0:
			cell.By = Unknown
		case k.Known == Unknown:
		case slices.Contains(required, fingerprint.Token(k.Flavor, k.Base)):
			cell.Fit = Fits
		default:
			cell.Fit = Misfits
		}
		m.cells = append(m.cells, cell)
		if cell.Fit != Fits {
			answers = append(answers, calling{Cell: cell})
		}
	}
	older := max(len(answers)-weakAnswers, 0)
	for _, c := range answers[older:] {
		m.answerWeak(c, required)
	}
	if older > 0 {
		v := Undecided
		if slices.ContainsFunc(answers[:older], func(c calling) bool { return c.Fit == Misfits }) {
			v = Stale
		}
		m.answer(v, "", linkOlder, older)
	}
}

// calling is a cell that calls for an answer.
type calling struct {
	Cell
	unknown func() string // why it is not known whether modules are linked into its kernel
}

// answerWeak is the answer for a kernel that modules are linked into, or may be.
func (m *matching) answerWeak(c calling, required []string) {
	k := c.Kernel
	switch {
	case !c.Weak:
		m.answer(Undecided, k.Release, linkUnknown, k.Release, k.Label, c.unknown())
	case c.Fit == Misfits:
		m.answer(Stale, k.Release, linkMisfits, k.Release, m.newest(k), k.Label, k.Short(), c.why(required))
	default:
		m.answer(Undecided, k.Release, linkUndecided, k.Release, m.newest(k), k.Label)
	}
}

// newest says of the newest kernel of its flavor that it is, "" of others.
func (m *matching) newest(k *Vmlinux) string {
	newerFirst := func(yield func(*Vmlinux) bool) {
		for _, o := range slices.Backward(m.kernels) {
			if !yield(o) {
				return
			}
		}
	}
	if newest, _ := newestOf(k.Release, k.releases(newerFirst)); !newest {
		return ""
	}
	return newestHere
}

// NewestOf reports whether there are kernels of several kernelreleases of its flavor and
// architecture, of which it has the newest: machines that are updated boot it.
func (k *Vmlinux) NewestOf(kernels iter.Seq[*Vmlinux]) bool {
	newest, several := newestOf(k.Release, k.releases(kernels))
	return newest && several
}

// releases are the kernelreleases of kernels of its flavor and architecture.
func (k *Vmlinux) releases(kernels iter.Seq[*Vmlinux]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for o := range kernels {
			if o.Flavor == k.Flavor && o.Arch == k.Arch && !yield(o.Release) {
				return
			}
		}
	}
}

// Newest likewise reports whether the base is that of the newest kernel of a result.
func (r *Result) Newest(b *Base) bool {
	newest, several := newestOf(b.Release, func(yield func(string) bool) {
		for _, o := range r.Bases {
			if o.Flavor == b.Flavor && o.Arch == b.Arch && !yield(o.Release) {
				return
			}
		}
	})
	return newest && several
}

// newestOf reports whether a kernelrelease is the newest, and whether there are several.
func newestOf(release string, all iter.Seq[string]) (newest, several bool) {
	for o := range all {
		if rpm.CompareVersions(o, release) > 0 {
			return false, true
		}
		several = several || o != "" && o != release
	}
	return release != "", several
}

// unbound reports whether reading found that no base matters to the modules.
func (m *matching) unbound() bool {
	for _, c := range m.Content {
		if c.Bound {
			return false
		}
	}
	return len(m.Content) > 0
}

// why says what a misfit rests on.
func (c Cell) why(required []string) string {
	if c.Counts != nil {
		return c.Counts.String()
	}
	return "it requires " + strings.Join(required, ", ")
}

// readOn is what reading found on a kernel of another kernelrelease than the
// modules', of however many these are; nil if they were not checked on it.
func (m *matching) readOn(k *Vmlinux) Counts {
	var sum Counts
	for _, c := range m.Content {
		for v, n := range c.On[k] {
			if sum == nil {
				sum = Counts{}
			}
			sum[v] += n
		}
	}
	return sum
}

// labels finds what a package's content calls for and its tokens lack.
func (m *matching) labels() {
	for _, k := range m.Kernels {
		if k.Known != Unknown && k.Known != ByToken && !k.Base.IsZero() && !k.Ambiguous && len(ofFlavor(m.Provides, k.Flavor)) == 0 {
			m.answer(Unlabeled, k.Release, lacksProvides, fingerprint.Token(k.Flavor, k.Base))
		}
	}
	if len(m.Kernels) > 0 || len(m.Requires) > 0 {
		return
	}
	for _, c := range m.Content {
		if c.Bound {
			m.answer(Unlabeled, "", lacksRequires)
			return
		}
	}
}

// ofFlavor picks the tokens of a flavor.
func ofFlavor(tokens []string, flavor string) []string {
	return slices.DeleteFunc(slices.Clone(tokens), func(t string) bool {
		f, _, _ := fingerprint.ParseToken(t)
		return f != flavor
	})
}
