// SPDX-License-Identifier: Apache-2.0

package kernel

import "bytes"

// Exports lists the names of the symbols that a vmlinux exports to modules, and
// of their namespaces, which look the same: the strings of __ksymtab_strings
// (include/asm-generic/vmlinux.lds.h). Empty where it has no such section.
func (f *ELF) Exports() ([]string, error) { return f.stringsOf("__ksymtab_strings") }

// Compilers lists what the compilers of its objects wrote into a vmlinux, each
// once: the strings of .comment, "GCC: (SUSE Linux) 11.2.1 20211124 [revision
// ...]". Empty where the section was stripped, as in boot images.
func (f *ELF) Compilers() ([]string, error) {
	all, err := f.stringsOf(".comment")
	seen := map[string]bool{}
	var out []string
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, err
}

// stringsOf lists the strings of a section that end with a NUL each.
func (f *ELF) stringsOf(section string) ([]string, error) {
	data, _, err := f.Section(section)
	if err != nil {
		return nil, err
	}
	var out []string
	for s := range bytes.SplitSeq(data, []byte{0}) {
		if len(s) > 0 {
			out = append(out, string(s))
		}
	}
	return out, nil
}

// ParseSymvers lists the names that the vmlinux exports by the text of a
// Module.symvers (scripts/mod/modpost.c, write_dump): lines of CRC, symbol, module
// and more, separated by tabs. What modules export is left out, and lines that are
// something else are passed over.
func ParseSymvers(text []byte) []string {
	var out []string
	for line := range bytes.Lines(text) {
		fields := bytes.Split(bytes.TrimRight(line, "\n"), []byte("\t"))
		if len(fields) >= 3 && bytes.HasPrefix(fields[0], []byte("0x")) && string(fields[2]) == "vmlinux" {
			out = append(out, string(fields[1]))
		}
	}
	return out
}
