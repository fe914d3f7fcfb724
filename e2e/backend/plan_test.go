// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A dry run says what would be done, as its exit status does, and does nothing.
func TestDryRun(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := stale(t, s)
	o := p.guard(px, "--dry-run")
	if o.Status != 1 || !strings.Contains(o.Stdout, "thing") || strings.Contains(o.Stdout, "dwarves") {
		t.Errorf("exit status %d, want 1 and the one package's name", o.Status)
	}
	var plan struct {
		Steps []struct{ Project, Repository, Arch, Package string }
	}
	o = p.guard(px, "--dry-run", "--format", "json")
	if err := json.Unmarshal([]byte(o.Stdout), &plan); err != nil || o.Status != 1 || len(plan.Steps) != 1 || plan.Steps[0].Package != "thing" {
		t.Errorf("exit status %d, steps %v, %v; want 1 and the one package", o.Status, plan.Steps, err)
	}
	p.posted(px)
	p.settle()
	p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
}

// A plan is saved, read by a person and carried out later on.
func TestPlan(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := stale(t, s)
	plan := p.savePlan(px)
	done := p.inBackground("thing", atOnce, succeeds(s.kmp["1.3"].files()...))
	o := rebuildCommand(t, px, "--plan", plan, "--yes", "--wait")
	done()
	if o.Status != 0 {
		t.Errorf("exit status %d, want 0", o.Status)
	}
	p.posted(px, "thing")
	p.settle()
	p.rests(px)
}

// Somebody was faster: what the plan wants has been built since.
func TestOutdatedPlan(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := stale(t, s)
	plan := p.savePlan(px)
	p.rebuild("thing")
	p.deliver("thing", succeeds(s.kmp["1.3"].files()...))
	o := rebuildCommand(t, px, "--plan", plan, "--yes", "--wait")
	if o.Status != 1 || !strings.Contains(o.Stdout, "since the plan was made") {
		t.Errorf("exit status %d, want 1 and what has happened", o.Status)
	}
	p.posted(px)
	p.check("dwarves=succeeded kernel-default=succeeded thing=succeeded")
	p.rests(px)
}

// Without a package, a repository or an architecture OBS would build all of them.
func TestPlanWithoutNames(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	px := newProxy(t)
	p := newProject(t, "", "direct")
	whole := map[string]string{"project": p.name, "repository": repository, "arch": arch, "package": "thing"}
	for name := range whole {
		for kind, value := range map[string]any{"empty": "", "missing": nil, "two": "a&" + name + "=b", "path": "a/../b", "all": "*"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				step := map[string]any{}
				for k, v := range whole {
					step[k] = v
				}
				step[name] = value
				if value == nil {
					delete(step, name)
				}
				text, err := json.Marshal(map[string]any{"schema": 1, "steps": []any{step}})
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "plan.json")
				if err := os.WriteFile(path, text, 0o644); err != nil {
					t.Fatal(err)
				}
				if o := rebuildCommand(t, px, "--plan", path, "--yes"); o.Status != 2 || o.Stderr == "" {
					t.Errorf("exit status %d, want 2 and a word about it", o.Status)
				}
				p.posted(px)
			})
		}
	}
}

// savePlan has the guard write down what is to be done with the project, and not
// do it.
func (p *project) savePlan(px *proxy) string {
	p.Helper()
	path := filepath.Join(p.TempDir(), "plan.json")
	if o := p.guard(px, "--dry-run", "--save-plan", path); o.Status != 1 {
		p.Errorf("exit status %d, want 1", o.Status)
	}
	p.posted(px)
	text, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	for _, word := range []string{p.name, repository, arch, "thing"} {
		if !strings.Contains(string(text), `"`+word+`"`) {
			p.Errorf("the plan does not name %s:\n%s", word, text)
		}
	}
	return path
}
