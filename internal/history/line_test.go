// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestLines follows one kernel from build to build and tells what changed.
func TestLines(t *testing.T) {
	db := openNew(t)
	config := func(pahole string) kernel.Config {
		return kernel.Config{"CONFIG_CC_VERSION_TEXT": `"gcc 11"`, "CONFIG_LD_VERSION": "23700", "CONFIG_PAHOLE_VERSION": pahole}
	}
	moved := made("f5", "1.5", 5, 3, config("123"))
	moved.Package.DistURL = "obs://build.example.org/openSUSE:Factory/standard/00000000000000000000000000000000-kernel-default"
	other := made("f7", "1.1", 1, 1, nil)
	other.Arch = "aarch64"
	inv := &guard.Inventory{Bases: []*guard.Base{
		moved,
		made("f4", "1.10", 4, 2, config("123")),
		made("f3", "1.9", 4, 2, config("123")), // built at the same time, as far as it says
		made("f2", "1.2", 2, 1, config("122")),
		made("f1", "1.1", 1, 1, config("122")),
		made("f6", "1.1", 1, 1, config("122")), // the same, signed
		made("f0", "1.0", 0, 0, nil),           // without time, BTF and config
		other,
	}}
	if err := db.Record(t.Context(), inv, nil); err != nil {
		t.Fatal(err)
	}
	lines, err := db.Lines(t.Context(), Filter{})
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if lines[0].Arch != "aarch64" || len(lines[0].Steps) != 1 || lines[0].Changes() != 0 {
		t.Errorf("%+v", lines[0])
	}
	var got []string
	for _, s := range lines[1].Steps {
		line := s.Release
		if s.BaseChanged {
			line += " changed"
		}
		for _, d := range s.Differences {
			line += fmt.Sprintf("; %s %.10q to %.10q", d.What, d.From, d.To)
		}
		got = append(got, line)
	}
	want := []string{
		"1.0",
		`1.1 changed; compiler "" to "gcc 11"; linker "" to "GNU ld 2.3"; pahole "" to "1.22"`,
		"1.2",
		`1.5 changed; pahole "1.22" to "1.23"; project "Kernel:HEA" to "openSUSE:F"; source revision "5d2c1b7e9f" to "0000000000"`,
		`1.9 changed; project "openSUSE:F" to "Kernel:HEA"; source revision "0000000000" to "5d2c1b7e9f"`,
		"1.10",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := lines[1].Changes(); n != 3 {
		t.Errorf("%d changes", n)
	}
}

// TestLinesByVersion has the version of a package count before its release.
func TestLinesByVersion(t *testing.T) {
	var steps []Step
	for _, release := range []string{"1.0.1-1", "1.0-5"} {
		steps = append(steps, Step{Build: Build{RPM: RPM{Release: release}, Path: release}})
	}
	if got := lines(steps); len(got) != 1 || got[0].Steps[0].Release != "1.0-5" {
		t.Errorf("%+v", got)
	}
}

// TestSigned counts a package once that was signed after it was built and checked, and
// checked again: as it was judged the last time, on whatever form of the vmlinux. Others
// of its build are counted beside it, and other builds for themselves.
func TestSigned(t *testing.T) {
	db := openNew(t)
	at := time.Unix(1_600_000_000, 0)
	modules := func(digest, nevra, release string) *guard.Package {
		return &guard.Package{Digest: digest, NEVRA: nevra, VersionRelease: release, Built: at}
	}
	judged := func(base *guard.Base, v guard.Verdict, n int, pairing guard.Pairing, p *guard.Package) {
		t.Helper()
		var res guard.Result
		for range n {
			res.Findings = append(res.Findings, guard.Finding{Pairing: pairing, Module: &guard.Module{Package: p}, Base: base, Verdict: v, Severity: v.Severity()})
		}
		if err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{base}}, &res); err != nil {
			t.Fatal(err)
		}
		if err := db.do(t.Context(), writing, func(t *tx) { t.exec("UPDATE judgement SET judged = judged - 10") }); err != nil {
			t.Fatal(err)
		}
	}
	built, signed := made("aa", "1.1", 1, 1, nil), made("bb", "1.1", 1, 1, nil)
	judged(built, guard.Unproven, 7, guard.PairBuild, modules("c1", "kernel-default-1.1", "1.1"))
	judged(signed, guard.SameBase, 7, guard.PairBuild, modules("c2", "kernel-default-1.1", "1.1"))
	judged(signed, guard.SameBase, 2, guard.PairBuild, modules("c3", "kernel-default-extra-1.1", "1.1"))
	judged(built, guard.Misread, 24, guard.PairRebuild, modules("c4", "kernel-default-1.9", "1.9"))
	judged(signed, guard.Misread, 24, guard.PairRebuild, modules("c5", "kernel-default-1.10", "1.10"))
	lines, err := db.Lines(t.Context(), Filter{})
	if err != nil || len(lines) != 1 || len(lines[0].Steps) != 1 {
		t.Fatalf("%+v, %v", lines, err)
	}
	want := []Judgement{{"build", "1.1", "same-base", "ok", 9}, {"rebuild", "1.10", "misread", "fail", 24}, {"rebuild", "1.9", "misread", "fail", 24}}
	if got := lines[0].Steps[0].Judgements; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
