// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Witnesses is what is known of the kernel that will read a table. Everything in
// it may be missing. A version says the least: the kernels of distributions
// carry BPF code that is years younger than the number in their names.
type Witnesses struct {
	// Version is what the kernel calls itself, or what somebody says that it is:
	// Given.
	Version Version
	Given   bool

	Base  *btf.Table      // its own types
	Texts map[string]bool // which of [Texts] its image holds; nil if there was no whole image
	// ModuleBTF and Allow are what its configuration says, Allow also what
	// somebody says: AllowGiven.
	ModuleBTF  Setting
	Allow      Allow
	AllowGiven bool
}

// Setting is a switch of a kernel's configuration.
type Setting uint8

// The settings.
const (
	Unset Setting = iota // the configuration is not known
	Off
	On
)

// Source is the sort of a witness.
type Source string

// The sources, from the strongest down.
const (
	ByUser    Source = "user"    // somebody said so
	ByMarker  Source = "marker"  // a type in the base or a text in the image
	ByConfig  Source = "config"  // the kernel's configuration
	ByVersion Source = "version" // what upstream's release of that number does
	Assumed   Source = "assumed" // nothing tells
)

// Decision is one rule, and what it rests on.
type Decision struct {
	Rule   string `json:"rule"`  // which one: "header size"
	Value  string `json:"value"` // "32 bytes"
	Source Source `json:"source"`
	By     string `json:"by"` // the marker, or whatever else it is: "STRUCT btf_header of 32 bytes"

	// Contradicts is what the version says instead, "" if it says the same or
	// there is none.
	Contradicts string `json:"version_says,omitempty"`
}

// Reading is how one kernel reads BTF.
type Reading struct {
	Rules     Rules
	Allow     Allow
	Decisions []Decision // one for each rule, in the order of the changes

	// Conflict says in words that the kernel does not read BTF as its version
	// would have it. "" where nothing contradicts.
	Conflict string
}

// field is one of the rules.
type field uint8

const (
	fieldModuleBTF field = iota
	fieldEmptySection
	fieldMaxKind
	fieldInfoMask
	fieldSpacedLog
	fieldChainWalk
	fieldTagOrder
	fieldEnumFlag
	fieldNameLen
	fieldQuietAllow
	fieldLineMax
	fieldKfuncLine
	fieldDots
	fieldKfuncCheck
	fieldSectionName
	fieldDistilled
	fieldEmbeddedFix
	fieldTagFlag
	fieldHeaderSize
	fieldModuleSize
	numFields
)

// RuleModuleBTF is the [Decision] whether the BTF of modules is read. By a marker of its own
// it says how the kernel was built: what reads it is there only with
// CONFIG_DEBUG_INFO_BTF_MODULES.
const RuleModuleBTF = "module BTF"

