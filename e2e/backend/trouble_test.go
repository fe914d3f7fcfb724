// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"net/http"
	"strings"
	"testing"
)

// What goes wrong on the way to the server and back costs no second build, and
// no first one either.
func TestTrouble(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for _, tt := range []struct {
		name             string
		method, contains string
		happens          func(http.ResponseWriter, *http.Request, http.Handler)
		posts            int // that the proxy sees
	}{
		{"answer to the rebuild is lost", "POST", "cmd=rebuild", lostAfter, 1},
		{"rebuild is lost", "POST", "cmd=rebuild", lostBefore, 2},
		{"rebuild is answered by a gateway", "POST", "cmd=rebuild", answers(http.StatusBadGateway), 2},
		{"server is busy at the rebuild", "POST", "cmd=rebuild", answers(http.StatusTooManyRequests, "Retry-After", "1"), 2},
		{"server is down at the rebuild", "POST", "cmd=rebuild", answers(http.StatusServiceUnavailable, "Retry-After", "1"), 2},
		{"connection is lost", "GET", "/_result", lostBefore, 1},
		{"server has an error", "GET", "view=fileinfo", answers(http.StatusInternalServerError), 1},
		{"server is busy", "GET", "", answers(http.StatusTooManyRequests, "Retry-After", "1"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, true), newProxy(t)
			p := stale(t, s)
			px.trouble(tt.method, tt.contains, tt.happens)
			done := p.inBackground("thing", atOnce, succeeds(s.kmp["1.3"].files()...))
			o := p.guard(px, "--yes", "--wait")
			done()
			if o.Status != 0 {
				t.Errorf("exit status %d, want 0", o.Status)
			}
			if px.untroubled() > 0 {
				t.Error("it did not come to the trouble that was prepared")
			}
			if n := len(px.asked("POST ")); n != tt.posts {
				t.Errorf("asked for a rebuild %d times, want %d", n, tt.posts)
			}
			p.settle()
			if got := len(p.history("thing")); got != 2 {
				t.Errorf("built %d times, want once before and once after", got)
			}
			p.rests(px)
		})
	}
}

// A download that breaks off is gone on with, or done again.
func TestDownload(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for name, happens := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"breaks off": brokenOff, "lost": lostBefore, "busy": answers(http.StatusTooManyRequests, "Retry-After", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, false), newProxy(t)
			p := stale(t, s)
			for _, file := range []string{"thing-kmp-default-1.0_k5.15.12_1-1.1.1.x86_64.rpm", "/kernel-default-5.15.12-1.3.x86_64.rpm"} {
				px.trouble("GET", file+" ", happens)
			}
			if o := p.guard(px, "--dry-run"); o.Status != 1 || !strings.Contains(o.Stdout, "thing") {
				t.Errorf("exit status %d, want 1 and the package's name", o.Status)
			}
			if px.untroubled() > 0 {
				t.Error("it did not come to the trouble that was prepared")
			}
		})
	}
}

// What OBS refuses is said in its words.
func TestRefused(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	px := newProxy(t)
	p := newProject(t, "", "direct")
	for name, args := range map[string][]string{
		"no such project":      {"--project", p.name + ":no", "--repository", repository, "--arch", arch},
		"no such repository":   {"--project", p.name, "--repository", "no", "--arch", arch},
		"no such architecture": {"--project", p.name, "--repository", repository, "--arch", "s390x"},
	} {
		t.Run(name, func(t *testing.T) {
			if o := rebuildCommand(t, px, append(args, "--yes")...); o.Status != 2 || o.Stderr == "" {
				t.Errorf("exit status %d, want 2 and a word about it", o.Status)
			}
		})
	}
	p.posted(px)
	t.Run("nothing there", func(t *testing.T) {
		p := newProject(t, "", "direct")
		p.settle()
		o := p.guard(px, "--yes")
		if o.Status != 2 || !strings.Contains(o.Stdout, "OBS knows of no package there") {
			t.Errorf("exit status %d, want 2 and a word about it", o.Status)
		}
		p.posted(px)
	})
}
