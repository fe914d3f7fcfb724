// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The rebuild that the guard asked for and watches comes to no good.
func TestBuildFails(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s := packages(t, true)
	for name, result := range map[string]build{
		"failed":          fails,
		"built and stale": succeeds(s.kmp["1.1"].files()...),
		"unchanged":       unchanged,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			px := newProxy(t)
			p := stale(t, s)
			done := p.inBackground("thing", atOnce, result)
			o := p.guard(px, "--yes", "--wait")
			done()
			if o.Status != 1 || !strings.Contains(o.All(), "thing") {
				t.Errorf("exit status %d, want 1 and the package's name", o.Status)
			}
			p.posted(px, "thing")
		})
	}
}

// TestInVain has nobody wait for what was asked for: the next run finds it built with
// the kernel of now, and as it was.
func TestInVain(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s := packages(t, true)
	for name, result := range map[string]build{
		"built and stale": succeeds(s.kmp["1.1"].files()...),
		"unchanged":       unchanged,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := stale(t, s)
			time.Sleep(1100 * time.Millisecond) // OBS has the seconds in which kernels were built
			px := newProxy(t)
			if o := p.guard(px, "--yes"); o.Status != 0 {
				t.Errorf("exit status %d, want 0", o.Status)
			}
			p.posted(px, "thing")
			p.deliver("thing", result)
			p.settle()
			for range 2 {
				px = newProxy(t)
				if o := p.guard(px, "--yes"); o.Status != 1 || !strings.Contains(o.Stdout, "in vain") {
					t.Errorf("exit status %d, want 1 and that it was in vain", o.Status)
				}
				p.posted(px)
			}
		})
	}
}

// both runs a test with a guard that asks for builds and with one that also waits.
func both(t *testing.T, test func(t *testing.T, wait bool)) {
	for name, wait := range map[string]bool{"asked": false, "waited for": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, wait)
		})
	}
}

// mendsBoth has the guard ask for rebuilds while the kernel and then the module
// package are built anew. After that there is nothing to do.
func (p *project) mendsBoth(wait bool, s stock, posts ...string) {
	p.Helper()
	px := newProxy(p.T)
	kernel, thing := succeeds(s.kernel["1.3"].files()...), succeeds(s.kmp["1.3"].files()...)
	build := func() {
		p.deliver("kernel-default", kernel)
		p.deliver("thing", thing)
	}
	args := []string{"--yes"}
	if wait {
		args = append(args, "--wait")
		kernelDone := p.inBackground("kernel-default", px.watched, kernel)
		thingDone := p.inBackground("thing", atOnce, thing)
		build = func() {
			kernelDone()
			thingDone()
			p.settle()
		}
	}
	if o := p.guard(px, args...); o.Status != 0 {
		p.Errorf("exit status %d, want 0", o.Status)
	}
	p.posted(px, posts...)
	if p.Failed() {
		return
	}
	build()
	if got := len(p.history("thing")); got != 2 {
		p.Errorf("built %d times, want once before and once after", got)
	}
	p.rests(px)
}

// While OBS builds the kernel once more, it calls the packages that need it
// blocked, and afterwards leaves them as they are: to be blocked is not to be on
// the way to a build. What they will meet is not there yet, so that nothing can be
// said of them, or it is waited for.
func TestBlocked(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	both(t, func(t *testing.T, wait bool) {
		s := packages(t, true)
		p := stale(t, s)
		p.rebuild("kernel-default")
		p.check("dwarves=succeeded kernel-default=scheduled thing=blocked")
		if wait {
			p.mendsBoth(wait, s, "thing")
			return
		}
		px := newProxy(t)
		if o := p.guard(px, "--yes"); o.Status != 2 || !strings.Contains(o.Stdout, "kernel-default is scheduled") {
			t.Errorf("exit status %d, want 2 and why", o.Status)
		}
		p.posted(px)
	})
}

// A rebuild that is asked for while OBS means to build the package anyway, as
// soon as its kernel is built, makes no second build of it.
func TestAskedWhileBlocked(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s := packages(t, true)
	p := oneProject(t, "transitive", s)
	p.source("dwarves", "1.23", []string{"pahole"}, nil)
	p.settle()
	p.deliver("dwarves", succeeds(s.pahole["1.23"].files()...))
	p.check("dwarves=succeeded kernel-default=scheduled thing=blocked")
	p.rebuild("thing")
	p.check("dwarves=succeeded kernel-default=scheduled thing=blocked")
	p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
	p.check("dwarves=succeeded kernel-default=succeeded thing=scheduled")
	p.deliver("thing", succeeds(s.kmp["1.3"].files()...))
	p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
	if got := len(p.history("thing")); got != 2 {
		t.Errorf("built %d times, want once before and once after", got)
	}
}

// Somebody else has asked for the rebuild already.
func TestAlreadyScheduled(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := stale(t, s)
	p.rebuild("thing")
	p.check("dwarves=succeeded kernel-default=succeeded thing=scheduled")
	p.follows(px, succeeds(s.kmp["1.3"].files()...))
}

// No worker takes the job.
func TestTimeout(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := stale(t, s)
	o := p.guard(px, "--yes", "--wait", "--timeout", "30s")
	if o.Status == 0 || !strings.Contains(o.Stderr, "30s") {
		t.Errorf("exit status %d, want another one than 0 and the time waited", o.Status)
	}
	p.posted(px, "thing")
}

// Somebody has waited long enough: what was asked for stays so.
func TestInterrupted(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s := packages(t, false)
	for name, signal := range map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			px := newProxy(t)
			p := stale(t, s)
			o := p.guardUntil(px, signal, func() bool { return len(px.asked("POST ")) > 0 && px.watched() }, "--yes", "--wait")
			if o.Status == 0 {
				t.Error("exit status 0, want another one")
			}
			p.posted(px, "thing")
			p.settle()
			p.check("dwarves=succeeded kernel-default=succeeded thing=scheduled")
		})
	}
}

// OBS would take the request, and never build the package.
func TestImpossible(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s := packages(t, true)
	for code, change := range map[string]func(*project){
		"disabled": func(p *project) {
			p.put("/source/"+p.name+"/thing/_meta", `<package name="thing" project="`+p.name+`"><title/><description/><build><disable/></build></package>`)
		},
		"unresolvable": func(p *project) {
			p.source("thing", "1.0", []string{"thing-kmp-default"}, []string{"kernel-default-devel", "nobody-has-this"})
		},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			px := newProxy(t)
			p := stale(t, s)
			change(p)
			p.settle()
			p.check("dwarves=succeeded kernel-default=succeeded thing=" + code)
			o := p.guard(px, "--yes", "--wait")
			if o.Status != 1 || !strings.Contains(o.All(), code) {
				t.Errorf("exit status %d, want 1 and the word %q", o.Status, code)
			}
			p.posted(px)
		})
	}
}

// Modules of the kernel's own package do not fit it either: the kernel is built
// first, and the module package on what comes of it.
func TestOrder(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	both(t, func(t *testing.T, wait bool) {
		s := packages(t, true)
		p := oneProject(t, "direct", s)
		p.rebuild("kernel-default")
		p.deliver("kernel-default", succeeds(
			s.kernel["1.3"]["kernel-default"], s.kernel["1.3"]["kernel-default-devel"], s.kernel["1.1"]["kernel-default-extra"]))
		p.mendsBoth(wait, s, "kernel-default", "thing")
	})
}
