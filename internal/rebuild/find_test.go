// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

const incident = "../../testdata/incident/"

var (
	tokenOld  = fingerprint.Token("default", fingerprint.Digest{1})
	tokenNew  = fingerprint.Token("default", fingerprint.Digest{2})
	elsewhere = Where{"kernels", "standard", "x86_64"}
)

// rpmOf is the metadata of one: its name, and what it provides ("+...") and
// requires.
func rpmOf(name string, deps ...string) api.FileInfo {
	b := api.FileInfo{Name: name, Version: "1", Release: "1"}
	for _, d := range deps {
		if provided, ok := strings.CutPrefix(d, "+"); ok {
			b.Provides = append(b.Provides, provided)
		} else {
			b.Requires = append(b.Requires, d)
		}
	}
	return b
}

// pkg is a package of OBS that is built into RPMs.
func pkg(needs []string, rpms ...api.FileInfo) *fakePackage {
	p := settled()
	p.needs = needs
	p.files = map[string]api.FileInfo{}
	for _, b := range rpms {
		p.files[b.Name+"-1-1.x86_64.rpm"] = b
	}
	return p
}

// found is the plan for here.
func found(t *testing.T, s Server) *Plan {
	t.Helper()
	p, f := NewPlan(""), &Finder{Server: s, Dir: t.TempDir()}
	if err := f.Plan(t.Context(), p, []Where{here, here}); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFindByMetadata plans by what dependencies say and downloads nothing.
func TestFindByMetadata(t *testing.T) {
	kernel := func(token string) api.FileInfo {
		return rpmOf("kernel-default", "+"+token, "+kernel-uname-r = 5.15.12-1-default")
	}
	devel := rpmOf("kernel-default-devel")
	built := []string{"gcc", "kernel-default-devel"}
	for _, tc := range []struct {
		name     string
		packages map[node]*fakePackage
		steps    []string // package: a part of the reason
		note     string
	}{
		{"all fits", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel, rpmOf("kernel-default-extra", tokenNew)),
			{here, "foo"}:            pkg(built, rpmOf("foo-kmp-default", tokenNew)),
		}, nil, ""},
		{"a KMP of the build before", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel),
			{here, "foo"}:            pkg(built, rpmOf("foo-kmp-default", tokenOld)),
			{here, "bash"}:           pkg([]string{"gcc"}, rpmOf("bash", tokenOld)), // nobody looks at it
		}, []string{"foo: foo-kmp-default-1-1 of prj/standard/x86_64: requires " + tokenOld + ", and the kernels of that flavor here have other bases: 020000000000 of kernel-default-1-1 of prj/standard/x86_64"}, ""},
		{"named otherwise", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel),
			{here, "drivers"}:        pkg(built, rpmOf("drivers", tokenOld)),
		}, []string{"drivers: "}, ""},
		{"modules of the kernel itself", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel, rpmOf("kernel-default-extra", tokenOld)),
		}, []string{"kernel-default: kernel-default-extra-1-1 of prj/standard/x86_64: requires " + tokenOld}, ""},
		{"a kernel on the path", map[node]*fakePackage{
			{elsewhere, "kernel-default"}: pkg(nil, kernel(tokenNew), devel, rpmOf("kernel-default-extra", tokenOld)), // not ours to build
			{here, "foo"}:                 pkg(built, rpmOf("foo-kmp-default", tokenOld)),
		}, []string{"foo: of kernel-default-1-1 of kernels/standard/x86_64"}, ""},
		{"the nearest kernel is met", map[node]*fakePackage{
			{elsewhere, "kernel-default"}: pkg(nil, kernel(tokenOld), devel),
			{here, "kernel-default"}:      pkg(nil, kernel(tokenNew), devel),
			{here, "foo"}:                 pkg(built, rpmOf("foo-kmp-default", tokenOld)),
		}, []string{"foo: of kernel-default-1-1 of prj/standard/x86_64"}, ""},
		{"another flavor's kernel", map[node]*fakePackage{
			{here, "kernel-rt"}: pkg(nil, rpmOf("kernel-rt", "+"+fingerprint.Token("rt", fingerprint.Digest{3})), rpmOf("kernel-rt-devel")),
			{here, "foo"}:       pkg([]string{"kernel-rt-devel"}, rpmOf("foo-kmp-default", tokenOld)),
		}, nil, "no kernel of that flavor"},
		{"a flavor that only packages name", map[node]*fakePackage{
			{here, "kernel-64kb"}: pkg(nil, rpmOf("kernel-64kb", "+"+fingerprint.Token("64kb", fingerprint.Digest{3}), "+kernel-uname-r = 5.15.12-1"), rpmOf("kernel-64kb-devel")),
			{here, "foo"}:         pkg([]string{"kernel-64kb-devel"}, rpmOf("foo-kmp-64kb", fingerprint.Token("64kb", fingerprint.Digest{1}))),
		}, []string{"foo: and the kernels of that flavor here have other bases: 030000000000 of kernel-64kb-1-1"}, ""},
		{"a copy of an older vmlinux", map[node]*fakePackage{
			{here, "kernel-default-base"}: pkg([]string{"kernel-default"}, rpmOf("kernel-default-base", "+"+tokenOld, "+kernel-uname-r = 5.15.12-1-default")),
			{here, "kernel-default"}:      pkg(nil, kernel(tokenNew), devel),
			{here, "fits"}:                pkg(built, rpmOf("fits-kmp-default", tokenNew)),
			{here, "stale"}:               pkg(built, rpmOf("stale-kmp-default", tokenOld)),
		}, []string{"stale: ", "kernel-default-base: has the vmlinux with base 010000000000"}, ""},
		{"a KMP that says it provides a base", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel),
			{here, "a"}:              pkg(built, rpmOf("a-kmp-default", "+"+tokenOld)),
			{here, "foo"}:            pkg(built, rpmOf("foo-kmp-default", tokenOld)),
		}, []string{"a: has the vmlinux", "foo: "}, ""},
		{"modules and vmlinux that say two things", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, rpmOf("kernel-default", "+"+tokenNew, tokenOld)),
		}, []string{"kernel-default: of the same build, is 020000000000"}, ""},
		{"a symbol of another KMP that was built again", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel, rpmOf("kernel-default-extra", tokenNew, "+ksym(default:usb_submit_urb) = 00000001")),
			{here, "glue"}:           pkg(built, rpmOf("glue-kmp-default", tokenNew, "+ksym(default:glue_open) = 0000000b", "+ksym(default:glue_read) = 0000000c")),
			{here, "foo"}:            pkg(built, rpmOf("foo-kmp-default", tokenNew, "ksym(default:glue_open) = 0000000a", "ksym(default:glue_read) = 0000000c", "ksym(default:nowhere) = 00000002")),
			{here, "bar"}:            pkg(built, rpmOf("bar-kmp-default", tokenNew, "ksym(default:glue_open) = 0000000b", "ksym(rt:glue_read) = 0000000d")),
		}, []string{"foo: foo-kmp-default-1-1 of prj/standard/x86_64: needs symbol glue_open with CRC 0000000a, which glue-kmp-default-1-1 of prj/standard/x86_64 has with another"}, ""},
		{"in order", map[node]*fakePackage{
			{here, "kernel-default"}: pkg(nil, kernel(tokenNew), devel, rpmOf("kernel-default-extra", tokenOld)),
			{here, "a"}:              pkg([]string{"glue", "kernel-default-devel"}, rpmOf("a-kmp-default", tokenOld)),
			{here, "between"}:        pkg([]string{"foo-kmp-default"}, rpmOf("glue")),
			{here, "foo"}:            pkg(built, rpmOf("foo-kmp-default", tokenOld)),
		}, []string{"kernel-default: ", "foo: ", "a: "}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fakeServer{packages: tc.packages, path: map[Where][]Where{here: {elsewhere}}}
			p := found(t, f)
			var got []string
			for _, s := range p.Steps {
				got = append(got, s.Package+": "+strings.Join(s.Why, "; "))
				if s.Where() != here || s.Seen == nil {
					t.Errorf("%+v", s)
				}
			}
			if len(got) != len(tc.steps) {
				t.Fatalf("%q, want %q", got, tc.steps)
			}
			for i, want := range tc.steps {
				name, why, _ := strings.Cut(want, ": ")
				if !strings.HasPrefix(got[i], name+": ") || !strings.Contains(got[i], why) {
					t.Errorf("%q, want %q", got[i], want)
				}
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, tc.note) || tc.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
			for _, s := range p.Skipped {
				if s != "prj/standard/x86_64/bash" && s != "prj/standard/x86_64/between" {
					t.Errorf("%s was not looked into", s)
				}
			}
			if len(f.fetched) > 0 {
				t.Errorf("downloaded %q", f.fetched)
			}
		})
	}
}