// fields says of each rule its name for people, its value in words, and how to
// take it over from other rules.
var fields = [numFields]struct {
	name string
	show func(r *Rules) string
	take func(r, from *Rules)
}{
	fieldModuleBTF:    {RuleModuleBTF, func(r *Rules) string { return pick(r.ModuleBTF, "read", "not read") }, func(r, from *Rules) { r.ModuleBTF = from.ModuleBTF }},
	fieldEmptySection: {"empty sections", func(r *Rules) string { return pick(r.EmptySection, "accepted", "refused") }, func(r, from *Rules) { r.EmptySection = from.EmptySection }},
	fieldMaxKind:      {"last kind", func(r *Rules) string { return r.MaxKind.String() }, func(r, from *Rules) { r.MaxKind = from.MaxKind }},
	fieldInfoMask:     {"info word", func(r *Rules) string { return infoWord(r.InfoMask) }, func(r, from *Rules) { r.InfoMask = from.InfoMask }},
	fieldSpacedLog:    {"log prefix", func(r *Rules) string { return pick(r.SpacedLog, `"BPF: "`, `"BPF:"`) }, func(r, from *Rules) { r.SpacedLog = from.SpacedLog }},
	fieldChainWalk:    {"modifier chains", func(r *Rules) string { return pick(r.ChainWalk, "followed", "not followed") }, func(r, from *Rules) { r.ChainWalk = from.ChainWalk }},
	fieldTagOrder:     {"type tags", func(r *Rules) string { return pick(r.TagOrder, "before other modifiers", "anywhere") }, func(r, from *Rules) { r.TagOrder = from.TagOrder }},
	fieldEnumFlag:     {"signed ENUM", func(r *Rules) string { return pick(r.EnumFlag, "accepted", "refused") }, func(r, from *Rules) { r.EnumFlag = from.EnumFlag }},
	fieldNameLen:      {"length of names", func(r *Rules) string { return fmt.Sprintf("%d bytes", r.NameLen) }, func(r, from *Rules) { r.NameLen = from.NameLen }},
	fieldQuietAllow:   {"allowed mismatches", func(r *Rules) string { return pick(r.QuietAllow, "logged in short", "logged in full") }, func(r, from *Rules) { r.QuietAllow = from.QuietAllow }},
	fieldLineMax:      {"length of log lines", func(r *Rules) string { return fmt.Sprintf("%d bytes", r.LineMax) }, func(r, from *Rules) { r.LineMax = from.LineMax }},
	fieldKfuncLine: {"kfuncs without BTF", func(r *Rules) string {
		return [...]string{"not logged", `logged as "kfuncs"`, `logged as "kfunc"`}[r.KfuncLine]
	}, func(r, from *Rules) { r.KfuncLine = from.KfuncLine }},
	fieldDots:       {"dots in names", func(r *Rules) string { return pick(r.Dots, "accepted", "of variables and sections only") }, func(r, from *Rules) { r.Dots = from.Dots }},
	fieldKfuncCheck: {"prototypes of kfuncs", func(r *Rules) string { return pick(r.KfuncCheck, "checked", "not checked") }, func(r, from *Rules) { r.KfuncCheck = from.KfuncCheck }},
	fieldSectionName: {"section names", func(r *Rules) string {
		return [...]string{"identifiers", "printable after the first byte", "printable"}[r.SectionName]
	}, func(r, from *Rules) { r.SectionName = from.SectionName }},
	fieldDistilled:   {".BTF.base", func(r *Rules) string { return pick(r.Distilled, "read", "not read") }, func(r, from *Rules) { r.Distilled = from.Distilled }},
	fieldEmbeddedFix: {"embedded types of .BTF.base", func(r *Rules) string { return pick(r.EmbeddedFix, "searched in all types", "searched in some types") }, func(r, from *Rules) { r.EmbeddedFix = from.EmbeddedFix }},
	fieldTagFlag:     {"flagged tags", func(r *Rules) string { return pick(r.TagFlag, "accepted", "refused") }, func(r, from *Rules) { r.TagFlag = from.TagFlag }},
	fieldModuleSize:  {"size of struct module", func(r *Rules) string { return pick(r.ModuleSize, "checked", "not checked") }, func(r, from *Rules) { r.ModuleSize = from.ModuleSize }},
	fieldHeaderSize:  {"header", func(r *Rules) string { return fmt.Sprintf("%d bytes", r.HeaderSize) }, func(r, from *Rules) { r.HeaderSize = from.HeaderSize }},
}

