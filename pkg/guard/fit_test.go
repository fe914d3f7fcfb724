// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// TestMatch answers from facts alone. The same situations, by tokens and by
// content, have one answer.
func TestMatch(t *testing.T) {
	base := func(n byte) fingerprint.Digest { return fingerprint.Digest{n} }
	token := func(n byte) string { return fingerprint.Token("default", base(n)) }
	vmlinux := func(release string, n byte) *Vmlinux {
		k := &Vmlinux{Label: fmt.Sprintf("kernel-%d", n), Build: fmt.Sprintf("build %d", n), Arch: "x86_64", Release: release, Flavor: "default"}
		if n > 0 {
			k.Base, k.Known = base(n), ByToken
		}
		return k
	}
	one, two, silent := vmlinux("1-default", 1), vmlinux("1-default", 2), vmlinux("1-default", 0)
	later, rt := vmlinux("2-default", 3), vmlinux("1-rt", 1)
	rt.Flavor = "rt"
	arm := vmlinux("1-default", 1)
	arm.Arch = "aarch64"
	ambiguous := Kernels(Vmlinux{Label: "kernel-12", Arch: "x86_64"}, []string{"1-default"}, []string{token(1), token(2)}, true)[0]

	by := func(n byte) *Cargo { return &Cargo{Arch: "x86_64", Modules: true, Requires: []string{token(n)}} }
	read := func(bound bool, alone Counts, on map[*Vmlinux]Counts) *Cargo {
		return &Cargo{
			Arch: "x86_64", Modules: true, Listed: true, Releases: []string{"1-default"},
			Content: map[string]*Content{"1-default": {Bound: bound, Alone: alone, On: on, By: ByContent}},
		}
	}
	build := func(n byte, c *Cargo) *Cargo { c.Build = fmt.Sprintf("build %d", n); return c }
	good, bad, unsure := Counts{SameBase: 2}, Counts{SameBase: 1, Rejected: 1}, Counts{Unproven: 1}
	for _, tc := range []struct {
		name    string
		cargo   *Cargo
		kernels []*Vmlinux
		cells   []Verdict
		want    []Verdict
	}{
		{"by token: its base is here", by(1), []*Vmlinux{one, two}, []Verdict{Fits, Misfits}, nil},
		{"by token: another base", by(1), []*Vmlinux{two}, []Verdict{Misfits}, []Verdict{Stale}},
		{"by token: another base and kernelrelease", by(1), []*Vmlinux{later}, []Verdict{Misfits}, []Verdict{Stale}},
		{"by token: not of its build", build(2, by(1)), []*Vmlinux{one, two}, []Verdict{Fits, Misfits}, []Verdict{Broken}},
		{"by token: a kernel that does not tell", by(1), []*Vmlinux{silent}, []Verdict{Undecided}, []Verdict{Undecided}},
		{"by token: a kernel with two", by(1), []*Vmlinux{ambiguous}, []Verdict{Undecided}, []Verdict{Undecided}},
		{"by token: another flavor", by(1), []*Vmlinux{rt}, nil, []Verdict{Unmet}},
		{"by token: another architecture", by(1), []*Vmlinux{arm}, nil, []Verdict{Unmet}},
		{"by token: its own vmlinux, of which nothing is known", &Cargo{Arch: "x86_64", Provides: []string{token(1)}, Requires: []string{token(1)}}, nil, nil, []Verdict{Undecided}},

		{"by content: its base is here", read(true, nil, map[*Vmlinux]Counts{one: good, two: bad}), []*Vmlinux{one, two}, []Verdict{Fits, Misfits}, []Verdict{Unlabeled}},
		{"by content: another base", read(true, nil, map[*Vmlinux]Counts{two: bad}), []*Vmlinux{two}, []Verdict{Misfits}, []Verdict{Stale, Unlabeled}},
		{"by content: another base and kernelrelease", read(true, nil, map[*Vmlinux]Counts{later: bad}), []*Vmlinux{later}, []Verdict{Misfits}, []Verdict{Stale, Unlabeled}},
		{"by content: its base under another kernelrelease", read(true, nil, map[*Vmlinux]Counts{later: good}), []*Vmlinux{later}, []Verdict{Fits}, []Verdict{Unlabeled}},
		{"by content: another kernelrelease, not checked on it", read(true, unsure, nil), []*Vmlinux{later}, nil, []Verdict{Stale, Unlabeled}},
		{"by content: not of its build", build(2, read(true, nil, map[*Vmlinux]Counts{one: good, two: bad})), []*Vmlinux{one, two}, []Verdict{Fits, Misfits}, []Verdict{Broken, Unlabeled}},
		{"by content: nothing proves it", read(true, nil, map[*Vmlinux]Counts{one: unsure}), []*Vmlinux{one}, []Verdict{Undecided}, []Verdict{Unproven, Unlabeled}},
		{"by content: another flavor", read(true, unsure, nil), []*Vmlinux{rt}, nil, []Verdict{Unmet, Unlabeled}},
		{"by content: another architecture", read(true, unsure, nil), []*Vmlinux{arm}, nil, []Verdict{Unmet, Unlabeled}},

		{"without BTF, on a kernel that nobody read", read(false, Counts{NoBTF: 1}, nil), []*Vmlinux{one}, []Verdict{Fits}, nil},
		{"without BTF, and no kernel", read(false, Counts{NoBTF: 1}, nil), nil, nil, nil},
		{"with .BTF.base, on a kernel", read(false, nil, map[*Vmlinux]Counts{one: {Relocatable: 1}}), []*Vmlinux{one}, []Verdict{Fits}, nil},
		{"with .BTF.base that does not relocate", read(false, nil, map[*Vmlinux]Counts{one: {Unrelocatable: 1}}), []*Vmlinux{one}, []Verdict{Misfits}, []Verdict{Stale}},
		{"with .BTF.base, and no kernel", read(false, unsure, nil), nil, nil, []Verdict{Unmet}},
		{"drifted", read(true, nil, map[*Vmlinux]Counts{one: {Drifted: 1}}), []*Vmlinux{one}, []Verdict{Fits}, []Verdict{Unlabeled}},

		{"its file list is not known", &Cargo{Arch: "x86_64", Modules: true}, []*Vmlinux{one}, nil, []Verdict{Undecided}},
		{"listed and not read", &Cargo{Arch: "x86_64", Modules: true, Listed: true, Releases: []string{"1-default"}}, []*Vmlinux{one}, nil, []Verdict{Undecided}},
		{"it could not be read", &Cargo{Arch: "x86_64", Modules: true, Unread: "could not be read"}, []*Vmlinux{one}, nil, []Verdict{Undecided}},
		{"no modules", &Cargo{Arch: "x86_64"}, []*Vmlinux{one}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cells, answers := tc.cargo.Match(tc.kernels)
			var fits, got []Verdict
			for _, c := range cells {
				fits = append(fits, c.Fit)
			}
			for _, a := range answers {
				got = append(got, a.Verdict)
				if a.Reason == "" {
					t.Errorf("%s without a reason", a.Verdict)
				}
			}
			if !slices.Equal(fits, tc.cells) || !slices.Equal(got, tc.want) {
				t.Errorf("cells %q, answers %v; want %q and %q", fits, answers, tc.cells, tc.want)
			}
		})
	}
}

