// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"syscall"
	"testing"
)

// A scheduler with much to do has not yet looked at what was asked before, of the
// same project. That is no sign of a build being on its way. Not in parallel: the
// scheduler stands still.
func TestSlowScheduler(t *testing.T) {
	needsBackend(t)
	s := packages(t, true)
	for name, want := range map[string][]string{"answers": {"other", "thing"}, "a request is lost": {"other", "thing", "thing"}} {
		t.Run(name, func(t *testing.T) {
			px := newProxy(t)
			p := newProject(t, "", "direct")
			p.kernel(s)
			p.thing(s)
			p.source("other", "1.0", []string{"other-kmp-default"}, []string{"kernel-default-devel"})
			p.deliver("other", succeeds(s.another(t, "1.1", "other")))
			p.rebuild("kernel-default")
			p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))

			if err := server.signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.signal(syscall.SIGCONT) })
			if len(want) > 2 {
				px.trouble("POST", "package=thing", lostBefore)
			}
			if o := p.guard(px, "--yes"); o.Status != 0 {
				t.Errorf("exit status %d, want 0", o.Status)
			}
			p.posted(px, want...)
			if err := server.signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			p.settle()
			p.check("dwarves=succeeded kernel-default=succeeded other=scheduled thing=scheduled")
			if t.Failed() {
				return
			}
			p.deliver("other", succeeds(s.another(t, "1.3", "other")))
			p.deliver("thing", succeeds(s.kmp["1.3"].files()...))
			p.rests(px)
		})
	}
}
