// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestParseKsym(t *testing.T) {
	for _, c := range []struct {
		name, version  string
		flavor, symbol string
		crc            uint32
		ok             bool
	}{
		{"ksym(default:usb_submit_urb)", "7e1b5c63", "default", "usb_submit_urb", 0x7e1b5c63, true},
		{"ksym(usb_submit_urb)", "0x7e1b5c63", "", "usb_submit_urb", 0x7e1b5c63, true},
		{"kernel(usb_submit_urb)", "0x00000001", "", "usb_submit_urb", 1, true},
		{"kernel(default:drivers_usb)", "000000010000000f", "default", "set drivers_usb", 0xe, true},
		{"kernel(default:drivers_usb)", "something", "default", "set drivers_usb", 0, false},
		{"ksym(default:)", "1", "default", "", 1, false},
		{"ksym(default:x)", "", "default", "x", 0, false},
		{"ksym(default:x)", "123456789", "default", "x", 0xffffffff, false},
		{"ksym(default:x", "1", "", "", 0, false},
		{"kernel-default", "5.14", "", "", 0, false},
		{"kernel-btf(default:sha256:00)", "", "", "", 0, false},
	} {
		flavor, symbol, crc, ok := kernel.ParseKsym(c.name, c.version)
		if ok != c.ok || ok && (flavor != c.flavor || symbol != c.symbol || crc != c.crc) {
			t.Errorf("%s = %s: %q %q %x %v", c.name, c.version, flavor, symbol, crc, ok)
		}
	}
}
