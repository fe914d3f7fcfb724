// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"iter"
	"strings"
)

// Modinfo is a module's .modinfo section: "key=value" strings, each ended by
// one or more NULs (include/linux/moduleparam.h). Keys may repeat: a driver has
// one alias for each device.
type Modinfo string

// All yields the entries in file order. An entry without "=" has an empty value.
func (m Modinfo) All() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for entry := range strings.SplitSeq(string(m), "\x00") {
			key, value, _ := strings.Cut(entry, "=")
			if key != "" && !yield(key, value) {
				return
			}
		}
	}
}

// Get returns the first value of key, the one the kernel goes by
// (get_next_modinfo in kernel/module/main.c).
func (m Modinfo) Get(key string) (value string, ok bool) {
	for k, v := range m.All() {
		if k == key {
			return v, true
		}
	}
	return "", false
}
