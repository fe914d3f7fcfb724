// SPDX-License-Identifier: Apache-2.0

package history

import (
	"path"
	"strings"
)

// literal is the literal text that a pattern begins with, and whether more follows it.
func literal(pattern string) (begin string, more bool) {
	if at := strings.IndexAny(pattern, `*?[\`); at >= 0 {
		return pattern[:at], true
	}
	return pattern, false
}

// like reports whether a kernelrelease matches the filter's pattern, by [path.Match].
// Nothing matches a malformed pattern.
func (f Filter) like(kernelrelease string) bool {
	ok, err := path.Match(f.Kernel, kernelrelease)
	return f.Kernel == "" || ok && err == nil
}
