// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// What the generator costs in a build of a distribution's kernel, where rpm
// before 4.20 starts it anew for every file.
func TestSpeed(t *testing.T) {
	dir := os.Getenv("E2E_WORK_DIR")
	if dir == "" {
		t.Skip("E2E_WORK_DIR names no folder with a distribution's kernels")
	}
	rpms, _ := filepath.Glob(filepath.Join(dir, "rpms", "kernel-default-6.12*.rpm"))
	if len(rpms) == 0 {
		t.Skipf("no kernel package in %s", filepath.Join(dir, "rpms"))
	}
	plain, guarded := newHost(t, false), newHost(t, true)
	tr := unpack(t, rpms[0])
	modules := 0
	harness.Must(t, "find", string(tr), "-name", "*.ko*", "-exec", "touch", "{}", "+")
	err := filepath.WalkDir(string(tr), func(path string, _ os.DirEntry, err error) error {
		if ok, _ := filepath.Match("*.ko*", filepath.Base(path)); ok {
			modules++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	payload := "_binary_payload w1.zstdio"
	without := plain.build(t, "kmp.spec", "tree "+string(tr), payload)
	with := guarded.build(t, "kmp.spec", "tree "+string(tr), payload)
	cost := with.took - without.took
	t.Logf("%d modules: rpmbuild %v without, %v with the generator: %v more, %v for each file", modules,
		without.took.Round(time.Millisecond), with.took.Round(time.Millisecond), cost.Round(time.Millisecond),
		(cost / time.Duration(modules)).Round(10*time.Microsecond))
	if got := tokens(t, with.rpms["thing-kmp-default"], "provides"); len(got) != 1 {
		t.Errorf("provides %q, want one token", got)
	}
	if n := len(with.said()); n > 0 {
		t.Errorf("the generator said %d lines, first %s", n, with.said()[0])
	}
}
