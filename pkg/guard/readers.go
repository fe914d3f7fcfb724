// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/readers"
)

// readersRefuse notes a table that the kernel takes and readers in user space do not.
func (j *judging) readersRefuse(f *Finding, table *btf.Table) {
	if table == nil || !f.Kernel.Accepts {
		return
	}
	base := j.readers.get(f.Base, func() *readers.Base { return readers.NewBase(f.Base.Table) })
	raw := f.Module.BTF
	if f.Module.Distilled && f.Base.Rules.Distilled {
		raw = nil
	}
	refusals := base.Refusals(table, raw, f.evidence)
	if refusals == nil {
		return
	}
	if f.Verdict == Misread { // it follows from the verdict, and weighs with it
		f.Consequence += "\n" + readers.Sentence(refusals)
		for _, r := range refusals {
			f.Reasons = append(f.Reasons, r.String())
		}
		return
	}
	severity := Warn
	if readers.Common(table, refusals) {
		severity = OK
	}
	var why []string
	for _, r := range refusals {
		why = append(why, r.String())
	}
	f.Notes = append(f.Notes, Note{Rule: ReadersRefuse, Severity: severity, Message: readers.Sentence(refusals) + " (" + strings.Join(why, "; ") + ")"})
}
