// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// refusals write the kernels that refuse their own BTF: nothing else that is said of
// them counts as much.
func (t *text) refusals(list []guard.Refusal) {
	for _, r := range list {
		b := r.Base
		name := b.Label()
		if b.Release != "" {
			name += " (" + b.Release + ")"
		}
		t.line("%s refused  %s: its own kernel refuses its .BTF", t.severity(r.Severity), name)
		t.log(guard.Finding{Base: b}, r.Log)
		for line := range strings.SplitSeq(r.Consequence, "\n") {
			t.paragraph("        => ", line)
		}
		if r.Cause != "" {
			t.paragraph("        ", "cause, most likely: "+r.Cause)
		}
		t.ruling(r.Ruling)
	}
	if len(list) > 0 {
		t.line("")
	}
}

// refusalLines are a refusal for people.
func refusalLines(r guard.Refusal) []string {
	lines := []string{strings.Join(strings.Fields("Linux "+kernelVersion(r.Base)), " ") + " will log:"}
	for _, s := range r.Log {
		lines = append(lines, "| "+s)
	}
	lines = append(lines, strings.Split(r.Consequence, "\n")...)
	if r.Cause != "" {
		lines = append(lines, "cause, most likely: "+r.Cause, r.Remedy)
	}
	return printables(append(lines, ruled(r.Ruling)...))
}

func kernelVersion(b *guard.Base) string {
	if b.Version.IsZero() {
		return ""
	}
	return b.Version.String()
}

// refusalPlace is the package or file of a kernel, as the outside knows it, and the name that
// the next build has as well.
func refusalPlace(b *guard.Base) (file, name string) {
	if b.Package != nil {
		return b.Package.Path, b.Package.Name
	}
	return b.Path, b.Flavor
}

// refusalSaid is the line that says most: the last that is not empty.
func refusalSaid(r guard.Refusal) string {
	for _, s := range slices.Backward(r.Log) {
		if s = strings.TrimSpace(strings.TrimPrefix(s, "BPF:")); s != "" {
			return s
		}
	}
	return ""
}

func refusalsTable(list []guard.Refusal) Table {
	t := Table{Caption: "Kernels that refuse their own .BTF", Head: Heads("Kernel", "Result", "File", "Why")}
	for _, r := range list {
		t.Rows = append(t.Rows, []Cell{
			{Text: r.Base.Label()}, severityCell(r.Severity), {Text: r.Base.Path},
			{Text: meanings[guard.Refused], More: refusalLines(r)},
		})
	}
	return t
}
