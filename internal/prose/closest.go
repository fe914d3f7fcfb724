// SPDX-License-Identifier: Apache-2.0

package prose

import (
	"fmt"
	"strings"
)

// DidYouMean asks whether name was meant, behind what is wrong; "" without a name.
func DidYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", name)
}

// Closest is the name that is most like a mistyped one, "" if none is like it: it
// begins so, leaves letters out, or few letters are wrong.
func Closest(typed string, names []string) string {
	best, least := "", 1+len(typed)/3
	for _, name := range names {
		n := typos(typed, name)
		switch {
		case strings.EqualFold(typed, name), len(typed) > 2 && strings.HasPrefix(name, typed):
			n = 0
		case len(typed) > 2 && shortened(typed, name):
			n = min(n, 1)
		}
		if n < least {
			best, least = name, n
		}
	}
	return best
}

// shortened reports whether typed is name without some letters, not the first one, and
// has more than half of them: "chk".
func shortened(typed, name string) bool {
	if name == "" || typed[0] != name[0] || 2*len(typed) <= len(name) {
		return false
	}
	for _, c := range []byte(typed) {
		at := strings.IndexByte(name, c)
		if at < 0 {
			return false
		}
		name = name[at+1:]
	}
	return true
}

// typos counts the letters to add, to drop, to replace or to swap with their neighbor
// until one word is the other (the restricted Damerau-Levenshtein distance).
func typos(a, b string) int {
	prev, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := prev
		prev, row = row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
