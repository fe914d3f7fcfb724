// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"strings"
	"testing"
)

// A build that OBS signs: the first stage packs plain modules and asks for
// signatures, the second one gets all that the first one made, puts the
// signatures in, compresses, and makes the packages again from a spec file that
// knows nothing of the first one's sources. Both are checked.
func TestSigning(t *testing.T) {
	tr := kernelTree(t, "5.15.12-1.3")
	token := tr.token(t)
	must(t, "find", string(tr), "-name", "*.ko.zst", "-exec", "zstd", "-q", "-d", "--rm", "{}", "+")

	key, one, src := newSigner(t), newRoot(t), newSources(t, "kernel-default.spec")
	one.addPesign(t, "pesign")
	one.previous(t, results(t, "1.1")...)
	src.add(t, "btf-guard.conf", policy("rebuild"))
	first := one.buildKernel(t, src, tr, "1.3", "--define", "signed 1")
	first.wants(t, 0)
	first.says(t, "kernel BTF check of kernel-default, before signing: passed, but something must be BUILT AGAIN",
		"AGAIN update new modules (5.15.12-1.3) while the old vmlinux (5.15.12-1.1) still runs: 7 rejected")
	first.wantTokens(t, token)
	report := first.report(t, "kernel-default")
	if report.Hook.Stage != "unsigned" {
		t.Errorf("stage %q, want unsigned", report.Hook.Stage)
	}
	report.wants(t, "rebuild", "12 rejected, 2 misread")

	for _, tt := range []struct {
		name     string
		previous bool
		says     []string
	}{
		{"with old packages", true, []string{
			"kernel BTF check of kernel-default, after signing: passed, but something must be BUILT AGAIN",
			"ok build modules on their own vmlinux, 5.15.12-1.3: 7 same-base", "decided in btf-guard.conf:2",
		}},
		{"without", false, []string{
			"kernel BTF check of kernel-default, after signing: passed",
			"ok build modules on their own vmlinux, 5.15.12-1.3: 7 same-base",
			"was compared with the previous build in the first stage, before signing",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			two := newRoot(t)
			if tt.previous {
				two.previous(t, results(t, "1.1")...)
			}
			second := two.build(t, key.signed(t, one, false), "--disturl", disturl)
			second.wants(t, 0)
			second.says(t, tt.says...)
			second.wantTokens(t, token)
			files := must(t, "rpm", "-qpl", second.rpms(t)["kernel-default"])
			if !strings.Contains(files, "/ipheth.ko.zst\n") {
				t.Errorf("the second stage did not compress:\n%s", files)
			}
			report := second.report(t, "kernel-default")
			if report.Hook.Stage != "signed" {
				t.Errorf("stage %q, want signed", report.Hook.Stage)
			}
			report.wants(t, "build", "7 same-base")
			if len(report.History) != 2 {
				t.Errorf("%d builds in the report's history, want 2: %v", len(report.History), report.History)
			}
		})
	}
}
