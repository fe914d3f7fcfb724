// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestParseVersion holds which version each way of writing one gives.
func TestParseVersion(t *testing.T) {
	tests := map[string]verify.Version{
		"6.1":                  {Major: 6, Minor: 1},
		"5.15.12":              {Major: 5, Minor: 15, Patch: 12},
		"v7.2-rc1":             {Major: 7, Minor: 2},
		"5.15.12-1-default":    {Major: 5, Minor: 15, Patch: 12},
		"6.4.0-150600.23.7":    {Major: 6, Minor: 4},
		"6.12.117+deb12-amd64": {Major: 6, Minor: 12, Patch: 117},
		"6.1.0-53-amd64":       {Major: 6, Minor: 1},
		"6.19-rc3.git5":        {Major: 6, Minor: 19},
		"Linux version 5.15.12-1-default (geeko@buildhost) (gcc (SUSE Linux) 11.2.1 20211124) #1 SMP":                                                                                  {Major: 5, Minor: 15, Patch: 12},
		"Linux version 6.1.0-53-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP Debian 6.1.187-1 (2026-03-02)":                                        {Major: 6, Minor: 1, Patch: 187},
		"Linux version 6.1.0-9-amd64 (x) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP Debian 6.1.27-1~bpo11+1 (2023-05-08)":                                                               {Major: 6, Minor: 1, Patch: 27},
		"Linux version 6.1.0-9-amd64 (x) #1 SMP PREEMPT_DYNAMIC Debian 6.1.27~rc1-1":                                                                                                   {Major: 6, Minor: 1, Patch: 27},
		"Linux version 5.15.0-119-generic (buildd@x) (gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0) #129-Ubuntu SMP Fri Aug 2 19:25:20 UTC 2024 (Ubuntu 5.15.0-119.129-generic 5.15.158)": {Major: 5, Minor: 15, Patch: 158},
		"Linux version 6.8.0-31-generic (buildd@x) #31-Ubuntu SMP PREEMPT_DYNAMIC (Ubuntu 6.8.0-31.31-generic 6.8.1)\n":                                                                {Major: 6, Minor: 8, Patch: 1},
		"Linux version 6.8.0-custom (me@x) (gcc (Ubuntu 13.2.0-23ubuntu4) 13.2.0) #1 SMP":                                                                                              {Major: 6, Minor: 8},
		"Linux version 5.14.0-503.11.1.el9_5.x86_64 (mockbuild@x) (gcc (GCC) 11.5.0) #1 SMP PREEMPT_DYNAMIC":                                                                           {Major: 5, Minor: 14},
	}
	for s, want := range tests {
		if got, err := verify.ParseVersion(s); err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "default", "6", "6.", "-6.1", "x6.1", "Linux version", "Linux version git-abc (x)", "12345.1", "६.1"} {
		if got, err := verify.ParseVersion(s); err == nil || !got.IsZero() {
			t.Errorf("%q: %v, no error", s, got)
		}
	}
}

// TestAtLeast holds that versions are compared by number, major first.
func TestAtLeast(t *testing.T) {
	v := verify.Version{Major: 6, Minor: 10, Patch: 3}
	if v.String() != "6.10.3" || v.IsZero() || !(verify.Version{}).IsZero() {
		t.Error(v)
	}
	for mm, want := range map[[2]int]bool{
		{6, 10}: true, {6, 9}: true, {5, 19}: true, {6, 11}: false, {7, 0}: false, {6, 2}: true, {0, 99}: true,
	} {
		if v.AtLeast(mm[0], mm[1]) != want {
			t.Errorf("6.10 at least %d.%d: %v", mm[0], mm[1], !want)
		}
	}
}
