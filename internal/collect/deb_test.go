// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestDeb judges Debian packages as the RPMs with the same files.
func TestDeb(t *testing.T) {
	verdicts := func(s Sources) (out []string) {
		inv, err := Read(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		res, err := guard.Judge(t.Context(), inv, guard.Options{})
		if err != nil || len(res.Problems) > 0 {
			t.Fatal(err, res.Problems)
		}
		for _, f := range res.Findings {
			out = append(out, fmt.Sprintf("%s %s on %s: %s, %s", f.Pairing, f.Module.Path, f.Base.Path, f.Verdict, f.Basis))
		}
		slices.Sort(out)
		return out
	}
	dir := t.TempDir()
	name := func(rpm string) string {
		path := filepath.Join(dir, filepath.Base(filepath.Dir(rpm)), "any-"+filepath.Base(rpm)+".deb")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		fixture.DebOf(t, rpm, path, false)
		return path
	}
	newDeb, oldDeb := name(incident+kernel13), name(incident+kernel11)
	for what, sides := range map[string][2]Sources{
		"one":      {{Paths: []string{incident + kernel13}}, {Paths: []string{newDeb}}},
		"a folder": {{Paths: []string{incident + kernel13}}, {Paths: []string{filepath.Dir(newDeb)}}},
		"two":      {{Paths: []string{incident + kernel13}, Against: []string{incident + kernel11}}, {Paths: []string{newDeb}, Against: []string{oldDeb}}},
		"a base":   {{Paths: []string{incident + kernel13}, Base: incident + kernel11}, {Paths: []string{newDeb}, Base: oldDeb}},
	} {
		want, got := verdicts(sides[0]), verdicts(sides[1])
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}

	whole, err := os.ReadFile(newDeb)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		cut := filepath.Join(t.TempDir(), "cut.deb")
		if err := os.WriteFile(cut, whole[:len(whole)*n/20], 0o644); err != nil {
			t.Fatal(err)
		}
		if inv, err := Read(t.Context(), Check(cut)); err != nil || len(inv.Problems) != 1 || len(inv.Modules)+len(inv.Bases) != 0 {
			t.Errorf("%d of 20: %d modules, problems %v, %v", n, len(inv.Modules), inv.Problems, err)
		}
	}
}
