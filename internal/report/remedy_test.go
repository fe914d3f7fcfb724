// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
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
		{guard.PairGiven, verify.EINVAL, nil, "given: a was not built on vmlinux. Build it again"},
		{guard.PairAcross, verify.EINVAL, nil, "across: a was not built on vmlinux, which has the same kernelrelease."},
		{guard.PairGiven, verify.E2BIG, nil, "given: the .BTF of these modules has the layout of kinds"},
		{guard.PairBuild, verify.E2BIG, nil, "build: the .BTF of these modules has the layout of kinds"},
		{guard.PairGiven, verify.EINVAL, refused, ""}, // said of the kernel
	} {
		base := *b
		base.Refused = tc.refused
		base.Table = table
		f := guard.Finding{Pairing: tc.pairing, Base: &base, Module: &guard.Module{Path: "a.ko", Name: "a", Release: "1-default"},
			Verdict: guard.Rejected, Severity: guard.Fail, Kernel: &guard.Response{Errno: int(tc.errno)}}
		if got := (group{f}).advice(&guard.Result{}, nil).text; !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s, %d: %q", tc.pairing, tc.errno, got)
		}
	}
}

// TestSeveralBuilds: modules that fit the vmlinux of another build are no fault of this one's.
func TestSeveralBuilds(t *testing.T) {
	of := func(path string) *guard.Base {
		return &guard.Base{Path: path, Release: "1-default", Table: new(btf.Table)}
	}
	a, b, c := of("a/vmlinux"), of("b/vmlinux"), of("c/vmlinux")
	c.Table = nil
	own, foreign := &guard.Module{Name: "own", Release: "1-default"}, &guard.Module{Name: "foreign", Release: "1-default"}
	finding := func(p guard.Pairing, m *guard.Module, b *guard.Base, v guard.Verdict) guard.Finding {
		return guard.Finding{Pairing: p, Module: m, Base: b, Verdict: v, Severity: v.Severity()}
	}
	const several = "across: there are several builds of one kernelrelease here"
	for name, tc := range map[string]struct {
		findings []guard.Finding
		want     string
	}{
		"each fits its own": {[]guard.Finding{finding(guard.PairBuild, own, a, guard.SameBase), finding(guard.PairAcross, own, b, guard.Misread)}, several},
		"not known of one":  {[]guard.Finding{finding(guard.PairAcross, own, a, guard.Unproven), finding(guard.PairAcross, own, b, guard.Misread)}, several},
		"one fits none": {[]guard.Finding{finding(guard.PairBuild, own, a, guard.SameBase), finding(guard.PairAcross, own, b, guard.Misread),
			finding(guard.PairAcross, foreign, a, guard.Misread), finding(guard.PairAcross, foreign, b, guard.Misread)}, "across: foreign was not built on a/vmlinux"},
		"a vmlinux without BTF": {[]guard.Finding{finding(guard.PairBuild, own, a, guard.SameBase), finding(guard.PairAcross, own, c, guard.Rejected)},
			"c/vmlinux: its vmlinux has no .BTF."},
		"the vmlinux of another build beside them": {[]guard.Finding{finding(guard.PairBuild, own, a, guard.Misread), finding(guard.PairBuild, own, b, guard.SameBase)},
			"build: own was not linked against a/vmlinux, but against b/vmlinux."},
		"a table that cannot be laid out": {[]guard.Finding{{Pairing: guard.PairBuild, Module: own, Base: a, Verdict: guard.Rejected, Severity: guard.Fail, Damaged: true}},
			"malformed: own cannot be read."},
		"a damaged one": {[]guard.Finding{finding(guard.PairBuild, own, a, guard.SameBase), finding(guard.PairAcross, own, b, guard.SameBase),
			finding(guard.PairBuild, foreign, a, guard.Malformed), finding(guard.PairAcross, foreign, b, guard.Malformed)}, "malformed: foreign cannot be read."},
	} {
		r := &guard.Result{Bases: []*guard.Base{a, b, c}, Findings: tc.findings}
		got := new(text).advice(r, groups(r.Findings))
		if len(got) == 0 || !slices.ContainsFunc(got, func(p point) bool { return strings.HasPrefix(p.text, tc.want) }) ||
			tc.want != several && slices.ContainsFunc(got, func(p point) bool { return strings.HasPrefix(p.text, several) }) && name != "one fits none" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestMalformed: what to do about files that cannot be read is said once for all bases.
func TestMalformed(t *testing.T) {
	r := &guard.Result{}
	for _, name := range []string{"a", "b", "c", "d"} {
		m := &guard.Module{Name: name}
		for _, s := range []guard.Severity{guard.Fail, guard.Warn} {
			r.Findings = append(r.Findings, guard.Finding{Module: m, Base: &guard.Base{}, Verdict: guard.Malformed, Severity: s})
		}
	}
	r.Findings = append(r.Findings, guard.Finding{Module: &guard.Module{Name: "ignored"}, Verdict: guard.Malformed, Severity: guard.OK})
	got := new(text).advice(r, groups(r.Findings))
	if len(got) != 1 || !strings.HasPrefix(got[0].text, "malformed: a, b, c and 1 more cannot be read.") {
		t.Errorf("%q", got)
	}
}

// TestExample: the module that is shown for all is the one that is hit hardest.
func TestExample(t *testing.T) {
	base := guard.Base{Path: "vmlinux", Release: "1-default", Table: new(btf.Table)}
	r := &guard.Result{}
	for i, wrong := range []int{1, 0, 47, 3} {
		r.Findings = append(r.Findings, guard.Finding{Pairing: guard.PairGiven, Base: &base, Module: &guard.Module{Name: fmt.Sprintf("m%d", i)},
			Verdict: guard.Misread, Severity: guard.Fail, Wrong: wrong})
	}
	var b strings.Builder
	if err := Text(&b, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "misread m2 ") || !strings.Contains(b.String(), "likewise m0, m1, m3\n") {
		t.Error(b.String())
	}
}

// TestPahole says what a version of pahole does not merge, and which one does better.
func TestPahole(t *testing.T) {
	for config, want := range map[string]string{
		"":                            "pahole before 1.31 (libbpf before 1.6) does not merge",
		"CONFIG_PAHOLE_VERSION=no\n":  "pahole before 1.31 (libbpf before 1.6) does not merge",
		"CONFIG_PAHOLE_VERSION=0\n":   "pahole before 1.31 (libbpf before 1.6) does not merge",
		"CONFIG_PAHOLE_VERSION=125\n": "pahole 1.25 made these tables. pahole before 1.31",
		"CONFIG_PAHOLE_VERSION=131\n": "pahole 1.31 made these tables, which is new enough",
	} {
		if got := merge(&guard.Base{Config: kernel.ParseConfig([]byte(config))}); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s", config, got)
		}
	}
}

// What a rebuild did to a base, in TestCures.
var (
	reordered = &explain.Diff{Reordered: true, Types: explain.TypeCounts{Counts: explain.Counts{Old: 9, OutOfOrder: 5}}}
	redefined = &explain.Diff{Changes: []explain.Change{{Kind: "STRUCT", Op: explain.Changed, Old: "48 bytes", New: "56 bytes"}}, Types: explain.TypeCounts{Changed: 1}}
	kept      = &explain.Diff{Changes: []explain.Change{{Kind: "FUNC", Op: explain.Added, Name: "f"}}, Types: explain.TypeCounts{Counts: explain.Counts{Added: 1}}}
	longer    = &explain.Diff{Types: explain.TypeCounts{Counts: explain.Counts{Added: 1, Removed: 1}}, Anonymous: []explain.Change{
		{Kind: "ARRAY", Op: explain.Removed, Old: "const char [5]"}, {Kind: "ARRAY", Op: explain.Added, New: "const char [7]"}}}
)

// TestCures names every cure that a kernel has for two builds of one name, by what became of
// the base: no setting of a build undoes another source.
func TestCures(t *testing.T) {
	module := func(distilled bool) *guard.Module {
		return &guard.Module{Path: "a.ko", Name: "a", Release: "1-default", BTF: []byte{1}, Distilled: distilled, Origin: guard.Against}
	}
	plain, distilled := module(false), module(true)
	const survive, name, together = "Have a .BTF.base made", "Give each build a kernelrelease", "Ship all packages"
	const same = "Make the build reproduce the base: give it the same source"
	for _, tc := range []struct {
		kernel  string
		reads   bool
		diff    *explain.Diff // nil: the base of the other build is not known
		modules []*guard.Module
		want    []string
	}{
		{"before 6.11", false, nil, []*guard.Module{plain}, []string{same, name, together}},
		{"6.11", true, nil, []*guard.Module{plain}, []string{same, survive, name, together}},
		{"6.11, some distilled", true, nil, []*guard.Module{distilled, plain}, []string{same, survive, name, together}},
		{"6.11, all distilled", true, nil, []*guard.Module{distilled}, []string{same, name, together}},
		{"another order", true, reordered, []*guard.Module{plain}, []string{"Make the build reproduce the base: looks like a pahole that ran several jobs", survive, name, together}},
		{"another function", true, kept, []*guard.Module{plain}, []string{same, survive, name, together}},
		{"another source", true, redefined, []*guard.Module{plain}, []string{survive, name, together}},
		{"another source, before 6.11", false, redefined, []*guard.Module{plain}, []string{name, together}},
		{"a longer line", true, longer, []*guard.Module{plain}, []string{
			"Make the build reproduce the base: the line in /proc/version is longer, and its length is that of a type, char [5] → [7]", survive, name, together}},
	} {
		to := &guard.Base{Path: "vmlinux", Rules: verify.Rules{Distilled: tc.reads}, Banner: "12345"}
		from := &guard.Base{Path: "old", Banner: "123", Origin: guard.Against}
		var g group
		for _, m := range tc.modules {
			g = append(g, guard.Finding{Pairing: guard.PairRebuild, Base: to, Module: m, Verdict: guard.Misread, Severity: guard.Fail})
		}
		var r guard.Result
		if tc.diff != nil {
			r.Changes = []guard.Change{{From: from, To: to, Diff: tc.diff}}
		}
		p := g.survive(g.change(&r))
		if len(p.ways) != len(tc.want) {
			t.Fatalf("%s: %q, want %q", tc.kernel, p.ways, tc.want)
		}
		for i, want := range tc.want {
			if !strings.HasPrefix(p.ways[i], want) {
				t.Errorf("%s: way %d is %q, want %q", tc.kernel, i+1, p.ways[i], want)
			}
		}
		if got := strings.Contains(p.text, "defined anew"); got != (tc.diff == redefined) {
			t.Errorf("%s: %s", tc.kernel, p.text)
		}
	}
}

// TestCured leaves the reboot to do where the new build is the first with a .BTF.base.
func TestCured(t *testing.T) {
	p := group{{Base: &guard.Base{}}}.survive(&guard.Change{Survival: guard.Survival{
		New: guard.Crossing{Modules: 3, Fit: 3, Cured: 3}, Old: guard.Crossing{Modules: 3, Fit: 1}}})
	if !strings.HasPrefix(p.text, "update: done.") || !strings.Contains(p.text, "rebooted") || p.ways != nil {
		t.Errorf("%+v", p)
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
		w := &text{prose.NewWriter(&out, false), TextOptions{Policy: "btf-guard.conf"}, nil}
		w.exception(&guard.Result{Findings: []guard.Finding{f}})
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "action  = \""+want+"\"") || strings.Count(out.String(), "[[rule]]") != 1 {
			t.Errorf("%s: want %s:\n%s", pairing, want, &out)
		}
	}
}

