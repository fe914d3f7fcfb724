// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"slices"
	"testing"
)

// What OBS rebuilds by itself, in each rebuild mode, and that the guard does the
// rest and no more.

var modes = []string{"local", "direct", "transitive"}

// oneProject is a project in which everything is built once: pahole, the kernel
// and a module package that fits it.
func oneProject(t *testing.T, mode string, s stock) *project {
	t.Helper()
	p := newProject(t, "", mode)
	p.kernel(s)
	p.thing(s)
	p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
	return p
}

// kernel puts pahole and the kernel into a project and has them built.
func (p *project) kernel(s stock) {
	p.Helper()
	p.source("dwarves", "1.22", []string{"pahole"}, nil)
	p.deliver("dwarves", succeeds(s.pahole["1.22"].files()...))
	p.source("kernel-default", "5.15.12", []string{"kernel-default", "kernel-default-extra", "kernel-default-devel"}, []string{"pahole"})
	p.deliver("kernel-default", succeeds(s.kernel["1.1"].files()...))
}

// thing puts the module package into a project and has it built on the kernel.
func (p *project) thing(s stock) {
	p.Helper()
	p.source("thing", "1.0", []string{"thing-kmp-default"}, []string{"kernel-default-devel"})
	p.deliver("thing", succeeds(s.kmp["1.1"].files()...))
}

// reasons compares the last reason of a package's builds with what it should be.
func (p *project) reasons(pkg, want string) {
	p.Helper()
	if got := p.reason(pkg); got != want {
		p.Errorf("%s is built for %q, want %q", pkg, got, want)
	}
}

// A person has the kernel rebuilt and it comes out different. OBS leaves the
// module package of the same project alone, whatever the mode.
func TestManualRebuild(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, true), newProxy(t)
			p := oneProject(t, mode, s)
			p.rests(px)
			p.rebuild("kernel-default")
			p.check("dwarves=succeeded kernel-default=scheduled thing=blocked")
			p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
			p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
			if got := p.history("kernel-default"); !slices.Equal(got, []string{"new build succeeded", "new build succeeded"}) {
				t.Errorf("kernel-default: %q", got)
			}
			p.mends(px, succeeds(s.kmp["1.3"].files()...))
		})
	}
}

// The sources of a tool change that the kernel is built with.
func TestToolchainChange(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, true), newProxy(t)
			p := oneProject(t, mode, s)
			p.source("dwarves", "1.23", []string{"pahole"}, nil)
			p.settle()
			p.deliver("dwarves", succeeds(s.pahole["1.23"].files()...))
			p.reasons("dwarves", "source change")
			if mode == "local" {
				p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
				p.rests(px)
				return
			}
			p.reasons("kernel-default", "meta change: pahole")
			p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
			if mode == "direct" {
				p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
				p.mends(px, succeeds(s.kmp["1.3"].files()...))
				return
			}
			p.check("dwarves=succeeded kernel-default=succeeded thing=scheduled")
			p.reasons("thing", "meta change: kernel-default-devel/pahole")
			p.follows(px, succeeds(s.kmp["1.3"].files()...))
		})
	}
}

// The rebuilt kernel is the same package by package, or build-compare has found
// it to be the same: nothing is stale and nothing happens.
func TestSameKernelAgain(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s := packages(t, true)
	for name, result := range map[string]build{"identical": succeeds(s.kernel["1.1"].files()...), "unchanged": unchanged} {
		for _, mode := range modes {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				px := newProxy(t)
				p := oneProject(t, mode, s)
				p.rebuild("kernel-default")
				p.deliver("kernel-default", result)
				p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
				if got, want := p.history("kernel-default")[1], "new build "+result.code; got != want {
					t.Errorf("kernel-default: %s, want %s", got, want)
				}
				p.rests(px)
			})
		}
	}
}

// The module package is in another project, which builds on the kernel's.
func TestOtherProject(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, true), newProxy(t)
			kernel := newProject(t, ":kernel", mode)
			kernel.kernel(s)
			p := newProject(t, ":kmp", mode, kernel)
			p.thing(s)
			p.rests(px)
			kernel.rebuild("kernel-default")
			kernel.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
			kernel.check("dwarves=succeeded kernel-default=succeeded")
			if mode == "local" {
				p.check("thing=succeeded")
				p.mends(px, succeeds(s.kmp["1.3"].files()...))
				return
			}
			p.check("thing=scheduled")
			p.reasons("thing", "meta change: kernel-default-devel")
			p.follows(px, succeeds(s.kmp["1.3"].files()...))
		})
	}
}
