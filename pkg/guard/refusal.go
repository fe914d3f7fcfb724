// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// Refusal is a verdict on a vmlinux, always Refused: its own kernel will not read
// its .BTF. Such a kernel boots, and then has no types of anything.
type Refusal struct {
	Base     *Base
	Severity Severity
	Ruling   *Ruling // nil where the severity is the verdict's own
	Errno    int     // negative
	Log      []string
	// Cause is what most likely made such a table, and Remedy what to do, a sentence
	// each; both are "" where nothing tells.
	Cause, Remedy string
	Consequence   string // a line for each thing
}

// Refusal is what the base's own kernel makes of its .BTF; ok is false if that takes
// it, or there is none.
func (b *Base) Refusal() (r Refusal, ok bool) {
	if b.Refused == nil {
		return Refusal{}, false
	}
	r = Refusal{Base: b, Severity: Refused.Severity(), Errno: int(b.Refused.Errno), Cause: b.cause.what, Remedy: b.cause.remedy}
	if b.Origin == Against { // an older build is only compared with
		r.Severity = Warn
	}
	for _, l := range b.Refused.Lines {
		r.Log = append(r.Log, l.Text)
	}
	r.Consequence = bootsWithout
	if !b.IgnoresModules {
		r.Consequence += moduleOfIt + refused(b.Allow)
	}
	return r, true
}

// refusals lists the bases that their own kernels refuse.
func refusals(bases []*Base) []Refusal {
	var out []Refusal
	for _, b := range bases {
		if r, ok := b.Refusal(); ok {
			out = append(out, r)
		}
	}
	return out
}

// cause is what most likely led to a table that its kernel refuses.
type cause struct{ what, remedy string }

// causeOf works it out from what the kernel says and the table as far as it can be
// laid out, nil if it cannot. What is known comes from public reports:
// ClangBuiltLinux#2089 (overlapping variables), Rust-for-Linux#735 (Rust units), the
// kernel's commit 9724160b3942 (names with dots); which kernel reads which kind from
// [verify.RulesFor].
func causeOf(res *verify.Result, table *btf.Table, b *Base) cause {
	var text strings.Builder
	for _, l := range res.Lines {
		text.WriteString(l.Text)
		text.WriteByte('\n')
	}
	said := text.String()
	version := "this kernel"
	if !b.Version.IsZero() {
		version = "Linux " + b.Version.String()
	}
	rust := findRust(table)
	switch {
	case strings.Contains(said, "Unsupported btf_header"):
		return cause{"pahole wrote a header that is longer than this kernel knows: the layout of kinds, which Linux 7.1 and later read.",
			"Take \"layout\" out of what the kernel's build asks pahole for (--btf_features), or use the pahole and the build scripts of this kernel's time."}
	case rust.name != "" && strings.Contains(said, "Invalid name"):
		return cause{fmt.Sprintf("types of Rust code are in it, such as %s, whose names no kernel reads.", rust.name), excludeRust}
	case rust.unit != "" && strings.Contains(said, "ember bits_offset"):
		return cause{fmt.Sprintf("types of Rust code are in it (the INT %s is one): Rust lays members out in another order than it names them, which no kernel reads.", rust.unit), excludeRust}
	case strings.Contains(said, "Invalid kind:19"):
		return cause{version + " does not read ENUM64, which pahole 1.24 and later write by default.",
			"Pass pahole --skip_encoding_btf_enum64, as the scripts of stable kernels do, or use an older pahole."}
	case strings.Contains(said, "Invalid kind:"):
		return cause{version + " does not read a kind of type that this pahole writes.", "Use the pahole and the build scripts of this kernel's time."}
	case strings.Contains(said, "Invalid btf_info kind_flag"):
		return cause{version + " does not read signed enumerations or flagged tags, which a newer pahole wrote.",
			"Pass pahole --skip_encoding_btf_enum64, or use the pahole and the build scripts of this kernel's time."}
	case strings.Contains(said, "Invalid name") && strings.Contains(said, "."):
		return cause{version + " does not take the dot in a name that compilers make up (asan.module_ctor, for one); Linux 6.4 and later do, and of older series 5.10.186, 5.15.119, 6.1.36 and 6.3.10.",
			"Take over the kernel's commit 9724160b3942, or keep such functions out of what pahole reads."}
	case strings.Contains(said, "Invalid offset") && sections(table):
		return cause{"variables of a section overlap: the compiler merged them (clang 20 and later do so on ppc64).",
			"Use a newer pahole, or have the compiler not merge global variables."}
	}
	return cause{}
}

const excludeRust = "Have pahole leave them out: --lang_exclude=rust, which the kernel's scripts pass with pahole 1.24 and later."

// rust is what tells that pahole read units of Rust code, "" each if nothing does.
type rust struct {
	name string // the first that only Rust makes: core::option::Option<&str>, {closure_env#0}, (u8, char)
	unit string // the first of its integers: in C u32 is a typedef, and usize is not there
}

func findRust(table *btf.Table) (r rust) {
	if table == nil {
		return r
	}
	for t := range table.Types() {
		name := table.Name(t)
		if r.name == "" && (strings.Contains(name, "::") || strings.ContainsAny(name, "<&({")) {
			r.name = name
		}
		if r.unit == "" && t.Kind() == btf.KindInt && slices.Contains(rustInts, name) {
			r.unit = name
		}
	}
	return r
}

var rustInts = []string{"u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"}

// sections reports whether a table has sections with variables.
func sections(table *btf.Table) bool {
	if table == nil {
		return true // it was not read as far
	}
	for t := range table.Types() {
		if t.Kind() == btf.KindDatasec {
			return true
		}
	}
	return false
}
