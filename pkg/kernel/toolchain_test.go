// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestToolchain(t *testing.T) {
	for name, c := range map[string]struct {
		config kernel.Config
		want   kernel.Toolchain
	}{
		"gcc":         {kernel.Config{"CONFIG_CC_VERSION_TEXT": `"gcc (SUSE Linux) 13.3.0"`, "CONFIG_LD_VERSION": "24300", "CONFIG_LLD_VERSION": "0", "CONFIG_PAHOLE_VERSION": "130"}, kernel.Toolchain{"gcc (SUSE Linux) 13.3.0", "GNU ld 2.43.0", "1.30"}},
		"clang":       {kernel.Config{"CONFIG_CC_VERSION_TEXT": `"clang version 19.1.0"`, "CONFIG_LD_VERSION": "0", "CONFIG_LLD_VERSION": "190100"}, kernel.Toolchain{"clang version 19.1.0", "LLD 19.1.0", ""}},
		"before 5.12": {kernel.Config{"CONFIG_LD_VERSION": "235020000"}, kernel.Toolchain{Linker: "GNU ld 2.35.2"}},
		"not quoted":  {kernel.Config{"CONFIG_CC_VERSION_TEXT": `gcc "x`, "CONFIG_LD_VERSION": "-1", "CONFIG_PAHOLE_VERSION": "y"}, kernel.Toolchain{Compiler: `gcc "x`}},
		"no config":   {nil, kernel.Toolchain{}},
	} {
		if got := c.config.Toolchain(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
