// SPDX-License-Identifier: Apache-2.0

package kernel

import "strings"

// defaultFlavor is the flavor of a kernel whose release does not name one.
const defaultFlavor = "default"

// Flavor is the kernel's flavor by its kernelrelease: what follows the last
// "-" or "+" and is no number.
//
//	5.15.12-1-default           default   openSUSE
//	6.4.0-150600.23-rt_debug    rt_debug
//	6.1.0-53-amd64              amd64     Debian
//	6.5.6-300.fc39.x86_64+debug debug     Fedora
//	5.14.0-427.el9.aarch64+64k  64k       only behind "+" may it start with a digit
//	6.5.6-300.fc39.x86_64       default
//	6.19.0-rc3                  default   a release candidate, not a flavor
func Flavor(krel string) string {
	at := strings.LastIndexAny(krel, "-+")
	if at < 0 || at == len(krel)-1 {
		return defaultFlavor
	}
	last := krel[at+1:]
	if krel[at] == '-' && (!startsWithLetter(last) || isReleaseCandidate(last)) {
		return defaultFlavor
	}
	return last
}

func startsWithLetter(s string) bool {
	return 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z'
}

func isReleaseCandidate(s string) bool {
	number, ok := strings.CutPrefix(s, "rc")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}
