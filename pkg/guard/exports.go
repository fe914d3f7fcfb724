// SPDX-License-Identifier: Apache-2.0

package guard

import "github.com/obs-btf-guard/obs-btf-guard/internal/explain"

// Exports are the symbols that modules may use, by what lists them; nil where it
// does not.
type Exports struct {
	Ksymtab  []string // strings of the vmlinux, which has those of namespaces as well
	Symvers  []string // the file with it
	Provides []string // ksym(...) of its package, which has those of modules as well
}

// exportsOf picks what lists the exports of both bases: only like can be compared
// with like.
func exportsOf(old, new *Base) explain.Options {
	for _, by := range [][2][]string{
		{old.Exports.Ksymtab, new.Exports.Ksymtab},
		{old.Exports.Symvers, new.Exports.Symvers},
		{old.Exports.Provides, new.Exports.Provides},
	} {
		if len(by[0]) > 0 && len(by[1]) > 0 {
			return explain.Options{OldExports: by[0], NewExports: by[1]}
		}
	}
	return explain.Options{}
}
