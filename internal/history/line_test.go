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

// TestSigned counts the judgements on all forms of one package.
func TestSigned(t *testing.T) {
	judgement := func(verdict string, n int) Judgement { return Judgement{"build", "1.1", verdict, "ok", n} }
	b := Step{Build: Build{RPM: RPM{Package: "a", Built: time.Unix(1, 0)}}, Judgements: []Judgement{judgement("compatible", 1)}}
	signed := b
	signed.Judgements = []Judgement{judgement("same-base", 2), judgement("compatible", 3)}
	var l Line
	l.add(b)
	l.add(signed)
	if len(l.Steps) != 1 || !slices.Equal(l.Steps[0].Judgements, []Judgement{judgement("same-base", 2), judgement("compatible", 4)}) {
		t.Errorf("%+v", l.Steps)
	}
}

// TestBuildsApart counts the modules of each build for themselves.
func TestBuildsApart(t *testing.T) {
	old, new := Judgement{"rebuild", "1.9", "misread", "fail", 24}, Judgement{"rebuild", "1.10", "misread", "fail", 24}
	if got := sum([]Judgement{old}, []Judgement{new}); !slices.Equal(got, []Judgement{new, old}) {
		t.Errorf("%v", got)
	}
}