// TestFindInVain knows a build that was made with what its modules meet.
func TestFindInVain(t *testing.T) {
	at := func(hour int) time.Time { return time.Unix(1e9, 0).Add(time.Duration(hour) * time.Hour) }
	build := func(asked, ended int) *Build {
		return &Build{VersionRelease: "1-1", Code: "succeeded", Ended: at(ended), asked: at(asked)}
	}
	kernel := func(last *Build) *fakePackage {
		p := pkg(nil, rpmOf("kernel-default", "+"+tokenNew, "+kernel-uname-r = 5.15.12-1-default"), rpmOf("kernel-default-devel"))
		p.last = last
		return p
	}
	kmp := func(last *Build, deps ...string) *fakePackage {
		p := pkg([]string{"kernel-default-devel"}, rpmOf("foo-kmp-default", deps...))
		p.last = last
		return p
	}
	broken := pkg(nil, rpmOf("kernel-default", "+"+tokenNew, "+kernel-uname-r = 5.15.12-1-default"), rpmOf("kernel-default-extra", tokenOld))
	broken.last = build(1, 2)
	glue := kmp(build(3, 4), tokenNew, "+ksym(default:glue_open) = 0000000b")
	for _, tc := range []struct {
		name     string
		packages map[node]*fakePackage
		inVain   bool
	}{
		{"built before the kernel", map[node]*fakePackage{{here, "kernel-default"}: kernel(build(3, 5)), {here, "foo"}: kmp(build(1, 2), tokenOld)}, false},
		{"asked for while the kernel was built", map[node]*fakePackage{{here, "kernel-default"}: kernel(build(3, 5)), {here, "foo"}: kmp(build(4, 6), tokenOld)}, false},
		{"built with the kernel", map[node]*fakePackage{{here, "kernel-default"}: kernel(build(3, 5)), {here, "foo"}: kmp(build(6, 7), tokenOld)}, true},
		{"built with a kernel from elsewhere", map[node]*fakePackage{{elsewhere, "kernel-default"}: kernel(build(3, 5)), {here, "foo"}: kmp(build(6, 7), tokenOld)}, true},
		{"nothing tells when it was asked for", map[node]*fakePackage{{here, "kernel-default"}: kernel(build(3, 5)), {here, "foo"}: kmp(&Build{VersionRelease: "1-1", Ended: at(7)}, tokenOld)}, false},
		{"another reason, for which it has to be built", map[node]*fakePackage{{here, "kernel-default"}: kernel(build(1, 2)), {here, "glue"}: glue,
			{here, "foo"}: kmp(build(3, 4), tokenOld, "ksym(default:glue_open) = 0000000a")}, false},
		{"a symbol of what it was built with", map[node]*fakePackage{{here, "kernel-default"}: kernel(build(1, 2)), {here, "glue"}: glue,
			{here, "foo"}: kmp(build(5, 6), tokenNew, "ksym(default:glue_open) = 0000000a")}, true},
		{"a kernel that does not fit itself", map[node]*fakePackage{{here, "kernel-default"}: broken}, false},
	} {
		p := found(t, &fakeServer{packages: tc.packages, path: map[Where][]Where{here: {elsewhere}}})
		if len(p.Steps) != 1 || (p.Steps[0].InVain != "") != tc.inVain {
			t.Errorf("%s: %+v", tc.name, p.Steps)
		}
	}
}

