// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"os"
	"testing"
)

// policy is what a packager writes into btf-guard.conf for the incident.
func policy(action string) string { return ruling("rebuild", action) }

func ruling(pairing, action string) string {
	return `
[[rule]]
verdict = ["rejected", "misread"]
pairing = "` + pairing + `"
action  = "` + action + `"
reason  = "boo#1194501: everything is built again"
`
}

// TestRebuild with somebody's word on it.
func TestPolicy(t *testing.T) {
	const reason = "boo#1194501: everything is built again"
	for _, tt := range []struct {
		name, source, system string
		status               int
		says                 []string
		severity             string
	}{
		{"rebuild", policy("rebuild"), "", 0, []string{
			"kernel-default.x86_64: W: btf-rejected",
			"kernel BTF check of kernel-default: passed, but something must be BUILT AGAIN",
			"AGAIN update new modules (5.15.12-1.3) while the old vmlinux (5.15.12-1.1) still runs: 7 rejected",
			"decided in btf-guard.conf:2: " + reason,
			"To be built again",
			"kernel-btf(default:sha256:42844fc3093a", // the base of 1.1
		}, "rebuild"},
		{"warn", policy("warn"), "", 0, []string{
			"kernel-default.x86_64: W: btf-rejected",
			"kernel BTF check of kernel-default: passed with WARNINGS",
			"WARN update new modules (5.15.12-1.3) while the old vmlinux (5.15.12-1.1) still runs: 7 rejected",
			"failed to validate module [hid_apple] BTF: -22",
			"decided in btf-guard.conf:2: " + reason,
		}, "warn"},
		{"the system's", "", policy("warn"), 0, []string{
			"passed with WARNINGS", "decided in /etc/obs-btf-guard.conf:2: " + reason,
		}, "warn"},
		{"the packager's over the system's", policy("fail"), policy("ignore"), 1, []string{
			"kernel BTF check of kernel-default: FAILED", "decided in btf-guard.conf:2: " + reason,
		}, ""},
		{"unknown key", policy("warn") + "colour = \"red\"\n", "", 1, []string{
			`btf-guard.conf:7: unknown key "colour"`,
		}, ""},
		{"no reason", "[[rule]]\nverdict = \"rejected\"\naction = \"ignore\"\n", "", 1, []string{
			"btf-guard.conf:1: this rule has no reason",
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, src := newRoot(t), newSources(t, "kernel-default.spec")
			r.previous(t, results(t, "1.1")...)
			if tt.source != "" {
				src.add(t, "btf-guard.conf", tt.source)
			}
			if tt.system != "" {
				if err := os.WriteFile(r.path("etc/obs-btf-guard.conf"), []byte(tt.system), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			o := r.buildKernel(t, src, kernelTree(t, "5.15.12-1.3"), "1.3")
			o.wants(t, tt.status)
			o.says(t, tt.says...)
			if tt.severity == "" {
				return
			}
			report := o.report(t, "kernel-default")
			report.wants(t, "rebuild", "12 rejected, 2 misread")
			for _, v := range report.Verdicts {
				if v.Pairing == "rebuild" && v.Severity != tt.severity {
					t.Fatalf("%s weighs %q in the report, want %q", v.Verdict, v.Severity, tt.severity)
				}
			}
			if len(report.History) != 2 {
				t.Errorf("%d builds in the report's history, want 2: %v", len(report.History), report.History)
			}
		})
	}
}
