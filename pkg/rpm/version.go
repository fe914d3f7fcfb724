// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"cmp"
	"strings"
)

// CompareEVR is rpm's order of the builds of a package (lib/rpmver.cc, rpmVersionCompare):
// by epoch, version and release. Both are [epoch:]version-release; no epoch is 0.
func CompareEVR(a, b string) int {
	epochA, versionA, releaseA := cutEVR(a)
	epochB, versionB, releaseB := cutEVR(b)
	return cmp.Or(CompareVersions(epochA, epochB), CompareVersions(versionA, versionB), CompareVersions(releaseA, releaseB))
}

// cutEVR cuts at the last hyphen: a version of Debian may have others.
func cutEVR(evr string) (epoch, version, release string) {
	epoch, version, ok := strings.Cut(evr, ":")
	if !ok {
		epoch, version = "0", evr
	}
	if at := strings.LastIndexByte(version, '-'); at >= 0 {
		version, release = version[:at], version[at+1:]
	}
	return epoch, version, release
}

// CompareVersions is rpm's order of versions (rpmio/rpmvercmp.c): runs of digits
// by value, runs of letters by byte, digits after letters, "~" before the end and
// "^" after it. What separates the runs does not count.
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		a, b = strings.TrimLeftFunc(a, separates), strings.TrimLeftFunc(b, separates)
		switch ta, tb := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~"); {
		case ta && tb:
			a, b = a[1:], b[1:]
			continue
		case ta:
			return -1
		case tb:
			return 1
		}
		switch ca, cb := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^"); {
		case ca && cb:
			a, b = a[1:], b[1:]
			continue
		case ca && b == "", cb && a != "":
			return 1
		case ca, cb:
			return -1
		}
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		na, nb := isDigit(rune(a[0])), isDigit(rune(b[0]))
		if na != nb {
			if na {
				return 1
			}
			return -1
		}
		in := isLetter
		if na {
			in = isDigit
		}
		var ra, rb string
		ra, a = leading(a, in)
		rb, b = leading(b, in)
		if na {
			ra, rb = strings.TrimLeft(ra, "0"), strings.TrimLeft(rb, "0")
			if c := cmp.Compare(len(ra), len(rb)); c != 0 {
				return c
			}
		}
		if c := strings.Compare(ra, rb); c != 0 {
			return c
		}
	}
	return 0
}

func leading(s string, in func(rune) bool) (first, rest string) {
	rest = strings.TrimLeftFunc(s, in)
	return s[:len(s)-len(rest)], rest
}

func isDigit(r rune) bool   { return '0' <= r && r <= '9' }
func isLetter(r rune) bool  { return 'a' <= r|0x20 && r|0x20 <= 'z' }
func separates(r rune) bool { return !isDigit(r) && !isLetter(r) && r != '~' && r != '^' }
