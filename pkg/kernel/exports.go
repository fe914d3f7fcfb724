// SPDX-License-Identifier: Apache-2.0

package kernel

import "bytes"

// Exports lists the names of the symbols that a vmlinux exports to modules, and
// of their namespaces, which look the same: the strings of __ksymtab_strings
// (include/asm-generic/vmlinux.lds.h). Empty where it has no such section.
func (f *ELF) Exports() ([]string, error) {
	data, _, err := f.Section("__ksymtab_strings")
	if err != nil {
		return nil, err
	}
	var out []string
	for name := range bytes.SplitSeq(data, []byte{0}) {
		if len(name) > 0 {
			out = append(out, string(name))
		}
	}
	return out, nil
}