// TestFailing names the modules that a cure is about, not those that fit.
func TestFailing(t *testing.T) {
	for _, tc := range []struct {
		fail, ok int
		want     string
	}{
		{1, 4, "m0 was"}, {2, 0, "m0, m1 were"}, {3, 9, "m0, m1, m2 were"}, {4, 0, "these modules were"},
		{4, 2, "4 of 6 modules (m0, m1, m2 and 1 more) were"},
	} {
		var g group
		for i := range tc.fail + tc.ok {
			severity := guard.Fail
			if i >= tc.fail {
				severity = guard.OK
			}
			g = append(g, guard.Finding{Module: &guard.Module{Name: fmt.Sprintf("m%d", i)}, Severity: severity})
		}
		got, one := g.failing()
		if got += map[bool]string{true: " was", false: " were"}[one]; got != tc.want {
			t.Errorf("%d of %d: %q, want %q", tc.fail, len(g), got, tc.want)
		}
	}
}

// TestUnrelocatable has the sizes in a short report: the kernel's log has none.
func TestUnrelocatable(t *testing.T) {
	f := guard.Finding{Verdict: guard.Unrelocatable, Reasons: []string{"does not relocate", "of 48 bytes: this vmlinux has one of 56 bytes"},
		Kernel: &guard.Response{Log: []string{}}}
	var out strings.Builder
	w := &text{prose.NewWriter(&out, false), TextOptions{}, nil}
	w.detail(f)
	if err := w.Flush(); err != nil || !strings.Contains(out.String(), "56 bytes") {
		t.Errorf("%v: %s", err, &out)
	}
}