// TestMatchOwn checks the modules of a package that has their kernel.
func TestMatchOwn(t *testing.T) {
	own := Kernels(Vmlinux{Label: "kernel", Arch: "x86_64"}, []string{"1-default"}, nil, true)[0]
	read := *own
	read.Base, read.Known = fingerprint.Digest{1}, ByContent
	other := &Vmlinux{Label: "other", Arch: "x86_64", Release: "1-default", Flavor: "default", Base: fingerprint.Digest{2}, Known: ByToken}
	for _, tc := range []struct {
		name  string
		own   *Vmlinux
		on    Counts
		cells []Verdict // on its own and on the other
		want  []Verdict
	}{
		{"nothing is known", own, nil, []Verdict{Undecided, Undecided}, []Verdict{Undecided}},
		{"read", &read, Counts{SameBase: 3}, []Verdict{Fits, Misfits}, []Verdict{Unlabeled}},
		{"not its own modules", &read, Counts{Misread: 1}, []Verdict{Misfits, Misfits}, []Verdict{Broken, Unlabeled}},
	} {
		c := &Cargo{Arch: "x86_64", Modules: true, Listed: true, Releases: []string{"1-default"}, Kernels: []*Vmlinux{tc.own}}
		if tc.on != nil {
			c.Content = map[string]*Content{"1-default": {Bound: true, On: map[*Vmlinux]Counts{tc.own: tc.on}, By: ByContent}}
		}
		cells, answers := c.Match([]*Vmlinux{tc.own, other})
		if len(cells) != 2 || cells[0].Fit != tc.cells[0] || cells[1].Fit != tc.cells[1] {
			t.Errorf("%s: %+v", tc.name, cells)
		}
		if len(answers) != len(tc.want) {
			t.Fatalf("%s: %v, want %q", tc.name, answers, tc.want)
		}
		for i, a := range answers {
			if a.Verdict != tc.want[i] {
				t.Errorf("%s: %v, want %q", tc.name, answers, tc.want)
			}
		}
	}
}

