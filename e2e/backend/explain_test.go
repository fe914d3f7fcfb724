// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// explained is what explain says of a kernel, as docs/json.md has it.
type explained struct {
	Why  reasons
	Diff struct {
		Exported struct{ Old, New struct{ Symbols, Found int } }
	}
}

// reasons is what explain says of why, as docs/json.md has it.
type reasons struct {
	Sentence, Source string
	Packages         []struct{ What, From, To string }
	Trigger          struct {
		Kind           string
		Changed, Notes []string
		Jobs           []struct{ Release, Code, Kind, Reason string }
	}
}

// explain asks why a kernel was built again.
func explain(t *testing.T, px *proxy, old, new string, more ...string) explained {
	t.Helper()
	cmd := exec.Command(program, append([]string{"explain", "--format", "json", "--obs", "--apiurl", px.URL, old, new}, more...)...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=/usr/bin:/bin", "LC_ALL=C"}
	o := harness.Try(t, cmd)
	var doc struct{ Kernels []explained }
	if err := json.Unmarshal([]byte(o.Stdout), &doc); err != nil || o.Status != 0 || len(doc.Kernels) != 1 {
		t.Fatalf("exit status %d, %v\n%s", o.Status, err, o.All())
	}
	t.Log(doc.Kernels[0].Why.Sentence)
	return doc.Kernels[0]
}

// kernelOf is the kernel of an incident's rebuild as the build of a project would
// make it: with its release, and a DISTURL that names the project. Its ksym(...)
// provides are gone, its symvers is there.
func (p *project) kernelOf(s stock, rebuild, release string) string {
	p.Helper()
	tree, dir := p.TempDir(), p.TempDir()
	harness.Must(p.T, "sh", "-c", `cd "$1" && rpm2cpio "$2" | cpio -idmu --quiet`, "sh", tree, s.kernel[rebuild]["kernel-default"])
	return rpmbuild(p.T, dir, "kernel-source", "kernel-default", "5.15.12", release, tree, ".",
		"disturl obs://loopback.test/"+p.name+"/"+repository+"/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default")
}

// saveEnv keeps what OBS says about the build root of the kernel's last build.
func (p *project) saveEnv() string {
	p.Helper()
	path := filepath.Join(p.TempDir(), "_buildenv")
	if err := os.WriteFile(path, p.request("GET", "/build/"+p.name+"/"+repository+"/"+arch+"/kernel-default/_buildenv", ""), 0o644); err != nil {
		p.Fatal(err)
	}
	return path
}

// A kernel is built a first time, then because somebody asks for it, which OBS
// does not tell from the first time, then because of pahole.
func TestExplain(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, false), newProxy(t)
	p := newProject(t, "", "direct")
	first, third, fourth := p.kernelOf(s, "1.1", "1.1"), p.kernelOf(s, "1.3", "1.3"), p.kernelOf(s, "1.3", "1.4")
	p.kernel(s)
	env := p.saveEnv()
	if w := explain(t, px, first, third).Why; w.Trigger.Kind != "" || len(w.Trigger.Notes) != 2 || strings.Contains(w.Sentence, "built") {
		t.Errorf("before it is built: %+v", w)
	}
	for _, b := range []build{fails, succeeds(first), succeeds(third)} {
		p.rebuild("kernel-default")
		p.deliver("kernel-default", b)
	}
	e := explain(t, px, first, third)
	if x := e.Diff.Exported; x.Old.Symbols == 0 || x.New.Found == 0 || x.Old != x.New {
		t.Errorf("exported by symvers: %+v", x)
	}
	w := e.Why
	var jobs []string
	for _, j := range w.Trigger.Jobs {
		jobs = append(jobs, strings.Join([]string{j.Release, j.Code, j.Kind, j.Reason}, " "))
	}
	t.Logf("%q", jobs)
	if w.Trigger.Kind != "by hand" || !strings.HasPrefix(w.Sentence, "built again by hand; same source, same config, same compiler") ||
		len(jobs) != 3 || !strings.Contains(jobs[0], "failed by hand") || jobs[2] != "5.15.12-1.3 succeeded by hand new build" {
		t.Errorf("by hand: %q, %+v", jobs, w)
	}

	p.source("dwarves", "1.23", []string{"pahole"}, nil)
	p.settle()
	p.deliver("dwarves", succeeds(s.pahole["1.23"].files()...))
	p.deliver("kernel-default", succeeds(fourth))
	w = explain(t, px, first, fourth).Why
	if w.Trigger.Kind != "meta change" || !slices.Equal(w.Trigger.Changed, []string{"pahole"}) || !strings.HasPrefix(w.Sentence, "built again because pahole changed; ") {
		t.Errorf("pahole: %+v", w)
	}
	// OBS has the build root of the last build; that of the first was kept.
	w = explain(t, px, first, fourth, "--buildenv", env, "--buildenv", p.saveEnv()).Why
	if len(w.Packages) != 1 || w.Packages[0].What != "pahole" || w.Packages[0].From != "1.22-1.1" || w.Packages[0].To != "1.23-1.1" ||
		!strings.Contains(w.Sentence, "pahole 1.22-1.1 → 1.23-1.1 changed which functions are kept") {
		t.Errorf("with build roots: %+v", w)
	}
}
