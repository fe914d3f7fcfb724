// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// consequence says what the verdict means where the module is loaded, one thing
// a line.
func consequence(f *Finding) string {
	var lines []string
	switch f.Verdict {
	case Rejected, Unrelocatable:
		lines = append(lines, f.Verdict.Means(f.Base.Allow))
	case Misread:
		lines = append(lines, f.Verdict.Means(f.Base.Allow))
		lines = append(lines, misreadIDs(f)...)
	case Drifted:
		lines = append(lines, loadsDrifted)
	case Malformed: // on whatever base, or none
		lines = append(lines, doesNotLoad)
	case BTFLost:
		lines = append(lines, loadsUntraceable)
	}
	return strings.Join(lines, "\n")
}

// misreadIDs is about the numbers in .BTF_ids, which the kernel looks at after
// it has accepted the table, in the module's init.
func misreadIDs(f *Finding) []string {
	n := f.evidence.Against[evidence.IDMisnamed]
	switch {
	case n == 0:
		return nil
	case f.Base.Rules.KfuncCheck:
		return []string{fmt.Sprintf(registersFail,
			evidence.IDMisnamed.Count(n))}
	}
	return []string{fmt.Sprintf(registersWrong,
		evidence.IDMisnamed.Count(n))}
}
