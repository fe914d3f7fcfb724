// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestConfig(t *testing.T) {
	config := kernel.ParseConfig([]byte("#\n# Automatically generated file; DO NOT EDIT.\n#\n" +
		"CONFIG_CC_VERSION_TEXT=\"gcc (SUSE Linux) 15 = new\"\r\n" +
		"CONFIG_BPF=y\nCONFIG_USB_IPHETH=m\nCONFIG_NR_CPUS=8192\n" +
		"# CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set\n" +
		"# CONFIG_SENTENCE is not a setting\n" +
		"CONFIG_TWICE=y\n# CONFIG_TWICE is not set\n" +
		"NOT_AN_OPTION=y\nCONFIG_LAST=y"))
	for _, c := range []struct {
		option, value string
		on, known     bool
	}{
		{"CONFIG_BPF", "y", true, true},
		{"CONFIG_USB_IPHETH", "m", true, true},
		{"CONFIG_NR_CPUS", "8192", false, true},
		{"CONFIG_CC_VERSION_TEXT", `"gcc (SUSE Linux) 15 = new"`, false, true},
		{"CONFIG_MODULE_ALLOW_BTF_MISMATCH", "n", false, true},
		{"CONFIG_TWICE", "n", false, true},
		{"CONFIG_LAST", "y", true, true},
		{"CONFIG_SENTENCE", "", false, false},
		{"CONFIG_MISSING", "", false, false},
		{"NOT_AN_OPTION", "", false, false},
	} {
		if value, known := config.Get(c.option); value != c.value || known != c.known {
			t.Errorf("Get(%s) = %q, %v", c.option, value, known)
		}
		if on, known := config.Enabled(c.option); on != c.on || known != c.known {
			t.Errorf("Enabled(%s) = %v, %v", c.option, on, known)
		}
	}
	if _, known := kernel.Config(nil).Get("CONFIG_BPF"); known {
		t.Error("a nil Config knows something")
	}
}
