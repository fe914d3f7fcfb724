// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// Toolchain is what a kernel's config says it was built with. What the config
// does not say, or a kernel whose config is not known, is "".
type Toolchain struct {
	Compiler string `json:"compiler,omitempty"` // "gcc (SUSE Linux) 11.2.1 20211124"
	Linker   string `json:"linker,omitempty"`   // "GNU ld 2.37.0"
	Pahole   string `json:"pahole,omitempty"`   // "1.22"
}

// Toolchain reads the options that Kconfig sets by asking the tools
// (init/Kconfig, scripts/cc-version.sh, ld-version.sh, pahole-version.sh).
func (c Config) Toolchain() Toolchain {
	var t Toolchain
	if text, ok := c.Get("CONFIG_CC_VERSION_TEXT"); ok {
		t.Compiler = strings.Trim(text, `"`)
		if plain, err := strconv.Unquote(text); err == nil {
			t.Compiler = plain
		}
	}
	if n := c.number("CONFIG_LLD_VERSION"); n > 0 {
		t.Linker = "LLD " + toolVersion(n)
	} else if n := c.number("CONFIG_LD_VERSION"); n > 0 {
		if n >= 100_000_000 { // before 5.12: 2.37 is 237000000
			n /= 10_000
		}
		t.Linker = "GNU ld " + toolVersion(n)
	}
	if n := c.Pahole(); n > 0 {
		t.Pahole = fmt.Sprintf("%d.%02d", n/100, n%100)
	}
	return t
}

// Pahole is the version of the pahole that made the BTF, 122 for 1.22, 0 where the config
// does not say it.
func (c Config) Pahole() int { return max(0, c.number("CONFIG_PAHOLE_VERSION")) }

// AboutTools reports whether an option is set by asking a tool for its version,
// or by what it can do.
func AboutTools(option string) bool {
	for _, prefix := range []string{"CONFIG_CC_", "CONFIG_GCC_", "CONFIG_CLANG_", "CONFIG_AS_", "CONFIG_LD_", "CONFIG_LLD_", "CONFIG_PAHOLE_", "CONFIG_RUSTC_", "CONFIG_BINDGEN_"} {
		if strings.HasPrefix(option, prefix) && (strings.HasSuffix(option, "_VERSION") || strings.HasSuffix(option, "_VERSION_TEXT") ||
			strings.Contains(option, "_HAS_") || strings.Contains(option, "_CAN_") || strings.Contains(option, "_IS_")) {
			return true
		}
	}
	return false
}

// number is 0 for an option that is no number, and for a tool that was not there.
func (c Config) number(option string) int {
	text, _ := c.Get(option)
	n, _ := strconv.Atoi(text)
	return n
}

// toolVersion writes 23701 as 2.37.1.
func toolVersion(n int) string { return fmt.Sprintf("%d.%d.%d", n/10_000, n/100%100, n%100) }
