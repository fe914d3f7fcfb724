// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Toolchain is what a kernel's config says it was built with. What the config
// does not say, or a kernel whose config is not known, is "".
type Toolchain struct {
	Compiler string `json:"compiler,omitempty"` // "gcc (SUSE Linux) 11.2.1 20211124"
	Linker   string `json:"linker,omitempty"`   // "GNU ld 2.37.0"
	Pahole   string `json:"pahole,omitempty"`   // "1.22"
}

// toolchain reads the options that Kconfig sets by asking the tools
// (init/Kconfig, scripts/cc-version.sh, ld-version.sh, pahole-version.sh).
func toolchain(c kernel.Config) Toolchain {
	var t Toolchain
	if text, ok := c.Get("CONFIG_CC_VERSION_TEXT"); ok {
		t.Compiler = strings.Trim(text, `"`)
		if plain, err := strconv.Unquote(text); err == nil {
			t.Compiler = plain
		}
	}
	if n := number(c, "CONFIG_LLD_VERSION"); n > 0 {
		t.Linker = "LLD " + version(n)
	} else if n := number(c, "CONFIG_LD_VERSION"); n > 0 {
		if n >= 100_000_000 { // before 5.12: 2.37 is 237000000
			n /= 10_000
		}
		t.Linker = "GNU ld " + version(n)
	}
	if n := number(c, "CONFIG_PAHOLE_VERSION"); n > 0 { // 1.22 is 122
		t.Pahole = fmt.Sprintf("%d.%02d", n/100, n%100)
	}
	return t
}

// number is 0 for an option that is no number, and for a tool that was not there.
func number(c kernel.Config, option string) int {
	text, _ := c.Get(option)
	n, _ := strconv.Atoi(text)
	return n
}

// version writes 23701 as 2.37.1.
func version(n int) string { return fmt.Sprintf("%d.%d.%d", n/10_000, n/100%100, n%100) }
