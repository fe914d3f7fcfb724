// SPDX-License-Identifier: Apache-2.0

package history

import (
	"path"
	"strings"
)

// literal is what a pattern begins with, and whether anything follows it that
// stands for more than itself.
func literal(pattern string) (begin string, more bool) {
	if at := strings.IndexAny(pattern, `*?[\`); at >= 0 {
		return pattern[:at], true
	}
	return pattern, false
}

// like reports whether a kernelrelease is one of the filter's, whose pattern is one of
// [path.Match]. Nothing is like one that is malformed.
func (f Filter) like(kernelrelease string) bool {
	ok, err := path.Match(f.Kernel, kernelrelease)
	return f.Kernel == "" || ok && err == nil
}
