// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestAdviceLoose has something to do for modules that are in no package, whatever
// they were compared with.
func TestAdviceLoose(t *testing.T) {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	table, err := btf.Parse(w.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &guard.Base{Path: "vmlinux", Release: "1-default"}
	refused := &verify.Result{Errno: verify.EINVAL}
	for _, tc := range []struct {
		pairing guard.Pairing
		errno   verify.Errno
		refused *verify.Result
		want    string
	}{
		{guard.PairGiven, verify.EINVAL, nil, "given: these modules were not built on vmlinux."},
		{guard.PairAcross, verify.EINVAL, nil, "across: these modules were not built on vmlinux, which has their kernelrelease."},
		{guard.PairGiven, verify.E2BIG, nil, "given: the .BTF of these modules has the layout of kinds"},
		{guard.PairBuild, verify.E2BIG, nil, "build: the .BTF of these modules has the layout of kinds"},
		{guard.PairGiven, verify.EINVAL, refused, ""}, // said of the kernel
	} {
		base := *b
		base.Refused = tc.refused
		base.Table = table
		f := guard.Finding{Pairing: tc.pairing, Base: &base, Module: &guard.Module{Path: "a.ko", Name: "a", Release: "1-default"},
			Verdict: guard.Rejected, Severity: guard.Fail, Kernel: &guard.Response{Errno: int(tc.errno)}}
		if got := (group{f}).advice(); !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s, %d: %q", tc.pairing, tc.errno, got)
		}
	}
}
