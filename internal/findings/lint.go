// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Lint writes one line for each finding that is not ok, as rpmlint does and editors
// read:
//
//	kernel-default.x86_64: E: btf-rejected /usr/lib/modules/.../ipheth.ko on kernel-default-5.15.12-1.3.x86_64: ...
//
// Of those of one package that share rule, severity and suite it writes at most so
// many, 0 for all.
func (r *Report) Lint(w io.Writer, most int) error {
	out := prose.NewWriter(w, false)
	line := func(where, letter, rule, text string) {
		out.Line("%s: %s: %s %s", where, letter, ID(rule), strings.Join(strings.Fields(text), " "))
	}
	for _, p := range r.Problems {
		line(p.Path, "E", Unreadable.Name, p.Err.Error())
	}
	type kind struct {
		owner, rule, suite, title string
		severity                  guard.Severity
	}
	count := map[kind]int{}
	for _, f := range r.Findings {
		if f.Rule == "" || f.Severity == guard.OK {
			continue
		}
		k := kind{f.Place.Owner, f.Rule, f.Question.Suite, f.Question.Title, f.Severity}
		if count[k]++; most > 0 && count[k] > most {
			continue
		}
		said := f.Said()
		if f.Place.Path == "" && f.Place.Is == "" && f.Message != "" {
			said = f.Message // the line names the package already
		}
		line(f.Place.Owner, letters[f.Severity], f.Rule, said)
	}
	return out.Flush()
}

var letters = map[guard.Severity]string{guard.Warn: "W", guard.Rebuild: "W", guard.Fail: "E"}
