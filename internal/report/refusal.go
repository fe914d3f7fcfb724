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
		t.Line("%s refused  %s: its own kernel refuses its .BTF", t.severity(r.Severity), name)
		t.log(guard.Finding{Base: b}, r.Log)
		for line := range strings.SplitSeq(r.Consequence, "\n") {
			t.Paragraph("        => ", line)
		}
		if r.Cause != "" {
			t.Paragraph("        ", "cause, most likely: "+r.Cause)
		}
		t.ruling(r.Ruling)
	}
	if len(list) > 0 {
		t.Line("")
	}
}

// refusalLines are a refusal for people.
func refusalLines(r guard.Refusal) []string {
	lines := []string{kernelName(r.Base) + " will log:"}
	lines = append(lines, dmesg(r.Log)...)
	lines = append(lines, strings.Split(r.Consequence, "\n")...)
	if r.Cause != "" {
		lines = append(lines, "cause, most likely: "+r.Cause, r.Remedy)
	}
	return lines
}

// thisKernel is one whose code is not what its version says.
const thisKernel = "this kernel"

// kernelName says who logs something: Linux of a version, unless its code is another's.
func kernelName(b *guard.Base) string {
	switch {
	case b.Conflict != "":
		return thisKernel
	case b.Version.IsZero():
		return "Linux"
	}
	return "Linux " + b.Version.String()
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
