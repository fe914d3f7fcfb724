// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// consequence says what the verdict means where the module is loaded, one thing
// a line.
func consequence(f *Finding) string {
	var lines []string
	switch f.Verdict {
	case Rejected, Unrelocatable:
		lines = append(lines, refused(f.Base.Allow))
	case Misread:
		lines = append(lines, "loads, and the kernel reads wrong types: tracing and BPF programs silently get wrong data")
		lines = append(lines, misreadIDs(f)...)
	case Drifted:
		lines = append(lines, "loads; programs see the changed types as this vmlinux has them, the module's code has them as they were")
	case BTFLost:
		lines = append(lines, "loads, and its functions and types cannot be traced")
	case Malformed:
		lines = append(lines, "does not load")
	}
	return strings.Join(lines, "\n")
}

func refused(allow verify.Allow) string {
	switch allow {
	case verify.AllowYes:
		return "loads without BTF (CONFIG_MODULE_ALLOW_BTF_MISMATCH=y): fentry, kfuncs and CO-RE on its types are gone"
	case verify.AllowNo:
		return "does not load (CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set)"
	}
	return "does not load, or loads without BTF where CONFIG_MODULE_ALLOW_BTF_MISMATCH=y: this kernel's config is not known"
}

// misreadIDs is about the numbers in .BTF_ids, which the kernel looks at after
// it has accepted the table, in the module's init.
func misreadIDs(f *Finding) []string {
	n := f.evidence.Against[evidence.IDMisnamed]
	switch {
	case n == 0:
		return nil
	case f.Base.Rules.KfuncCheck:
		return []string{fmt.Sprintf("%s: registering kfuncs by them fails, and mostly the module's init with it",
			evidence.IDMisnamed.Count(n))}
	}
	return []string{fmt.Sprintf("%s: functions that are no kfuncs may be called as such, or get the flags of others",
		evidence.IDMisnamed.Count(n))}
}
