// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestLog says first what it comes to, and what this is about only where modules
// are concerned.
func TestLog(t *testing.T) {
	p := &guard.Package{Name: "foo", Arch: "x86_64", NEVRA: "foo-1-1.x86_64"}
	m := &guard.Module{Package: p, Name: "drv", Path: "drv.ko", Release: "1-default"}
	weighs := func(s guard.Severity, r *guard.Ruling) *guard.Result {
		return &guard.Result{Findings: []guard.Finding{{Module: m, Base: &guard.Base{Path: "vmlinux"}, Verdict: guard.Misread, Severity: s, Ruling: r}}}
	}
	for _, tc := range []struct {
		name    string
		res     *guard.Result
		want    []string
		preface bool
	}{
		{"nothing to say", &guard.Result{}, []string{"of foo\\x1b[2J: passed\n", "ok   0 modules"}, false},
		{"fails", weighs(guard.Fail, nil), []string{": FAILED\n", "foo.x86_64: E: btf-misread drv.ko on vmlinux\n", `verdict = ["misread"]`}, true},
		{"to be built again", weighs(guard.Rebuild, &guard.Ruling{Reason: "we said so", Where: "conf:1"}),
			[]string{": passed, but something must be BUILT AGAIN\n", "foo.x86_64: W: btf-misread", "decided in conf:1: we said so"}, true},
		{"warns", weighs(guard.Warn, nil), []string{": passed with WARNINGS\n"}, true},
		{"ignored", weighs(guard.OK, &guard.Ruling{Reason: "we said so", Where: "conf:1"}),
			[]string{": passed\n", "ignored 1 misread: drv", "decided in conf:1: we said so"}, false},
		{"unreadable", &guard.Result{Problems: []guard.Problem{{Path: "x.rpm", Err: guard.Problem{Path: "f", Err: &guard.NoVmlinux{Modules: 2, Kernel: "1"}}}}},
			[]string{": FAILED, it is INCOMPLETE\n", "cannot read: x.rpm: f: 2 modules", "x.rpm: E: btf-unreadable f: 2 modules", "see above"}, false},
		{"wrong dependencies", &guard.Result{Labels: []guard.Label{{Package: p, Verdict: guard.Mislabeled, Severity: guard.Fail, Reasons: []string{"it lies"}}}},
			[]string{"foo.x86_64: E: btf-mislabeled it lies\n", "FAIL mislabeled foo-1-1.x86_64\n        it lies\n", "dependencies: take the kernel-btf(...) that stands in the spec file", `verdict = ["mislabeled"]`}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Log(&out, tc.res, "foo\x1b[2J", TextOptions{Policy: "a file"}); err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), "security tools and BPF") != tc.preface {
				t.Errorf("preface:\n%s", &out)
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("an escape in\n%q", &out)
			}
		})
	}
}
