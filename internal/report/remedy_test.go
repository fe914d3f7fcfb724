// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
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
		if got := (group{f}).advice().text; !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s, %d: %q", tc.pairing, tc.errno, got)
		}
	}
}

// TestPahole says what a version of pahole does to tables, and which one does better.
func TestPahole(t *testing.T) {
	for _, tc := range []struct{ config, reproduces, merges string }{
		{"", "use pahole 1.29 or later, 1.27 with", "pahole before 1.31 (libbpf before 1.6) does not merge"},
		{"CONFIG_PAHOLE_VERSION=no\n", "use pahole 1.29 or later, 1.27 with", "pahole before 1.31 (libbpf before 1.6) does not merge"},
		{"CONFIG_PAHOLE_VERSION=0\n", "use pahole 1.29 or later, 1.27 with", "pahole before 1.31 (libbpf before 1.6) does not merge"},
		{"CONFIG_PAHOLE_VERSION=125\n", "pahole 1.25 writes types in another order each time", "pahole 1.25 made these tables. pahole before 1.31"},
		{"CONFIG_PAHOLE_VERSION=127\n", "pahole 1.27 does so with --btf_features=reproducible_build", "pahole 1.27 made these tables. pahole before 1.31"},
		{"CONFIG_PAHOLE_VERSION=130\n", "pahole 1.30 does so where", "pahole 1.30 made these tables. pahole before 1.31"},
		{"CONFIG_PAHOLE_VERSION=131\n", "pahole 1.31 does so where", "pahole 1.31 made these tables, which is new enough"},
	} {
		b := &guard.Base{Config: kernel.ParseConfig([]byte(tc.config))}
		if got := reproduce(b); !strings.HasPrefix(got, tc.reproduces) {
			t.Errorf("%q: %s", tc.config, got)
		}
		if got := merge(b); !strings.HasPrefix(got, tc.merges) {
			t.Errorf("%q: %s", tc.config, got)
		}
	}
}

// TestCures names every cure that a kernel has for two builds of one name, cheapest first.
func TestCures(t *testing.T) {
	module := func(distilled bool) *guard.Module {
		return &guard.Module{Path: "a.ko", Name: "a", Release: "1-default", BTF: []byte{1}, Distilled: distilled}
	}
	const reproduce, together, survive, name = "Make the build reproduce", "Ship all packages", "Have a .BTF.base made", "Give each build a kernelrelease"
	for _, tc := range []struct {
		kernel  string
		reads   bool
		modules []*guard.Module
		want    []string
	}{
		{"before 6.11", false, []*guard.Module{module(false)}, []string{reproduce, together, name}},
		{"6.11", true, []*guard.Module{module(false)}, []string{reproduce, together, survive, name}},
		{"6.11, some distilled", true, []*guard.Module{module(true), module(false)}, []string{reproduce, together, survive, name}},
		{"6.11, all distilled", true, []*guard.Module{module(true)}, []string{reproduce, together, name}},
	} {
		var g group
		for _, m := range tc.modules {
			g = append(g, guard.Finding{Pairing: guard.PairRebuild, Base: &guard.Base{Path: "vmlinux", Rules: verify.Rules{Distilled: tc.reads}},
				Module: m, Verdict: guard.Misread, Severity: guard.Fail})
		}
		p := g.survive()
		if len(p.ways) != len(tc.want) {
			t.Fatalf("%s: %q, want %q", tc.kernel, p.ways, tc.want)
		}
		for i, want := range tc.want {
			if !strings.HasPrefix(p.ways[i], want) {
				t.Errorf("%s: way %d is %q, want %q", tc.kernel, i+1, p.ways[i], want)
			}
		}
	}
}

// TestReadyRules gives each pairing the action that helps: only modules of another package
// are cured by building them again.
func TestReadyRules(t *testing.T) {
	for pairing, want := range map[guard.Pairing]string{
		guard.PairBuild: "warn", guard.PairRebuild: "warn", guard.PairAcross: "build-again", guard.PairWeak: "warn", guard.PairGiven: "warn",
	} {
		f := guard.Finding{Pairing: pairing, Base: &guard.Base{Path: "vmlinux"}, Module: &guard.Module{Name: "a", Package: &guard.Package{Name: "a-kmp"}},
			Verdict: guard.Rejected, Severity: guard.Fail}
		var out strings.Builder
		w := &text{prose.NewWriter(&out, false), TextOptions{Policy: "btf-guard.conf"}}
		w.exception(&guard.Result{Findings: []guard.Finding{f}})
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "action  = \""+want+"\"") || strings.Count(out.String(), "[[rule]]") != 1 {
			t.Errorf("%s: want %s:\n%s", pairing, want, &out)
		}
	}
}
