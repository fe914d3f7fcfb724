// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// versions are the kernels on which every row of a table is tried: those in
// which a rule changed, and one on either side.
var versions = []string{
	"5.11", "5.12", "5.13", "5.16", "5.17", "5.18", "5.19", "6.0", "6.1", "6.3", "6.4",
	"6.9", "6.11", "6.12", "6.15", "7.0", "7.1", "7.2", "7.3",
}

// row is a module and what each kernel says to it.
type row struct {
	name  string
	add   func(m *btftest.Writer)
	edit  func(h *btf.Header)
	cut   func(data []byte) []byte
	wants []want
}

// want is the answer of the kernels from one on. The log is written as the
// fragments the kernel prints, "|" between them.
type want struct {
	since string
	errno verify.Errno
	log   string
	typed bool // the lines describe a type or a member
}

func ok(since string) want { return want{since: since} }

// plain is EINVAL with one line that is never kept quiet.
func plain(since, log string) want { return want{since, verify.EINVAL, log, false} }

// typed is EINVAL with the lines that a type or a member makes.
func typed(since, log string) want { return want{since, verify.EINVAL, log, true} }

// newBase is the running kernel's table. Its types end at [3] and its strings at
// 10.
func newBase() *btftest.Writer {
	w := btftest.New()
	w.Int("int", 4, 1, 32) // [1]
	w.TypeTag("user", 1)   // [2]
	w.Const(1)             // [3]
	return w
}

const (
	first       = 4  // the module's first type
	firstString = 10 // the module's first string
)

// run tries the rows on all versions.
func run(t *testing.T, rows []row) {
	t.Helper()
	baseWriter := newBase()
	base := baseWriter.Table(t)
	if base.EndID() != first || base.EndString() != firstString {
		t.Fatalf("the base ends at [%d] and %d", base.EndID(), base.EndString())
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			m := baseWriter.Split()
			if r.add != nil {
				r.add(m)
			}
			var edits []func(*btf.Header)
			if r.edit != nil {
				edits = append(edits, r.edit)
			}
			data := m.Bytes(edits...)
			if r.cut != nil {
				data = r.cut(data)
			}
			for _, version := range versions {
				w := r.at(t, version)
				res := verify.Module(data, base, rules(t, version))
				check(t, version, res, w)
				if res.Accepted() && (res.Table == nil || res.Table.Base() != base) {
					t.Errorf("%s: accepted, and the table is %v", version, res.Table)
				}
			}
		})
	}
}

// at is the row's answer for a version.
func (r row) at(t *testing.T, version string) want {
	t.Helper()
	found := -1
	for i, w := range r.wants {
		if !slices.Contains(versions, w.since) {
			t.Fatalf("%s is not among the versions", w.since)
		}
		if slices.Index(versions, w.since) <= slices.Index(versions, version) {
			found = i
		}
	}
	if found < 0 {
		t.Fatalf("nothing wanted for %s", version)
	}
	return r.wants[found]
}

func rules(t testing.TB, version string) verify.Rules {
	t.Helper()
	v, err := verify.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	return verify.RulesFor(v)
}

func check(t *testing.T, version string, res verify.Result, w want) {
	t.Helper()
	var lines []verify.Line
	if w.log != "" {
		old := slices.Index(versions, version) < slices.Index(versions, "5.17")
		for i, f := range strings.Split(w.log, "|") {
			prefix := "BPF: "
			if old {
				prefix = "BPF:"
			}
			lines = append(lines, verify.Line{Text: prefix + f, Typed: w.typed})
			// The last of several fragments is the newline, which old kernels double.
			if old && i > 0 && f == "" {
				lines = append(lines, verify.Line{Text: "", Typed: w.typed})
			}
		}
	}
	if res.Errno != w.errno || res.Accepted() != (w.errno == 0) || !slices.Equal(res.Lines, lines) {
		t.Errorf("%s:\n got %d %+v\nwant %d %+v", version, res.Errno, res.Lines, w.errno, lines)
	}
	if !res.Accepted() && res.Table != nil {
		t.Errorf("%s: refused, with a table", version)
	}
}
