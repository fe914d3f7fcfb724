// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// TestLines tells what became of a base, and never more than is known.
func TestHistoryText(t *testing.T) {
	build := func(release string, base byte, types, bytes uint32) history.Build {
		b := history.Build{RPM: history.RPM{Package: "kernel-default-" + release + ".x86_64", Release: release}, TypeCount: types, StringBytes: bytes}
		if base > 0 {
			b.Fingerprint = fingerprint.Digest{base}
		}
		return b
	}
	dated := build("1.1", 1, 100, 1000)
	dated.Built = time.Date(2021, 12, 20, 23, 59, 59, 0, time.UTC)
	judged := build("1.2", 2, 99, 1000)
	judgements := []history.Judgement{
		{Pairing: "build", Of: "1.2", Verdict: "same-base", Severity: "ok", Modules: 4},
		{Pairing: "rebuild", Of: "1.1", Verdict: "misread", Severity: "warn", Modules: 2},
		{Pairing: "rebuild", Of: "1.1", Verdict: "rejected", Severity: "fail", Modules: 1},
		{Pairing: "across", Of: "0.1", Verdict: "rejected", Severity: "rebuild", Modules: 3},
	}
	hostile := build("1.7\x1b[31m\n", 0, 0, 0)
	lines := []history.Line{{
		KernelRelease: "5.15.12-1-default", Arch: "x86_64", Flavor: "default",
		Steps: []history.Step{
			{Build: dated},
			{Build: judged, Judgements: judgements, BaseChanged: true, Same: history.Inputs[:2], Differences: []why.Difference{
				{What: "pahole", From: "1.22", To: "1.23"},
				{What: "project", From: "", To: "Kernel:HEAD"},
			}},
			{Build: build("1.3", 2, 99, 1000)},
			{Build: build("1.4", 1, 100, 999), BaseChanged: true, Same: history.Inputs},
			{Build: build("1.5", 0, 0, 0), BaseChanged: true, Same: history.Inputs},
			{Build: build("1.6", 3, 0, 0), BaseChanged: true, Same: history.Inputs}, // refused by its own kernel
			{Build: hostile, BaseChanged: true, Differences: []why.Difference{{What: "compiler", From: "gcc", To: "\x1b]0;\a"}}, Same: history.Inputs[1:]},
			{Build: build("1.8", 1, 100, 1000), BaseChanged: true, Same: history.Inputs},
		},
	}, {
		KernelRelease: "6.4.0\x9b", Arch: "aarch64", Steps: []history.Step{{Build: build("2", 9, 2, 1)}},
	}, {
		KernelRelease: "6.5", Arch: "aarch64", Steps: []history.Step{{Build: build("2", 9, 2, 1)}, {Build: build("3", 9, 2, 1)}},
	}}
	want := `5.15.12-1-default (x86_64): 8 builds, the base changed 6 times
  2021-12-20 23:59  kernel-default-1.1.x86_64  base 010000000000, 100 types
  unknown           kernel-default-1.2.x86_64  base 020000000000, 99 types
                    change   since 1.1: 1 type fewer; as many string bytes
                             pahole: 1.22 → 1.23
                             the same: compiler, linker
                             not known: project, source revision
                    update   modules of 1.1 on it: 2 misread, 1 rejected
                    across   modules of 0.1 on it: 3 rejected
  unknown           kernel-default-1.3.x86_64  same base
  unknown           kernel-default-1.4.x86_64  base 010000000000, 100 types
                    change   since 1.3: 1 type more; 1 string byte fewer; the base of 1.1 again
                             the same: compiler, linker, pahole, project, source revision
  unknown           kernel-default-1.5.x86_64  no .BTF
                    change   since 1.4: its .BTF is gone
                             the same: compiler, linker, pahole, project, source revision
  unknown           kernel-default-1.6.x86_64  base 030000000000, which cannot be read
                    change   since 1.5: it has .BTF
                             the same: compiler, linker, pahole, project, source revision
  unknown           kernel-default-1.7\x1b[31m\x0a.x86_64  no .BTF
                    change   since 1.6: its .BTF is gone
                             compiler: gcc → \x1b]0;\x07
                             the same: linker, pahole, project, source revision
  unknown           kernel-default-1.8.x86_64  base 010000000000, 100 types
                    change   since 1.7\x1b[31m\x0a: it has .BTF; the base of 1.1 again
                             the same: compiler, linker, pahole, project, source revision

6.4.0\x9b (aarch64): 1 build
  unknown           kernel-default-2.x86_64  base 090000000000, 2 types

6.5 (aarch64): 2 builds, all with the same base
  unknown           kernel-default-2.x86_64  base 090000000000, 2 types
  unknown           kernel-default-3.x86_64  same base
`
	var out strings.Builder
	if err := report.Lines(&out, lines, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
