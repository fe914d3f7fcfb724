// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// Packages of the stock, as an audit names them.
const (
	oldKernel = "kernel-default-5.15.12-1.1.x86_64"
	newKernel = "kernel-default-5.15.12-1.3.x86_64"
	newExtra  = "kernel-default-extra-5.15.12-1.3.x86_64"
	oldExtra  = "kernel-default-extra-5.15.12-1.1.x86_64"
	oldThing  = "thing-kmp-default-1.0_k5.15.12_1-1.1.1.x86_64"
	newThing  = "thing-kmp-default-1.0_k5.15.12_1-1.1.3.x86_64"
)

// audited is what the audit command says in JSON.
type audited struct {
	Sources []struct {
		Source, Kind string
		Packages     int
	}
	Matrix   []struct{ Package, Kernel, Fit, By string }
	Findings []struct {
		Kind, Package string
		Fails         bool
	}
	Errors []struct{ Path, Error string }
	Exit   int
}

// auditCommand runs the program's audit command.
func auditCommand(t *testing.T, px *proxy, args ...string) (d audited) {
	t.Helper()
	o := runUntil(t, px, nil, nil, "audit", append([]string{"--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(o.Stdout), &d); err != nil {
		t.Fatal(err)
	}
	if d.Exit != o.Status {
		t.Errorf("exit status %d, and %d in the document", o.Status, d.Exit)
	}
	return d
}

// says compares a document with its exit status, findings and cells, in the order
// of the document. Kernels with their own modules are left out where they fit.
func (d audited) says(t *testing.T, exit int, want ...string) {
	t.Helper()
	var got []string
	for _, f := range d.Findings {
		got = append(got, f.Kind+" "+f.Package)
	}
	for _, c := range d.Matrix {
		if c.Package != c.Kernel || c.Fit != "fits" {
			got = append(got, fmt.Sprintf("%s on %s %s by %s", c.Package, c.Kernel, c.Fit, c.By))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d.Exit != exit {
		t.Errorf("exit status %d, want %d", d.Exit, exit)
	}
}

// reads compares a document with its sources and the packages in them.
func (d audited) reads(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, s := range d.Sources {
		got = append(got, fmt.Sprintf("%s %s %d", s.Kind, s.Source, s.Packages))
	}
	if !slices.Equal(got, want) {
		t.Errorf("sources %q, want %q", got, want)
	}
}

// fails compares a document with what could not be read: parts of each error with
// its path in front.
func (d audited) fails(t *testing.T, want ...string) {
	t.Helper()
	if len(d.Errors) != len(want) {
		t.Errorf("errors %q, want %q", d.Errors, want)
		return
	}
	for i, e := range d.Errors {
		if !strings.Contains(e.Path+": "+e.Error, want[i]) {
			t.Errorf("error %q, want %q", e, want[i])
		}
	}
}

// inOBS is the name of the project's repository for an audit.
func (p *project) inOBS() string { return "obs:" + p.name + "/" + repository + "/" + arch }

// What packages say of themselves decides, and nothing is downloaded; what they
// do not say, they are downloaded and judged for, once. Both come to the same before
// and after the rebuild of a kernel that leaves a module package behind.
func TestAudit(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for name, stamped := range map[string]bool{"tokens": true, "silent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, stamped), newProxy(t)
			p := oneProject(t, "direct", s)
			db := filepath.Join(t.TempDir(), "history.db")
			check := func(exit int, kernel, extra, thing, fit, by string) {
				t.Helper()
				px.forget()
				d := auditCommand(t, px, "--db", db, p.inOBS())
				var want []string
				if exit > 0 {
					want = append(want, "stale "+thing)
				}
				if !stamped {
					for _, pkg := range []string{kernel, extra, thing} {
						want = append(want, "unlabeled "+pkg)
					}
				}
				want = append(want, extra+" on "+kernel+" fits by "+by, thing+" on "+kernel+" "+fit+" by "+by)
				d.says(t, exit, want...)
				d.fails(t)
				d.reads(t, "obs "+p.inOBS()+" 5")
				if n := px.downloads(); n > 0 != (by == "content") {
					t.Errorf("%d downloads", n)
				}
			}
			checks := func(exit int, kernel, extra, thing, fit string) {
				t.Helper()
				if stamped {
					check(exit, kernel, extra, thing, fit, "token")
					return
				}
				check(exit, kernel, extra, thing, fit, "content")
				check(exit, kernel, extra, thing, fit, "history")
			}
			checks(0, oldKernel, oldExtra, oldThing, "fits")
			p.rebuild("kernel-default")
			p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
			checks(1, newKernel, newExtra, oldThing, "misfits")
			if !stamped {
				px.forget()
				auditCommand(t, px, "--metadata-only", p.inOBS()).says(t, 1,
					"unknown "+newKernel, "unknown "+newExtra, "unknown "+oldThing, newKernel+" on "+newKernel+" unknown by token")
				if n := px.downloads(); n > 0 {
					t.Errorf("%d downloads", n)
				}
			}
			p.rebuild("thing")
			p.deliver("thing", succeeds(s.kmp["1.3"].files()...))
			checks(0, newKernel, newExtra, newThing, "fits")
		})
	}
}

// A package that only recommends its base says as much as one that requires it,
// but OBS does not tell: the package has to be downloaded, and no kernel.
func TestAuditRecommends(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := newProject(t, "", "direct")
	p.kernel(s)
	p.source("thing", "1.0", []string{"thing-kmp-default"}, []string{"kernel-default-devel"})
	dir := t.TempDir()
	harness.Must(t, "cp", packages(t, false).kmp["1.1"]["thing-kmp-default"], dir)
	harness.Must(t, program, "stamp", "--strength", "recommends", dir, "--with", s.kernel["1.1"]["kernel-default"])
	p.deliver("thing", succeeds(dir+"/"+oldThing+".rpm"))
	d := auditCommand(t, px, p.inOBS())
	d.says(t, 0, oldExtra+" on "+oldKernel+" fits by token", oldThing+" on "+oldKernel+" fits by token")
	if n := px.downloads(); n != 1 {
		t.Errorf("%d downloads, want that of the package", n)
	}
}

// Two projects are named as a whole, the kernel's and the one with the modules,
// which has an architecture and a repository more.
func TestAuditProjects(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	kernel := newProject(t, ":kernel", "local")
	kernel.kernel(s)
	p := newProject(t, ":kmp", "local", kernel)
	p.thing(s)
	p.put("/source/"+p.name+"/_meta", fmt.Sprintf(`<project name="%s"><title/><description/>
		<repository name="%s" rebuild="local"><path project="%s" repository="%[2]s"/><arch>%[4]s</arch><arch>i586</arch></repository>
		<repository name="later"><arch>%[4]s</arch></repository></project>`, p.name, repository, kernel.name, arch))
	p.settle()
	check := func(exit int, want ...string) {
		t.Helper()
		d := auditCommand(t, px, "obs:"+p.name, "obs:"+kernel.name)
		d.says(t, exit, want...)
		d.fails(t)
		d.reads(t, "obs "+p.inOBS()+" 1", "obs obs:"+p.name+"/"+repository+"/i586 0", "obs obs:"+p.name+"/later/"+arch+" 0", "obs "+kernel.inOBS()+" 4")
	}
	check(0, oldExtra+" on "+oldKernel+" fits by token", oldThing+" on "+oldKernel+" fits by token")
	kernel.rebuild("kernel-default")
	kernel.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
	check(1, "stale "+oldThing, newExtra+" on "+newKernel+" fits by token", oldThing+" on "+newKernel+" misfits by token")
	auditCommand(t, px, "obs:"+p.name+"/"+repository).says(t, 0, "unmet "+oldThing)
	px.forget()
	auditCommand(t, px, "obs:"+p.name+"/later").fails(t, "obs:"+p.name+"/later: OBS has no package there")
	p.rebuild("thing")
	p.deliver("thing", succeeds(s.kmp["1.3"].files()...))
	check(0, newExtra+" on "+newKernel+" fits by token", newThing+" on "+newKernel+" fits by token")
}

// What the server does not give is named, and the rest is checked.
func TestAuditTrouble(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	const attempts = 4 // that a client makes
	s := packages(t, false)
	p := stale(t, s)
	extra := newExtra + " on " + newKernel + " fits by content"
	for name, tt := range map[string]struct {
		sources  []string
		contains string // request that comes to grief
		happens  func(http.ResponseWriter, *http.Request, http.Handler)
		times    int
		exit     int
		says     []string
		fails    []string
	}{
		"unknown project": {sources: []string{"obs:" + p.name + ":no"}, exit: 2,
			fails: []string{"obs:" + p.name + ":no: GET /source/" + p.name + ":no/_meta: 404"}},
		"unknown repository": {sources: []string{"obs:" + p.name + "/no"}, exit: 2,
			fails: []string{"the project has no repository no"}},
		"unknown architecture": {sources: []string{"obs:" + p.name + "/" + repository + "/s390x"}, exit: 2,
			fails: []string{"obs:" + p.name + "/" + repository + "/s390x: GET "}},
		"one package does not tell": {contains: "thing-kmp-default.rpm?view=fileinfo", happens: answers(http.StatusBadGateway), times: attempts, exit: 2,
			says:  []string{"unlabeled " + newKernel, "unlabeled " + newExtra, extra},
			fails: []string{p.inOBS() + ": thing-kmp-default.rpm: GET "}},
		"one package tells later": {contains: "thing-kmp-default.rpm?view=fileinfo", happens: answers(http.StatusBadGateway), times: attempts - 1, exit: 1},
		"one package is not given": {contains: "thing-kmp-default.rpm ", happens: answers(http.StatusInternalServerError), times: attempts, exit: 2,
			says:  []string{"unknown " + oldThing, "unlabeled " + newKernel, "unlabeled " + newExtra, extra},
			fails: []string{p.inOBS() + ": GET " + p.at() + "/_repository/thing-kmp-default.rpm: 500"}},
		"one package breaks off": {contains: "thing-kmp-default.rpm ", happens: brokenOff, times: 1, exit: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			px := newProxy(t)
			for range tt.times {
				px.trouble("GET", tt.contains, tt.happens)
			}
			if tt.says == nil {
				tt.says = []string{"stale " + oldThing, "unlabeled " + newKernel, "unlabeled " + newExtra, "unlabeled " + oldThing, extra, oldThing + " on " + newKernel + " misfits by content"}
			}
			d := auditCommand(t, px, append(tt.sources, p.inOBS())...)
			d.says(t, tt.exit, tt.says...)
			d.fails(t, tt.fails...)
			if px.untroubled() > 0 {
				t.Error("it did not come to the trouble that was prepared")
			}
		})
	}
}

// Somebody has waited long enough for a download. Nothing is left of it.
func TestAuditInterrupted(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	px := newProxy(t)
	p := oneProject(t, "direct", packages(t, false))
	px.trouble("GET", "/kernel-default.rpm ", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
	o := runUntil(t, px, os.Interrupt, func() bool { return px.untroubled() == 0 }, "audit", p.inOBS())
	if o.Status == 0 || o.Stdout != "" {
		t.Errorf("exit status %d, want another one and no report", o.Status)
	}
}
