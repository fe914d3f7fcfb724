// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// Rules says how one kernel reads a module's table. The fields are what changed
// between Linux 5.11, the first kernel to look at module BTF, and 7.3.
// [Witnesses.Read] decides them by what is known of a kernel, RulesFor by nothing
// but a version.
type Rules struct {
	// Version is whose rules those are that nothing in the kernel itself decides.
	Version Version

	ModuleBTF    bool     // the .BTF of modules is read
	HeaderSize   uint32   // sizeof(struct btf_header): 24, or 32 with the layout section
	InfoMask     uint32   // bits allowed in the info word, 0 where all are
	MaxKind      btf.Kind // NR_BTF_KINDS - 1
	Dots         bool     // '.' is a letter in every name, not only in VAR and DATASEC
	SectionName  SectionNameRule
	EmptySection bool // DATASEC may be without entries
	ChainWalk    bool // modifiers are followed to their end
	TagOrder     bool // type tags must precede other modifiers
	EnumFlag     bool // ENUM may set the kind flag
	TagFlag      bool // DECL_TAG and TYPE_TAG may set the kind flag
	Distilled    bool // .BTF.base is honoured
	EmbeddedFix  bool // all types of a module are searched for embedded ones of .BTF.base
	KfuncCheck   bool // a kfunc's id must lead to a FUNC with a FUNC_PROTO when it is registered
	SpacedLog    bool // the prefix is "BPF: ", not "BPF:", and no newline is doubled
	QuietAllow   bool // with mismatch allowed, type and member lines stay unsaid

	// These are not of the BPF code, which distributions renew, but of the kernel
	// around it.
	NameLen    int  // KSYM_NAME_LEN in bytes
	LineMax    int  // bytes that the kernel log keeps of a line, prefix and all
	ModuleSize bool // .gnu.linkonce.this_module must have the size of struct module
	KfuncLine  KfuncLine
}

// KfuncLine says what the kernel logs where a module without BTF registers kfuncs.
type KfuncLine uint8

// The lines in the order the kernel had them.
const (
	KfuncSilent KfuncLine = iota // none
	KfuncPlural                  // "missing module BTF, cannot register kfuncs" (5.18 to 6.8)
	KfuncSingle                  // the same of a "kfunc"
)

// SectionNameRule says which names a DATASEC may have.
type SectionNameRule uint8

// The rules in the order the kernel had them.
const (
	SectionIdentifier SectionNameRule = iota // an identifier, dots allowed
	SectionTail                              // anything printable behind the first byte (6.9 to 6.10.9)
	SectionPrintable                         // anything printable, not empty
)

// newest is the last release whose rules are known.
var newest = Version{7, 3, 0}

// lastMinor is the minor number after which Linux takes the next major one.
const lastMinor = 19

// RulesFor gives the rules of an upstream kernel version, with what stable series
// got later: dotted names (5.10.186, 5.15.119, 6.1.36, 6.3.10), the first byte of
// section names (6.10.10) and the search for embedded types (6.12.13, 6.13.2). The
// zero Version gives the newest rules.
//
// Sources: kernel/bpf/btf.c, and the commits that docs/verdicts.md names for each.
func RulesFor(v Version) Rules {
	if v.IsZero() {
		v = newest
	}
	at := v.AtLeast
	r := Rules{
		Version:      v,
		ModuleBTF:    at(5, 11),
		HeaderSize:   btf.HeaderSize,
		InfoMask:     0x9f00ffff,
		NameLen:      128,
		EmptySection: at(5, 12),
		Dots:         at(6, 4) || backported(v, map[[2]int]int{{5, 10}: 186, {5, 15}: 119, {6, 1}: 36, {6, 3}: 10}),
		ChainWalk:    at(5, 19),
		TagOrder:     at(5, 19) && !at(7, 2),
		EnumFlag:     at(6, 0),
		TagFlag:      at(6, 15),
		Distilled:    at(6, 11),
		KfuncCheck:   at(6, 4),
		SpacedLog:    at(5, 17),
		QuietAllow:   at(6, 3),
		LineMax:      989,
		ModuleSize:   at(6, 4),

		EmbeddedFix: at(6, 14) || backported(v, map[[2]int]int{{6, 12}: 13, {6, 13}: 2}),
	}
	if at(6, 1) {
		r.NameLen = 512
	}
	if at(6, 3) {
		r.LineMax = 1021
	}
	if at(7, 1) {
		r.HeaderSize = btf.HeaderSizeLayout
	}
	switch {
	case at(7, 2):
		r.InfoMask = 0
	case !at(5, 13):
		r.InfoMask = 0x8f00ffff
	}
	switch {
	case at(6, 0):
		r.MaxKind = btf.KindEnum64
	case at(5, 17):
		r.MaxKind = btf.KindTypeTag
	case at(5, 16):
		r.MaxKind = btf.KindDeclTag
	case at(5, 13):
		r.MaxKind = btf.KindFloat
	default:
		r.MaxKind = btf.KindDatasec
	}
	switch {
	case at(6, 9):
		r.KfuncLine = KfuncSingle
	case at(5, 18):
		r.KfuncLine = KfuncPlural
	}
	switch {
	case at(6, 11), backported(v, map[[2]int]int{{6, 10}: 10}):
		r.SectionName = SectionPrintable
	case at(6, 9):
		r.SectionName = SectionTail
	}
	return r
}

// backported reports whether a stable release took a change from upstream: since
// holds the first such release of each stable series.
func backported(v Version, since map[[2]int]int) bool {
	patch, ok := since[[2]int{v.Major, v.Minor}]
	return ok && v.Patch >= patch
}
