// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestParseBanner(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want kernel.Banner
	}{
		"openSUSE": {
			"Linux version 5.15.12-1-default (geeko@buildhost) (gcc (SUSE Linux) 11.2.1 20211124 [revision 7510c23c1ec5], GNU ld (GNU Binutils; openSUSE Tumbleweed) 2.37.20210803-2) #1 SMP PREEMPT Wed Dec 29 14:50:16 UTC 2021 (375fcb8)",
			kernel.Banner{"geeko@buildhost", "gcc (SUSE Linux) 11.2.1 20211124 [revision 7510c23c1ec5]", "GNU ld (GNU Binutils; openSUSE Tumbleweed) 2.37.20210803-2", "#1 SMP PREEMPT Wed Dec 29 14:50:16 UTC 2021 (375fcb8)"},
		},
		"clang": {
			"Linux version 6.6.0 (a@b) (clang version 17.0.6 (https://example.org/llvm abc, def), LLD 17.0.6) #2 SMP",
			kernel.Banner{"a@b", "clang version 17.0.6 (https://example.org/llvm abc, def)", "LLD 17.0.6", "#2 SMP"},
		},
		"no linker":         {"Linux version 5.4.0 (a@b) (gcc version 7.5.0 (SUSE Linux)) #1 SMP", kernel.Banner{"a@b", "gcc version 7.5.0 (SUSE Linux)", "", "#1 SMP"}},
		"host with a paren": {"Linux version 5.4.0 (a@b(c)) (gcc) #1", kernel.Banner{"a@b(c)", "gcc", "", "#1"}},
		"no compiler":       {"Linux version 5.4.0 (a@b) #1 SMP", kernel.Banner{Builder: "a@b"}},
		"never closed":      {"Linux version 5.4.0 (a@b", kernel.Banner{}},
		"no banner":         {"Windows version 5 (a@b) (c) #1", kernel.Banner{}},
		"release alone":     {"Linux version 5.4.0", kernel.Banner{}},
		"empty":             {"", kernel.Banner{}},
	} {
		if got := kernel.ParseBanner(c.text); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