// TestKernels takes no token for the base of two kernels.
func TestKernels(t *testing.T) {
	token := func(flavor string, n byte) string { return fingerprint.Token(flavor, fingerprint.Digest{n}) }
	for _, tc := range []struct {
		name               string
		releases, provides []string
		listed             bool
		want               []string
	}{
		{"one", []string{"1-default"}, []string{token("default", 1)}, true, []string{"1-default 01"}},
		{"without token", []string{"1-default"}, nil, true, []string{"1-default unknown"}},
		{"two flavors", []string{"1-default", "1-rt"}, []string{token("rt", 2), token("default", 1)}, true, []string{"1-default 01", "1-rt 02"}},
		{"two with one token", []string{"1-default", "2-default"}, []string{token("default", 1)}, true, []string{"1-default 01", "2-default unknown"}},
		{"one with two tokens", []string{"1-default"}, []string{token("default", 1), token("default", 2)}, true, []string{"1-default unknown"}},
		{"one with one token twice", []string{"1-default"}, []string{token("default", 1), token("default", 1)}, true, []string{"1-default 01"}},
		{"a token alone", nil, []string{token("default", 1)}, false, []string{" 01"}},
		{"a token alone, and no vmlinux", nil, []string{token("default", 1)}, true, nil},
		{"no token", nil, []string{"kernel-btf(x)"}, false, nil},
	} {
		var got []string
		for _, k := range Kernels(Vmlinux{}, tc.releases, tc.provides, tc.listed) {
			short := k.Short()
			if k.Known != Unknown {
				short = short[:2]
			}
			got = append(got, k.Release+" "+short)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestNewest says of a kernel that modules are linked into whether updated machines
// boot it.
func TestNewest(t *testing.T) {
	kernels := []*Vmlinux{
		{Release: "5.14.21-150400.9-default", Flavor: "default"},
		{Release: "5.14.21-150400.24-default", Flavor: "default"},
		{Release: "6.4.0-150600.10-rt", Flavor: "rt"},
	}
	m := &matching{kernels: kernels}
	for i, want := range []bool{false, true, true} {
		if got := m.newest(kernels[i]) != ""; got != want {
			t.Errorf("%s: %v, want %v", kernels[i].Release, got, want)
		}
	}
	r := &Result{}
	for _, k := range kernels {
		r.Bases = append(r.Bases, &Base{Release: k.Release, Flavor: k.Flavor})
	}
	for i, want := range []bool{false, true, false} { // a lone one is none of several
		if got := kernels[i].NewestOf(slices.Values(kernels)); got != want || r.Newest(r.Bases[i]) != want {
			t.Errorf("%s: %v, want %v", kernels[i].Release, got, want)
		}
	}
}

// TestLinkedFromTwo: modules of two kernelreleases that are linked into a third all count
// there.
func TestLinkedFromTwo(t *testing.T) {
	var kernels []*Vmlinux
	for i, release := range []string{"1-default", "2-default", "3-default"} {
		kernels = append(kernels, &Vmlinux{Label: release, Arch: "x86_64", Release: release, Flavor: "default", Base: fingerprint.Digest{byte(i)}, Known: ByToken})
	}
	k := kernels[2]
	on := func(c Counts) *Content { return &Content{Bound: true, On: map[*Vmlinux]Counts{k: c}, By: ByContent} }
	for range 20 { // whatever comes first
		c := &Cargo{
			Arch: "x86_64", Modules: true, Listed: true, Releases: []string{"1-default", "2-default"},
			Content: map[string]*Content{"1-default": on(Counts{SameBase: 2}), "2-default": on(Counts{SameBase: 1, Misread: 1})},
			Linked:  func(*Vmlinux) Linked { return Linked{Is: true} },
		}
		cells, _ := c.Match(kernels)
		last := cells[len(cells)-1]
		if len(cells) != 3 || last.Kernel != k || last.Fit != Misfits || last.Counts.String() != "3 same-base, 1 misread" {
			t.Fatalf("%+v", cells)
		}
	}
}
