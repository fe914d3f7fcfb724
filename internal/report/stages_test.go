// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestCarry keeps what only the first stage of a build that signs could find.
func TestCarry(t *testing.T) {
	before := NewDocument(&guard.Result{}, "1.0")
	before.Verdicts = []Verdict{
		{Pairing: guard.PairBuild, Module: "a", Verdict: guard.SameBase, Severity: guard.OK},
		{Pairing: guard.PairRebuild, Module: "a", Verdict: guard.Misread, Severity: guard.Rebuild, Ruling: &guard.Ruling{Reason: "we said so", Where: "conf:1"}},
		{Pairing: guard.PairRebuild, Module: "b", Verdict: guard.Misread, Severity: guard.Rebuild, Ruling: &guard.Ruling{Reason: "we said so", Where: "conf:1"}},
	}
	before.Changes = []Change{{KernelRelease: "1-default", FromPackage: "kernel-default-1-1", Outdated: "kernel-btf(...)"}}
	before.Remakes = []Remake{{Package: "foo", Arch: "x86_64", Modules: 1, Severity: guard.Rebuild, BasePackage: "kernel-default-1-3"}}

	d := NewDocument(&guard.Result{}, "1.0")
	d.Verdicts = []Verdict{{Pairing: guard.PairBuild, Module: "a", Verdict: guard.SameBase}}
	d.Carry(before)
	d.Carry(NewDocument(&guard.Result{}, "1.0"))
	if len(d.Verdicts) != 3 || d.Summary["misread"] != 2 || len(d.Changes) != 1 || len(d.Remakes) != 1 {
		t.Errorf("%+v", d)
	}

	var out bytes.Buffer
	if err := Log(&out, &guard.Result{}, "kernel-default", TextOptions{Before: before}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		": passed, but something must be BUILT AGAIN\n",
		"AGAIN update: 2 misread, decided in conf:1: we said so\n",
		"foo (x86_64): 1 module of it does not fit the vmlinux of kernel-default-1-3\n",
		"modules for 1-default that were built on the base of",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
