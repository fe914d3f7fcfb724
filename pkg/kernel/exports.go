// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"iter"
	"strings"
)

// Bounds on what a vmlinux says of itself in lists of strings. Real ones export
// 12,000 symbols and have a handful of compilers.
const (
	maxExports   = 1 << 18
	maxCompilers = 64
	maxCompiler  = 512 // bytes of one
)

// Exports lists the names of the symbols that a vmlinux exports to modules, and
// of their namespaces, which look the same: the strings of __ksymtab_strings
// (include/asm-generic/vmlinux.lds.h). Empty where it has no such section.
func (f *ELF) Exports() ([]string, error) {
	text, _, err := f.Section("__ksymtab_strings")
	var out []string
	for s := range nulTerminated(text) {
		if len(out) == maxExports {
			return nil, fmt.Errorf("__ksymtab_strings: more than %d strings", maxExports)
		}
		out = append(out, s)
	}
	return out, err
}

// Compilers lists what the compilers of its objects wrote into a vmlinux, each
// once: the strings of .comment, "GCC: (SUSE Linux) 11.2.1 20211124 [revision
// ...]". Empty where the section was stripped, as in boot images. If a .comment has
// too many strings to be written by compilers, only the first are returned.
func (f *ELF) Compilers() ([]string, error) {
	text, _, err := f.Section(".comment")
	seen := map[string]bool{}
	var out []string
	for s := range nulTerminated(text) {
		if s = strings.Clone(s[:min(len(s), maxCompiler)]); seen[s] {
			continue
		}
		if len(out) == maxCompilers {
			break
		}
		seen[s] = true
		out = append(out, s)
	}
	return out, err
}

// nulTerminated yields the strings that a NUL ends, except empty ones.
func nulTerminated(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s := range strings.SplitSeq(string(text), "\x00") {
			if s != "" && !yield(s) {
				return
			}
		}
	}
}

// ParseSymvers lists the names that the vmlinux exports by the text of a
// Module.symvers (scripts/mod/modpost.c, write_dump): lines of CRC, symbol, module
// and more, separated by tabs. Symbols that modules export are left out, and other
// lines are skipped.
func ParseSymvers(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		crc, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		symbol, rest, _ := strings.Cut(rest, "\t")
		if module, _, _ := strings.Cut(rest, "\t"); module == "vmlinux" && strings.HasPrefix(crc, "0x") {
			out = append(out, symbol)
		}
	}
	return out
}
