// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A distribution's kernel with more than 4,000 modules, and another build of it
// before. The time of the check is for the log of this test.
func TestLarge(t *testing.T) {
	r, src := newRoot(t), newSources(t, "large.spec")
	older, newer, version := distributionKernels(t)
	copyFile(t, newer, filepath.Join(src.dir, "kernel.rpm"))
	copyFile(t, newer, r.path("tmp/kernel.rpm"))
	status, fingerprint := r.run(t, nil, "obs-btf-guard", "fingerprint", "/tmp/kernel.rpm")
	if status != 0 {
		t.Fatalf("fingerprint: exit status %d\n%s", status, fingerprint)
	}
	token := "kernel-btf(default:" + strings.Fields(fingerprint)[0] + ")"
	src.add(t, "btf-guard.conf", policy("warn")) // the time of a check that fails is not taken
	r.previous(t, older)

	o := r.build(t, src, "--release", "1.3", "--define", "kversion "+version, "--define", "token "+token)
	o.wants(t, 0)
	o.says(t, "kernel BTF check of kernel-default: passed with WARNINGS",
		"ok build modules on their own vmlinux", "WARN update new modules", "WARN update old modules")
	report := o.report(t, "kernel-default")
	counts := map[string]map[string]int{"build": {}, "rebuild": {}}
	for _, v := range report.Verdicts {
		counts[v.Pairing][v.Verdict]++
	}
	t.Logf("build: %v; rebuild: %v; %d KiB of log", counts["build"], counts["rebuild"], len(o.hook())>>10)
	if n := counts["build"]["same-base"]; n < 4000 || len(counts["build"]) > 1 {
		t.Errorf("build: %v, want 4,000 same-base or more", counts["build"])
	}
	if n := counts["rebuild"]["same-base"] + counts["rebuild"]["compatible"]; n > 0 || len(counts["rebuild"]) == 0 {
		t.Errorf("rebuild: %v, want none that fits", counts["rebuild"])
	}
	if len(report.Labels) > 0 {
		t.Errorf("the report objects to metadata: %+v", report.Labels)
	}
}

// distributionKernels finds two builds of one kernel that the tests of ../../
// have packed, of the newest version there is.
func distributionKernels(t *testing.T) (older, newer, version string) {
	t.Helper()
	prefix := filepath.Join(filepath.Dir(workDir()), "rpms", "kernel-default-")
	found, _ := filepath.Glob(prefix + "*-1.3.x86_64.rpm")
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) })
	for _, newer := range found {
		version := strings.TrimSuffix(strings.TrimPrefix(newer, prefix), "-1.3.x86_64.rpm")
		older := prefix + version + "-1.1.x86_64.rpm"
		if _, err := os.Stat(older); err == nil {
			return older, newer, version
		}
	}
	t.Skipf("no kernels of a distribution at %s* (the tests in e2e pack them)", prefix)
	return "", "", ""
}
