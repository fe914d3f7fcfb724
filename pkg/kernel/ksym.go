// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"iter"
	"strconv"
	"strings"
)

// ParseKsym reads a dependency of a package on a kernel symbol, in the forms that
// the generators of distributions write:
//
//	ksym(default:usb_submit_urb) = 7e1b5c63     openSUSE: flavor, symbol and CRC
//	kernel(usb_submit_urb) = 0x7e1b5c63         RHEL, Fedora: of the kernel
//	ksym(usb_submit_urb) = 0x7e1b5c63           RHEL, Fedora: of another module
//	kernel(default:drivers_usb) = 3d22eba1c4…   SLE 11: of a set of symbols
//
// flavor is "" where the form has none. A set of symbols counts as a symbol
// named "set <name>", with the two halves of its 64 bits as the CRC.
func ParseKsym(name, version string) (flavor, symbol string, crc uint32, ok bool) {
	inside, isKsym := strings.CutPrefix(name, "ksym(")
	if !isKsym {
		if inside, ok = strings.CutPrefix(name, "kernel("); !ok {
			return "", "", 0, false
		}
	}
	if inside, ok = strings.CutSuffix(inside, ")"); !ok {
		return "", "", 0, false
	}
	flavor, symbol, named := strings.Cut(inside, ":")
	switch {
	case !named:
		flavor, symbol = "", inside
	case !isKsym:
		n, err := strconv.ParseUint(version, 16, 64)
		return flavor, "set " + symbol, uint32(n>>32) ^ uint32(n), err == nil
	}
	crc, ok = parseCRC(version)
	return flavor, symbol, crc, ok && symbol != ""
}

// Ksyms picks the symbols and CRCs from dependencies, given as name and version,
// whatever their flavor.
func Ksyms(dependencies iter.Seq2[string, string]) iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for name, version := range dependencies {
			if _, symbol, crc, ok := ParseKsym(name, version); ok && !yield(symbol, crc) {
				return
			}
		}
	}
}
