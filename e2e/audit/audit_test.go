// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package audit

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// document is the JSON of audit, as far as these tests read it. It is written
// from docs/json.md.
type document struct {
	Kernels []struct{ Package, KernelRelease, Base, By string }
	Matrix  []struct {
		Package, Kernel, KernelRelease, Fit, By string
		Verdicts                                map[string]int
	}
	Findings []struct {
		Kind, Package, KernelRelease string
		Packages                     []string
	}
	Rebuilds []struct {
		From, To string
		FromBase string `json:"from_base"`
		ToBase   string `json:"to_base"`
		Changed  bool
	}
	Summary map[string]int
	Errors  []struct{ Path, Error string }
}

// Which kernels share a kernelrelease, which rebuilds changed the base and which
// modules fit which of them follows from the bases that other tools read. It is
// found in the packages' content, once, and of stamped copies in their metadata
// alone.
func TestAudit(t *testing.T) {
	all := builds(t)
	var rpms []string
	for _, b := range all {
		rpms = append(rpms, b.rpm)
	}
	var content document
	took := guard(t, 1, &content, append([]string{"audit", "--format", "json"}, rpms...)...)
	t.Logf("content of %d packages: %s", len(all), took)
	content.check(t, all, "content")
	if n := content.Summary["unlabeled"]; n != len(all) {
		t.Errorf("%d packages without a token, want all %d", n, len(all))
	}
	var again document
	took = guard(t, 1, &again, append([]string{"audit", "--format", "json"}, rpms...)...)
	t.Logf("the same again: %s", took)
	again.check(t, all, "history")
	for i, c := range again.Matrix {
		if !maps.Equal(c.Verdicts, content.Matrix[i].Verdicts) {
			t.Errorf("%s on %s: %v, and when it was read %v", c.Package, c.Kernel, c.Verdicts, content.Matrix[i].Verdicts)
		}
	}

	copies := t.TempDir()
	if out, err := exec.Command("cp", append(slices.Clone(rpms), copies)...).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	t.Logf("stamp: %s", guard(t, 0, nil, "stamp", copies))
	// A package with a hole for the end of its payload shows that none is read.
	hollow := filepath.Join(copies, filepath.Base(rpms[0]))
	info, err := os.Stat(hollow)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{10 << 20, info.Size()} {
		if err := os.Truncate(hollow, size); err != nil {
			t.Fatal(err)
		}
	}
	var metadata document
	took = guard(t, 1, &metadata, "audit", "--format", "json", "--metadata-only", copies)
	t.Logf("metadata of %d packages: %s", len(all), took)
	metadata.check(t, all, "token")
	if n := metadata.Summary["unlabeled"]; n != 0 {
		t.Errorf("%d stamped packages without a token", n)
	}
}

// check compares the document with what is known of the builds.
func (d *document) check(t *testing.T, all []*build, by string) {
	t.Helper()
	if len(d.Errors) > 0 {
		t.Errorf("%s: errors %v", by, d.Errors)
	}
	built := map[string]*build{} // by package
	line := map[string][]*build{}
	for _, b := range all {
		built[b.nevra] = b
		line[b.krel] = append(line[b.krel], b)
	}

	if len(d.Kernels) != len(all) {
		t.Errorf("%s: %d kernels, want %d", by, len(d.Kernels), len(all))
	}
	for _, k := range d.Kernels {
		if b := built[k.Package]; b == nil || k.KernelRelease != b.krel || k.Base != b.base || k.By != by {
			t.Errorf("%s: kernel %+v, want %+v", by, k, b)
		}
	}

	incidents := map[string][]string{}
	for krel, builds := range line {
		if !slices.ContainsFunc(builds, func(b *build) bool { return b.base != builds[0].base }) {
			continue
		}
		for _, b := range slices.Backward(builds) {
			incidents[krel] = append(incidents[krel], b.nevra)
		}
	}
	got := map[string][]string{}
	for _, f := range d.Findings {
		switch f.Kind {
		case "incident":
			got[f.KernelRelease] = f.Packages
		case "unlabeled":
		default:
			t.Errorf("%s: finding %+v", by, f)
		}
	}
	if !maps.EqualFunc(got, incidents, slices.Equal) {
		t.Errorf("%s: incidents %v, want %v", by, got, incidents)
	}
	if len(d.Rebuilds) != len(all)-len(line) {
		t.Errorf("%s: %d rebuilds, want %d", by, len(d.Rebuilds), len(all)-len(line))
	}
	for _, r := range d.Rebuilds {
		from, to := built[r.From], built[r.To]
		if from == nil || to == nil || from.krel != to.krel ||
			slices.Index(line[from.krel], from)+1 != slices.Index(line[to.krel], to) ||
			r.FromBase != from.base || r.ToBase != to.base || r.Changed != (from.base != to.base) {
			t.Errorf("%s: rebuild %+v, the bases are %v and %v", by, r, from, to)
		}
	}

	// Each package meets the kernels of its kernelrelease and no other, and fits
	// those with its base.
	met := map[[2]string]bool{}
	want := 0
	for _, builds := range line {
		want += len(builds) * len(builds)
	}
	for _, c := range d.Matrix {
		modules, kernel := built[c.Package], built[c.Kernel]
		if modules == nil || kernel == nil || modules.krel != kernel.krel || c.KernelRelease != kernel.krel || c.By != by {
			t.Errorf("%s: cell %+v", by, c)
			continue
		}
		met[[2]string{c.Package, c.Kernel}] = true
		fit := "misfits"
		if modules.base == kernel.base {
			fit = "fits"
		}
		if c.Fit != fit {
			t.Errorf("%s: %s %s %s, want %s (%v)", by, c.Package, c.Fit, c.Kernel, fit, c.Verdicts)
		}
		if by == "token" {
			continue
		}
		judged := 0
		for _, n := range c.Verdicts {
			judged += n
		}
		if judged != modules.modules {
			t.Errorf("%s on %s: %v, the package has %d modules", c.Package, c.Kernel, c.Verdicts, modules.modules)
		}
	}
	if len(d.Matrix) != want || len(met) != want {
		t.Errorf("%s: %d cells of %d pairs, want %d", by, len(d.Matrix), len(met), want)
	}
}
