// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// guard runs the program's rebuild command against the project, with the proxy
// in between.
func (p *project) guard(px *proxy, args ...string) harness.Outcome {
	p.Helper()
	return p.guardUntil(px, nil, nil, args...)
}

// guardUntil sends it a signal as soon as it is time.
func (p *project) guardUntil(px *proxy, signal os.Signal, isTime func() bool, args ...string) harness.Outcome {
	p.Helper()
	return rebuildUntil(p.T, px, signal, isTime, append([]string{"--project", p.name, "--repository", repository, "--arch", arch}, args...)...)
}

// rebuildCommand runs the program's rebuild command.
func rebuildCommand(t *testing.T, px *proxy, args ...string) harness.Outcome {
	t.Helper()
	return rebuildUntil(t, px, nil, nil, args...)
}

// rebuildUntil sends it a signal as soon as it is time.
func rebuildUntil(t *testing.T, px *proxy, signal os.Signal, isTime func() bool, args ...string) harness.Outcome {
	t.Helper()
	return runUntil(t, px, signal, isTime, "rebuild", append([]string{"--poll", "2s", "--timeout", "4m"}, args...)...)
}

// runUntil runs one of the program's commands with a home that has no settings of
// osc, and a folder for temporary files, where it is to leave none.
func runUntil(t *testing.T, px *proxy, signal os.Signal, isTime func() bool, command string, args ...string) harness.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{command, "--apiurl", px.URL}, args...)...)
	tmp := t.TempDir()
	cmd.Env = []string{"HOME=" + t.TempDir(), "TMPDIR=" + tmp, "PATH=/usr/bin:/bin", "LC_ALL=C"}
	if signal != nil {
		go poll("the time", func() (bool, error) {
			return ctx.Err() != nil || isTime() && cmd.Process.Signal(signal) == nil, nil
		})
	}
	o := harness.Try(t, cmd)
	t.Logf("obs-btf-guard %s %s: exit status %d\n%s", command, strings.Join(args, " "), o.Status, o.All())
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("it leaves behind %v, %v", left, err)
	}
	return o
}

// posted compares the rebuilds that were asked for with the packages that should
// have been, each by a request of its own that names all there is to name.
func (p *project) posted(px *proxy, want ...string) {
	p.Helper()
	var got []string
	for _, request := range px.asked("POST ") {
		u, err := url.Parse(strings.TrimPrefix(request, "POST "))
		if err != nil {
			p.Fatal(err)
		}
		q := u.Query()
		if u.Path != "/build/"+p.name || q.Get("cmd") != "rebuild" || q.Get("repository") != repository || q.Get("arch") != arch || len(q["package"]) != 1 {
			p.Errorf("asked for %s", request)
		}
		got = append(got, q["package"]...)
	}
	if !slices.Equal(got, want) {
		p.Errorf("asked for a rebuild of %q, want %q", got, want)
	}
}

// mends has the guard rebuild the module package, which the worker then builds,
// and see it through. After that there is nothing to do.
func (p *project) mends(px *proxy, result build) {
	p.Helper()
	built := len(p.history("thing"))
	px.forget()
	done := p.inBackground("thing", atOnce, result)
	o := p.guard(px, "--yes", "--wait")
	done()
	if o.Status != 0 {
		p.Errorf("exit status %d, want 0", o.Status)
	}
	p.posted(px, "thing")
	p.settle()
	if got := len(p.history("thing")); got != built+1 {
		p.Errorf("built %d times, want once", got-built)
	}
	p.rests(px)
}

// rests has the guard find nothing to do.
func (p *project) rests(px *proxy) {
	p.Helper()
	for _, args := range [][]string{{"--dry-run"}, {"--yes", "--wait"}} {
		px.forget()
		if o := p.guard(px, args...); o.Status != 0 {
			p.Errorf("%q: exit status %d, want 0", args, o.Status)
		}
		p.posted(px)
	}
}

// follows has the guard see through what OBS does by itself.
func (p *project) follows(px *proxy, result build) {
	p.Helper()
	px.forget()
	if o := p.guard(px, "--yes"); o.Status != 0 {
		p.Errorf("exit status %d, want 0", o.Status)
	}
	p.posted(px)
	px.forget()
	done := p.inBackground("thing", px.watched, result)
	o := p.guard(px, "--yes", "--wait")
	done()
	if o.Status != 0 {
		p.Errorf("exit status %d, want 0", o.Status)
	}
	p.posted(px)
	p.settle()
	p.rests(px)
}
