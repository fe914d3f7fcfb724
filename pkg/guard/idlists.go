// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// readIDLists reads the lists of .BTF_ids of a module with .BTF.base. Where nothing
// says what they are, since strip took the symbols away, they stay unknown; where
// symbols say it and contradict the section, that is kept.
func (m *Module) readIDLists(opened *kernel.Module) error {
	symbols, err := ids.Symbols(opened)
	if err != nil {
		return err
	}
	section, err := ids.Parse(opened.BTFIDs, opened.Order, symbols)
	if err == nil {
		m.idLists = section.Lists
	} else if slices.ContainsFunc(symbols, ids.Symbol.Marks) {
		m.idsUnread = err
	}
	return nil
}

// relocatedIDs checks the numbers in .BTF_ids of a module that relocates: those that
// the kernel relocates must count in the distilled pair (split), or registering by
// them fails; the others must count in this vmlinux.
func (f *Finding) relocatedIDs(split *btf.Table) {
	if err := f.Module.idsUnread; err != nil {
		f.Notes = append(f.Notes, Note{Rule: KfuncsLost, Severity: Warn, Message: fmt.Sprintf(kfuncsUnread, err)})
	}
	for _, l := range f.Module.idLists {
		if !l.Use.Relocated() {
			if err := l.Check(f.table); err != nil {
				f.Notes = append(f.Notes, Note{Rule: IDsUnrelocated, Severity: Warn, Message: fmt.Sprintf(
					idsNotRelocated, err)})
			}
			continue
		}
		if err := l.Check(split); err != nil {
			f.Verdict = Misread
			f.Reasons = append(f.Reasons, fmt.Sprintf(idsNotInBase, err))
			f.evidence.Against[evidence.IDMisnamed]++
		}
	}
}
