// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func openNew(t *testing.T) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "history.db"))
}

func openAt(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// unexpected fails a test in which something is set aside.
func unexpected(t *testing.T) func(string) {
	return func(notice string) { t.Error(notice) }
}

func builds(t *testing.T, db *DB, f Filter) []Step {
	t.Helper()
	list, err := db.Builds(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// incident reads and judges the builds of the fixture.
func incident(t *testing.T) (*guard.Inventory, *guard.Result) {
	t.Helper()
	const dir = "../../testdata/incident/"
	inv, err := collect.Read(t.Context(), collect.Sources{Paths: []string{dir + "5.15.12-1.3"}, Against: []string{dir + "5.15.12-1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := guard.Judge(t.Context(), inv, guard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return inv, res
}

func digestOf(t *testing.T, text string) fingerprint.Digest {
	t.Helper()
	d, err := fingerprint.Parse("sha256:" + text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRecord reads back all that is remembered of two real packages, however
// often they are recorded.
func TestRecord(t *testing.T) {
	db := openNew(t)
	inv, res := incident(t)
	for range 2 {
		if err := db.Record(t.Context(), inv, res); err != nil {
			t.Fatal(err)
		}
	}
	got := builds(t, db, Filter{})
	for i := range got {
		if len(got[i].Digest) != 64 || time.Since(got[i].Seen) > time.Hour {
			t.Errorf("digest %q, seen %v", got[i].Digest, got[i].Seen)
		}
		got[i].Digest, got[i].Seen = "", time.Time{}
	}
	slices.SortFunc(got, func(a, b Step) int { return strings.Compare(a.Package, b.Package) })
	want := Step{Build: Build{
		RPM: RPM{
			Package: "kernel-default-5.15.12-1.1.x86_64", Source: "kernel-default", Release: "5.15.12-1.1",
			DistURL: "obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default",
			Host:    "buildhost", Built: time.Unix(1640789416, 0).UTC(),
		},
		Path: "/usr/lib/modules/5.15.12-1-default/vmlinux.xz", Arch: "x86_64", KernelRelease: "5.15.12-1-default", Flavor: "default",
		Fingerprint: digestOf(t, "42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d"),
		TypeCount:   536, StringBytes: 7787,
		Toolchain: kernel.Toolchain{Compiler: "gcc (SUSE Linux) 11.2.1 20211124", Linker: "GNU ld (GNU Binutils; openSUSE Tumbleweed) 2.37.20210803-5"},
	},
		Judgements: []Judgement{
			{"rebuild", "5.15.12-1.3", "rejected", "fail", 7},
			{"across", "1.0_k5.15.12_1-2.1", "no-btf", "ok", 1},
		},
	}
	for i, b := range inv.Bases {
		if b.Package.NEVRA == want.Package {
			want.Types, want.Strings = inv.Bases[i].Fingerprint.Types, inv.Bases[i].Fingerprint.Strings
		}
	}
	if len(got) != 2 {
		t.Fatalf("%d builds", len(got))
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	newer := []Judgement{
		{"build", "5.15.12-1.3", "same-base", "ok", 7},
		{"rebuild", "5.15.12-1.1", "misread", "fail", 2},
		{"rebuild", "5.15.12-1.1", "rejected", "fail", 5},
		{"across", "1.0_k5.15.12_1-2.1", "no-btf", "ok", 1},
	}
	if !slices.Equal(got[1].Judgements, newer) {
		t.Errorf("on 1.3: %v", got[1].Judgements)
	}
}

// made is a packaged kernel that nobody built.
func made(digest, release string, day int, base byte, config kernel.Config) *guard.Base {
	b := &guard.Base{
		Package: &guard.Package{
			Path: digest + ".rpm", Digest: digest, NEVRA: "kernel-default-" + release + ".x86_64", VersionRelease: release, Source: "kernel-default",
			DistURL: "obs://build.example.org/Kernel:HEAD/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default",
		},
		Path: "/usr/lib/modules/5.15.12-1-default/vmlinux.xz", Arch: "x86_64", Release: "5.15.12-1-default", Flavor: "default", Config: config,
	}
	if day > 0 {
		b.Package.Built = time.Date(2021, 12, day, 0, 0, 0, 0, time.UTC)
	}
	if base > 0 {
		b.Fingerprint = fingerprint.Fingerprint{Base: fingerprint.Digest{base}, Types: fingerprint.Digest{base, 1}, Strings: fingerprint.Digest{base, 2}}
	}
	return b
}

// complete gives the kernels of a package whose every vmlinux was read.
func complete(ctx context.Context, db *DB, digest string) ([]Step, error) {
	return db.builds(ctx, "WHERE digest = ? AND complete = 1", []any{digest}, Filter{}.like)
}

// TestComplete marks the packages whose every vmlinux was read, and no other.
func TestComplete(t *testing.T) {
	db := openNew(t)
	whole, part, loose := made("aa", "1.1", 1, 1, nil), made("bb", "1.2", 2, 2, nil), made("", "1.3", 3, 3, nil)
	modules := &guard.Package{Path: "kmp.rpm", Digest: "cc", NEVRA: "kmp-1-1.x86_64"}
	loose.Package = nil
	inv := &guard.Inventory{
		Bases:    []*guard.Base{whole, part, loose},
		Problems: []guard.Problem{{Path: "bb.rpm", Err: errors.New("vmlinux: cut off")}},
	}
	res := &guard.Result{Findings: []guard.Finding{
		{Pairing: guard.PairAcross, Module: &guard.Module{Package: modules}, Base: whole, Verdict: guard.SameBase, Severity: guard.OK},
		{Pairing: guard.PairAcross, Module: &guard.Module{Package: modules}, Base: loose, Verdict: guard.Rejected, Severity: guard.Rebuild},
		{Pairing: guard.PairAcross, Module: &guard.Module{Package: modules}, Verdict: guard.Unproven, Severity: guard.Warn},
		{Pairing: guard.PairAcross, Module: &guard.Module{}, Base: whole, Verdict: guard.Misread, Severity: guard.Fail},
	}}
	record := func(inv *guard.Inventory, res *guard.Result) {
		t.Helper()
		if err := db.Record(t.Context(), inv, res); err != nil {
			t.Fatal(err)
		}
	}
	known := func(digest string, want bool) []Step {
		t.Helper()
		list, err := complete(t.Context(), db, digest)
		if err != nil || len(list) > 0 != want {
			t.Errorf("%s: %d kernels (%v), want some: %v", digest, len(list), err, want)
		}
		return list
	}
	record(inv, res)
	if list := known("aa", true); len(list) == 1 {
		if list[0].Fingerprint != whole.Fingerprint.Base || !slices.Equal(list[0].Judgements, []Judgement{{"across", "", "same-base", "ok", 1}}) {
			t.Errorf("%+v", list[0])
		}
	}
	known("bb", false) // a vmlinux of it could not be read
	known("cc", false) // modules only
	known("", false)
	known("dd", false)
	if n := len(builds(t, db, Filter{})); n != 2 {
		t.Errorf("%d builds, want aa and bb", n)
	}
	// Read as a whole later, it is known; a run that failed takes nothing away.
	record(&guard.Inventory{Bases: []*guard.Base{part}}, nil)
	known("bb", true)
	record(inv, nil)
	known("bb", true)
	// Packages that nothing was read of change nothing.
	record(&guard.Inventory{Packages: []*guard.Package{whole.Package}}, nil)
	known("aa", true)
}

// TestJudgedAgain replaces what was judged before by what is true now.
func TestJudgedAgain(t *testing.T) {
	db := openNew(t)
	base := made("aa", "1.1", 1, 1, nil)
	m := &guard.Module{Package: &guard.Package{Digest: "cc"}}
	for _, verdict := range []guard.Verdict{guard.Unproven, guard.SameBase} {
		res := &guard.Result{Findings: []guard.Finding{
			{Pairing: guard.PairBuild, Module: m, Base: base, Verdict: verdict, Severity: verdict.Severity()},
			{Pairing: guard.PairBuild, Module: m, Base: base, Verdict: verdict, Severity: verdict.Severity()},
		}}
		if err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{base}}, res); err != nil {
			t.Fatal(err)
		}
	}
	if got := builds(t, db, Filter{})[0].Judgements; !slices.Equal(got, []Judgement{{"build", "", "same-base", "ok", 2}}) {
		t.Errorf("%v", got)
	}
}

func TestFilter(t *testing.T) {
	db := openNew(t)
	arm := made("bb", "1.1", 1, 2, nil)
	arm.Arch, arm.Release, arm.Flavor = "aarch64", "6.4.0-1-64kb", "64kb"
	arm.Package.DistURL = "https://example.org/"
	if err := db.Record(t.Context(), &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil), arm}}, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    Filter
		want string
	}{
		"all":             {Filter{}, "aabb"},
		"kernelrelease":   {Filter{Kernel: "5.15.12-1-default"}, "aa"},
		"pattern":         {Filter{Kernel: "6.*"}, "bb"},
		"not a beginning": {Filter{Kernel: "5.15"}, ""},
		"architecture":    {Filter{Arch: "aarch64"}, "bb"},
		"flavor":          {Filter{Flavor: "default"}, "aa"},
		"project":         {Filter{Project: "Kernel:HEAD"}, "aa"},
		"together":        {Filter{Arch: "aarch64", Flavor: "default"}, ""},
		"no SQL":          {Filter{Arch: "' OR 1 --"}, ""},
	} {
		got := ""
		list := builds(t, db, c.f)
		slices.SortFunc(list, func(a, b Step) int { return strings.Compare(a.Digest, b.Digest) })
		for _, b := range list {
			got += b.Digest
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOddRow says which row cannot be read, and gives the others.
func TestOddRow(t *testing.T) {
	db := openNew(t)
	inv := &guard.Inventory{Bases: []*guard.Base{made("aa", "1.1", 1, 1, nil), made("bb", "1.2", 2, 2, nil), made("cc", "1.3", 3, 3, nil)}}
	if err := db.Record(t.Context(), inv, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := db.conn.Exec("UPDATE base SET fingerprint = 'sha256:no' WHERE digest = 'bb'; UPDATE package SET built = 'soon' WHERE digest = 'cc'"); err != nil {
		t.Fatal(err)
	}
	lines, err := db.Lines(t.Context(), Filter{})
	if len(lines) != 1 || len(lines[0].Steps) != 1 || lines[0].Steps[0].Digest != "aa" {
		t.Errorf("%+v", lines)
	}
	for _, want := range []string{"default-1.2.x86_64", "default-1.3.x86_64"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