// TestFindUnsettled judges nothing on a kernel that is about to change, or that
// may not be the nearest.
func TestFindUnsettled(t *testing.T) {
	kernelRPM := rpmOf("kernel-default", "+"+tokenNew, "+kernel-uname-r = 5.15.12-1-default")
	project := func() map[node]*fakePackage {
		return map[node]*fakePackage{
			{here, "kernel-default"}:      pkg(nil, kernelRPM, rpmOf("kernel-default-devel")),
			{here, "foo"}:                 pkg([]string{"kernel-default-devel"}, rpmOf("foo-kmp-default", tokenOld)),
			{elsewhere, "kernel-default"}: pkg(nil, rpmOf("kernel-default", "+"+tokenOld)),
		}
	}
	for _, tc := range []struct {
		name string
		set  func(*fakeServer)
		note string
	}{
		{"being built", func(f *fakeServer) { f.packages[node{here, "kernel-default"}].state.Code = "building" }, "kernel-default is building"},
		{"waiting for others", func(f *fakeServer) { f.packages[node{here, "kernel-default"}].state.Code = "blocked" }, "kernel-default is blocked"},
		{"unreadable", func(f *fakeServer) {
			f.packages[node{here, "kernel-default"}].files["kernel-default-1-1.x86_64.rpm"] = api.FileInfo{}
		}, "cannot be read"},
		{"a repository that does not answer", func(f *fakeServer) {
			f.away = map[Where]error{here: errors.New("503")}
		}, "503"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fakeServer{packages: project(), path: map[Where][]Where{here: {elsewhere}}}
			tc.set(f)
			p := found(t, f)
			if notes := strings.Join(p.Notes, "\n"); len(p.Steps) > 0 || !strings.Contains(notes, "foo-kmp-default-1-1") || !strings.Contains(notes, tc.note) {
				t.Errorf("%+v", p)
			}
		})
	}
	f := &fakeServer{packages: project()}
	f.packages[node{here, "kernel-default"}].builds("succeeded")
	f.packages[node{here, "kernel-default"}].tick()
	p := NewPlan("")
	settled := 0
	finder := &Finder{Server: f, Settle: func(context.Context) error { settled++; return nil }}
	if err := finder.Find(t.Context(), p, []Where{here}); err != nil || settled == 0 || len(p.Steps) != 1 {
		t.Errorf("waited %d times, %v, %+v", settled, err, p)
	}
}

