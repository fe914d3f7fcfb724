// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
)

// TestRounds looks again after a plan, and ends when all fits, when building changed
// nothing, and when the time is up.
func TestRounds(t *testing.T) {
	for name, tc := range map[string]struct {
		built   string // what the package requires after it was built again
		timeout time.Duration
		good    bool
		fails   string // the error, "" for none
		says    string
	}{
		"fits then":       {built: tokenNew, timeout: time.Hour, good: true, says: "checked again:\nnothing has to be built again"},
		"does not fit":    {built: tokenOld, timeout: time.Hour, says: "stopped: prj/standard/x86_64/foo was asked for and still does not fit"},
		"no time is left": {built: tokenNew, timeout: time.Nanosecond, fails: "not built within 1ns"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &fakeServer{packages: map[node]*fakePackage{
				{here, "kernel-default"}: pkg(nil, rpmOf("kernel-default", "+"+tokenNew, "+kernel-uname-r = 5.15.12-1-default")),
				{here, "foo"}:            pkg([]string{"kernel-default-devel"}, rpmOf("foo-kmp-default", tokenOld)),
			}}
			s.rebuild = func(_ node, p *fakePackage) error {
				p.files = pkg(nil, rpmOf("foo-kmp-default", tc.built)).files
				p.builds("succeeded")
				return nil
			}
			p, f := NewPlan(""), &Finder{Server: s, Dir: t.TempDir()}
			if err := f.Plan(t.Context(), p, []Where{here}); err != nil || len(p.Steps) != 1 {
				t.Fatalf("%d steps, %v", len(p.Steps), err)
			}
			var out strings.Builder
			r := Rounds{Finder: f, Wait: true, Poll: time.Nanosecond, Timeout: tc.timeout, Out: &out}
			good, err := r.Run(t.Context(), p)
			if good != tc.good || (err == nil) != (tc.fails == "") || err != nil && err.Error() != tc.fails {
				t.Errorf("good %v, error %v", good, err)
			}
			if tc.fails == "" && len(s.asked) != 1 || !strings.Contains(out.String(), tc.says) {
				t.Errorf("asked for %v, want %q in\n%s", s.asked, tc.says, &out)
			}
		})
	}
}

// TestScope takes from reports where to look, or the plan where OBS cannot be asked.
func TestScope(t *testing.T) {
	there := Where{"Q", "R", "x86_64"}
	remakes := []report.Remake{{Project: "Q", Repository: "R", Arch: "x86_64", Package: "foo", Modules: 2}}
	packages := []report.Package{{}, {}}
	packages[0].DistURL, packages[1].DistURL = "obs://build.example.org/Q/R/0123456789abcdef0123456789abcdef-foo", "obs://build.example.org/Q/R/0123456789abcdef0123456789abcdef-bar"
	for name, tc := range map[string]struct {
		scope  Scope
		report report.Document
		ok     bool
		places []Where
		steps  int
	}{
		"a report":            {Scope{}, report.Document{Remakes: remakes}, true, []Where{there}, 0},
		"here, too":           {Scope{Fallback: here}, report.Document{Remakes: remakes}, true, []Where{here, there}, 0},
		"nothing says where":  {Scope{}, report.Document{}, false, nil, 0},
		"nobody can be asked": {Scope{Blind: true}, report.Document{Remakes: remakes}, true, nil, 1},
		"of a hook":           {Scope{}, report.Document{Hook: &report.Hook{Project: "Q", Repository: "R", Arch: "x86_64"}}, true, []Where{there}, 0},
	} {
		p := NewPlan("")
		tc.report.Packages = packages
		if ok := tc.scope.Report(p, &tc.report); ok != tc.ok || !slices.Equal(tc.scope.Places, tc.places) || len(p.Steps) != tc.steps {
			t.Errorf("%s: %v, places %v, %d steps", name, ok, tc.scope.Places, len(p.Steps))
		}
		if !slices.Equal(tc.scope.Built, []string{"build.example.org"}) {
			t.Errorf("%s: built by %q", name, tc.scope.Built)
		}
	}
}