func pick(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

func infoWord(mask uint32) string {
	switch mask {
	case 0:
		return "7 bits of kind, 24 of vlen"
	case 0x8f00ffff:
		return "4 bits of kind, 16 of vlen"
	}
	return "5 bits of kind, 16 of vlen"
}

// marks collects what markers decide.
type marks struct {
	rules Rules
	by    [numFields]string // the marker that decides a field, "" if none does

	// The releases between which the kernel's BPF code is, zero where nothing
	// bounds it. They decide what has no marker of its own.
	floor, ceiling     Version
	floorBy, ceilingBy string

	// signedAlone: the base has signed ENUMs and no ENUM64.
	signedAlone bool

	// The rest of the kernel is no younger than that, which is no proof of its BPF
	// code and the best guess where its version says nothing.
	hint   Version
	hintBy string
}

// decide notes that a marker decides a field; of two the later counts.
func (m *marks) decide(f field, by string, set func(r *Rules)) {
	set(&m.rules)
	m.by[f] = by
}

func (m *marks) atLeast(v Version, by string) {
	if v.Compare(m.floor) > 0 {
		m.floor, m.floorBy = v, by
	}
}

func (m *marks) atMost(v Version, by string) {
	if m.ceiling.IsZero() || v.Compare(m.ceiling) < 0 {
		m.ceiling, m.ceilingBy = v, by
	}
}

// between is for what came with a release.
func (m *marks) between(there bool, since, before Version, by string) {
	if there {
		m.atLeast(since, by)
	} else {
		m.atMost(before, by)
	}
}

// release is the one whose rules hold where no marker decides: the kernel's
// version as far as the markers let it be, the newest that they let where there
// is none. Markers that contradict each other are of a kernel to which parts of
// others were added: it is what it says that it is. by names the marker that
// moved it.
func (m *marks) release(v Version) (release Version, by string) {
	bounded := !m.ceiling.IsZero()
	switch {
	case bounded && m.floor.Compare(m.ceiling) > 0:
		if v.IsZero() {
			return m.floor, m.floorBy
		}
		return v, ""
	case !v.IsZero() && v.Compare(m.floor) < 0:
		return m.floor, m.floorBy
	case !v.IsZero() && (!bounded || v.Compare(m.ceiling) <= 0):
		return v, ""
	}
	release = newest
	if bounded {
		release, by = m.ceiling, m.ceilingBy
	}
	if !m.hint.IsZero() && m.hint.Compare(release) < 0 && m.hint.Compare(m.floor) >= 0 {
		release, by = m.hint, m.hintBy
	}
	return release, by
}

// settles reports whether a rule is the same in all releases from the floor on.
func (m *marks) settles(show func(r *Rules) string) bool {
	if m.floor.IsZero() {
		return false
	}
	now := RulesFor(newest)
	for v := m.floor; v.Compare(newest) < 0; {
		if r := RulesFor(v); show(&r) != show(&now) {
			return false
		}
		if v = (Version{v.Major, v.Minor + 1, 0}); v.Minor > lastMinor {
			v = Version{v.Major + 1, 0, 0}
		}
	}
	return true
}

// Read decides each rule by the strongest witness: the texts of the image, the
// types of the base, then the version.
func (w Witnesses) Read() Reading {
	var m marks
	if w.Base != nil {
		m.readTypes(w.Base)
	}
	if w.Texts != nil {
		m.readTexts(w.Texts)
	}
	release, movedBy := m.release(w.Version)
	out := Reading{Rules: RulesFor(release)}
	r := &out.Rules
	says := RulesFor(w.Version)
	// A kernel with relocation from a later release has its later fixes as well.
	mended := m.rules.Distilled && !says.Distilled && !w.Version.IsZero()
	if mended {
		r.EmbeddedFix = true
	}
	if !w.Version.IsZero() { // a backport of BPF does not change these
		r.NameLen, r.LineMax, r.ModuleSize = says.NameLen, says.LineMax, says.ModuleSize
	}
	for f, field := range fields {
		d := Decision{Rule: field.name, Source: ByVersion, By: w.versionName()}
		switch {
		case m.by[f] != "":
			field.take(r, &m.rules)
			d.Source, d.By = ByMarker, m.by[f]
		case f == int(fieldModuleBTF) && w.ModuleBTF != Unset:
			r.ModuleBTF = w.ModuleBTF == On
			d.Source, d.By = ByConfig, "CONFIG_DEBUG_INFO_BTF_MODULES"
		case f == int(fieldEmbeddedFix) && mended:
			d.Source, d.By = Assumed, "a backport of .BTF.base has what was mended in it"
		case w.Version.IsZero() && movedBy == "" && m.settles(field.show):
			d.Source, d.By = ByMarker, "as Linux "+m.floor.series()+" and later, by "+m.floorBy
		case w.Version.IsZero() && movedBy == "":
			d.Source, d.By = Assumed, "the newest kernel known"
		case w.Version.IsZero() || field.show(r) != field.show(&says):
			d.Source, d.By = ByMarker, "as Linux "+release.series()+", by "+movedBy
		}
		d.Value = field.show(r)
		// A configuration without module BTF does not contradict the version.
		off := f == int(fieldModuleBTF) && !r.ModuleBTF
		decided := d.Source == ByMarker || d.Source == Assumed
		if said := field.show(&says); !w.Version.IsZero() && decided && said != d.Value && !off {
			d.Contradicts = said
		}
		out.Decisions = append(out.Decisions, d)
	}
	m.giveDoubt(&out, &says)
	out.Decisions = append(out.Decisions, w.allow(&out))
	out.Conflict = w.conflict(&m, out.Decisions)
	return out
}

// giveDoubt assumes that a kernel accepts signed ENUMs if its base has them and no ENUM64,
// although its version says otherwise. Usually the content of a base proves nothing, since
// a kernel boots with a base that it refuses. But pahole, which marks signed ENUMs since
// 1.24, then writes ENUM64 too, of which every whole kernel has some; and where a flag makes
// it leave out ENUM64, it marks none. So such a base does not come from a wrong flag of
// pahole.
func (m *marks) giveDoubt(out *Reading, says *Rules) {
	d := &out.Decisions[fieldEnumFlag]
	if !m.signedAlone || out.Rules.EnumFlag || d.Source == ByMarker {
		return
	}
	show := fields[fieldEnumFlag].show
	out.Rules.EnumFlag = true
	*d = Decision{Rule: d.Rule, Value: show(&out.Rules), Source: Assumed, By: "the base has some, and no ENUM64", Contradicts: show(says)}
}

// allow decides whether a kernel loads a module whose table it refused.
func (w Witnesses) allow(out *Reading) Decision {
	const option = "CONFIG_MODULE_ALLOW_BTF_MISMATCH"
	d := Decision{Rule: "mismatches", Source: Assumed, By: option + " is not known"}
	out.Allow = w.Allow
	switch {
	case w.Allow != AllowUnknown && w.AllowGiven:
		d.Source, d.By = ByUser, "--allow-mismatch"
	case w.Allow != AllowUnknown:
		d.Source, d.By = ByConfig, option
	default:
		var by string
		out.Allow, by = allowed(w.Texts, &out.Rules)
		switch {
		case by != "":
			d.Source, d.By = ByMarker, by
		case !out.Rules.Version.AtLeast(5, 18):
			out.Allow = AllowNo
			d.Source, d.By = ByVersion, "the option came with Linux 5.18"
		}
	}
	d.Value = [...]string{AllowUnknown: "not known", AllowNo: "the module does not load", AllowYes: "the module loads without BTF"}[out.Allow]
	return d
}

func (w Witnesses) versionName() string {
	if w.Given {
		return "--kernel " + w.Version.String()
	}
	return "Linux " + w.Version.String()
}

// conflict says what the markers contradict in the version.
func (w Witnesses) conflict(m *marks, decisions []Decision) string {
	var rules []string
	for _, d := range decisions {
		if d.Contradicts != "" {
			rules = append(rules, d.Rule+": "+d.Value)
		}
	}
	switch {
	case len(rules) == 0:
		return ""
	case len(rules) == 1 && m.signedAlone && decisions[fieldEnumFlag].Source == Assumed:
		return fmt.Sprintf("the base has signed ENUMs, which Linux %s refuses by its version, and no ENUM64, which pahole would have written as well. "+
			"It is taken for that of a kernel with a backport; without one, no BTF works on it", w.Version)
	}
	const most = 3
	if n := len(rules) - most; n > 1 {
		rules = append(rules[:most], fmt.Sprintf("and %d more", n))
	}
	calls := "this kernel calls itself " + w.Version.String()
	if w.Given {
		calls = "--kernel says " + w.Version.String()
	}
	reads := "reads some of BTF otherwise"
	release, by := m.release(w.Version)
	switch {
	case by == "":
	case release == m.floor:
		reads = "reads BTF as Linux " + release.series() + " does, or later"
	default:
		reads = "reads BTF as Linux " + release.series() + " does, or earlier"
	}
	what := pick(w.Given, "this kernel ", "")
	return fmt.Sprintf("%s and %s%s (%s). What its code says counts", calls, what, reads, strings.Join(rules, "; "))
}

// series is the release without its patch level.
func (v Version) series() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