// TestWaves: what a step needs is in a wave before it, and a cycle is no end.
func TestWaves(t *testing.T) {
	p := &Plan{Steps: []Step{stepOf("c", 0), stepOf("x", 0), stepOf("b", 0), stepOf("y", 0), stepOf("a", 0)}}
	needs := map[string][]string{"c": {"via"}, "via": {"b"}, "b": {"a"}, "x": {"y"}, "y": {"x"}}
	p.order(func(from api.Target) []api.Target {
		var out []api.Target
		for _, n := range needs[from.Package] {
			out = append(out, here.of(n))
		}
		return out
	})
	wave := map[string]int{}
	var order []string
	for _, s := range p.Steps {
		wave[s.Package] = s.Wave
		order = append(order, s.Package)
	}
	if wave["a"] != 0 || wave["b"] != 1 || wave["c"] != 2 {
		t.Errorf("%v", wave)
	}
	if !slices.IsSortedFunc(p.Steps, func(a, b Step) int { return a.Wave - b.Wave }) {
		t.Errorf("%q", order)
	}
}

// TestFindByContent downloads what metadata does not tell, the kernel only where
// a module needs it.
func TestFindByContent(t *testing.T) {
	const (
		kernelFile = "kernel-default-1-1.x86_64.rpm"
		kmpFile    = "foo-kmp-default-1-1.x86_64.rpm"
		toolsFile  = "foo-tools-1-1.x86_64.rpm" // of a package that is built with a kernel's devel package
		kernel13   = incident + "5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm"
	)
	for _, tc := range []struct {
		name    string
		kmp     string // what is behind the KMP
		steps   int
		fetched []string
	}{
		{"stale", incident + "5.15.12-1.1/kernel-default-extra-5.15.12-1.1.x86_64.rpm", 1, []string{kmpFile, toolsFile, kernelFile}},
		{"fits", incident + "5.15.12-1.3/kernel-default-extra-5.15.12-1.3.x86_64.rpm", 0, []string{kmpFile, toolsFile, kernelFile}},
		{"no BTF", incident + "5.15.12-1.3/ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm", 0, []string{kmpFile, toolsFile}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kernel := pkg(nil, rpmOf("kernel-default", "+kernel-uname-r = 5.15.12-1-default"), rpmOf("kernel-default-devel"))
			kernel.local = map[string]string{kernelFile: kernel13}
			foo := pkg([]string{"kernel-default-devel"}, rpmOf("foo-kmp-default"), rpmOf("foo-tools"))
			foo.local = map[string]string{kmpFile: tc.kmp, toolsFile: incident + "5.15.12-1.3/ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64.rpm"}
			f := &fakeServer{packages: map[node]*fakePackage{{here, "kernel-default"}: kernel, {here, "foo"}: foo}}
			p := found(t, f)
			if len(p.Steps) != tc.steps || len(p.Notes) != 0 {
				t.Fatalf("%+v", p)
			}
			if tc.steps > 0 && (p.Steps[0].Package != "foo" || !strings.Contains(p.Steps[0].Why[0], "foo-kmp-default-1-1 of ")) {
				t.Errorf("%+v", p.Steps[0])
			}
			if !slices.Equal(f.fetched, tc.fetched) {
				t.Errorf("downloaded %q, want %q", f.fetched, tc.fetched)
			}
		})
	}
}

// TestAddAgain: who looks at packages takes their steps out of the plan, and what is found
// in OBS puts them in again, with their reasons.
func TestAddAgain(t *testing.T) {
	p := NewPlan("")
	foo := Where{"P", "R", "x86_64"}.of("foo")
	p.add(foo, nil, "its modules do not fit", "")
	p.Steps = p.Steps[:0]
	p.add(foo, nil, "its modules do not fit", "")
	p.add(foo, nil, "its modules do not fit", "")
	if len(p.Steps) != 1 || !slices.Equal(p.Steps[0].Why, []string{"its modules do not fit"}) {
		t.Errorf("%+v", p.Steps)
	}
}
