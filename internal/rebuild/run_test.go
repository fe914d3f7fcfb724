// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

var here = Where{"prj", "standard", "x86_64"}

func stepOf(pkg string, wave int) Step {
	s := Step{Project: here.Project, Repository: here.Repository, Arch: here.Arch, Package: pkg, Wave: wave, Seen: firstBuild}
	if wave > 0 {
		s.After = []string{here.of("kernel").String()}
	}
	return s
}

var firstBuild = &Build{VersionRelease: "1-1", Code: "succeeded", Ended: time.Unix(1e9, 0)}

func settled() *fakePackage {
	return &fakePackage{state: State{Code: "succeeded"}, last: firstBuild}
}

// TestRun carries out a plan of a kernel and a package of modules.
func TestRun(t *testing.T) {
	lost := fmt.Errorf("connection reset: %w", ErrUnknownOutcome)
	for _, tc := range []struct {
		name   string
		wait   bool
		set    func(f *fakeServer, kernel, kmp *fakePackage)
		asked  []string
		kernel Outcome
		kmp    Outcome
		fails  error
	}{
		{"both", false, nil, []string{"kernel", "kmp"}, Asked, Asked, nil},
		{"and waits", true, nil, []string{"kernel", "kmp"}, Built, Built, nil},
		{"one is being built", false, func(_ *fakeServer, k, _ *fakePackage) { k.state.Code = "building" },
			[]string{"kmp"}, UnderWay, Asked, nil},
		{"the scheduler has yet to look", false, func(_ *fakeServer, k, m *fakePackage) { k.state.Dirty, m.state.Dirty = true, true },
			[]string{"kernel", "kmp"}, Asked, Asked, nil},
		{"one waits for others, which may come to nothing", false, func(_ *fakeServer, k, _ *fakePackage) { k.state.Code = "blocked" },
			[]string{"kernel", "kmp"}, Asked, Asked, nil},
		{"one is being built, and it is waited for", true, func(_ *fakeServer, k, _ *fakePackage) { k.builds("succeeded") },
			[]string{"kmp"}, Built, Built, nil},
		{"unchanged is built", true, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(_ node, p *fakePackage) error { p.builds("unchanged"); return nil }
		}, []string{"kernel", "kmp"}, Built, Built, nil},
		{"the kernel fails", true, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(_ node, p *fakePackage) error { p.builds("failed"); return nil }
		}, []string{"kernel"}, Failed, NotAsked, nil},
		{"built since", false, func(_ *fakeServer, _, m *fakePackage) {
			m.last = &Build{VersionRelease: "1-2", Code: "succeeded", Ended: time.Unix(2e9, 0)}
		}, []string{"kernel"}, Asked, Outdated, nil},
		{"disabled", false, func(_ *fakeServer, k, _ *fakePackage) { k.state.Code = "disabled" },
			nil, Impossible, NotAsked, nil},
		{"unresolvable while it is waited for", true, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(_ node, p *fakePackage) error { p.state.Code = "unresolvable"; return nil }
		}, []string{"kernel"}, Impossible, NotAsked, nil},
		{"forgotten", true, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(node, *fakePackage) error { return nil }
		}, []string{"kernel"}, Failed, NotAsked, nil},
		{"gone", false, func(f *fakeServer, _, _ *fakePackage) { delete(f.packages, node{here, "kmp"}) },
			[]string{"kernel"}, Asked, Impossible, nil},
		{"no answer, and it was heard", false, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(_ node, p *fakePackage) error { p.builds("succeeded"); return lost }
		}, []string{"kernel", "kmp"}, Asked, Asked, nil},
		{"no answer, and it was not heard", false, func(f *fakeServer, _, _ *fakePackage) {
			n := 0
			f.rebuild = func(_ node, p *fakePackage) error {
				if n++; n == 1 {
					return lost
				}
				p.builds("succeeded")
				return nil
			}
		}, []string{"kernel", "kernel", "kmp"}, Asked, Asked, nil},
		{"no answer, and nobody tells", false, func(f *fakeServer, _, _ *fakePackage) {
			f.blind = true
			f.rebuild = func(node, *fakePackage) error { return lost }
		}, []string{"kernel"}, Impossible, NotAsked, nil},
		{"a token tells nothing", false, func(f *fakeServer, _, _ *fakePackage) { f.blind = true },
			[]string{"kernel", "kmp"}, Asked, Asked, nil},
		{"refused", false, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(node, *fakePackage) error { return errRefused }
		}, []string{"kernel"}, Impossible, NotAsked, nil},
		{"still dirty when it is built", true, func(f *fakeServer, _, _ *fakePackage) {
			f.rebuild = func(_ node, p *fakePackage) error {
				p.builds("succeeded")
				p.schedule = append(p.schedule[:3], func(p *fakePackage) {
					p.state, p.last = State{Code: "succeeded", Dirty: true}, &Build{VersionRelease: "1-1", Code: "succeeded", Ended: time.Unix(2e9, 0)}
				})
				return nil
			}
		}, []string{"kernel", "kmp"}, Built, Built, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kernel, kmp := settled(), settled()
			f := &fakeServer{packages: map[node]*fakePackage{{here, "kernel"}: kernel, {here, "kmp"}: kmp}}
			if tc.set != nil {
				tc.set(f, kernel, kmp)
			}
			r := &Runner{Server: f, Wait: tc.wait, Poll: time.Nanosecond}
			done, err := r.Run(t.Context(), &Plan{Steps: []Step{stepOf("kernel", 0), stepOf("kmp", 1)}})
			if !errors.Is(err, tc.fails) {
				t.Fatalf("error %v, want %v", err, tc.fails)
			}
			var asked []string
			for _, n := range f.asked {
				asked = append(asked, n.pkg)
			}
			if !slices.Equal(asked, tc.asked) {
				t.Errorf("asked for %q, want %q", asked, tc.asked)
			}
			if err != nil {
				return
			}
			if done[0].Outcome != tc.kernel || done[1].Outcome != tc.kmp {
				t.Errorf("%+v, want %s and %s", done, tc.kernel, tc.kmp)
			}
		})
	}
}

var errRefused = errors.New("403")

// TestRunSilent says when OBS does not answer while it is waited for.
func TestRunSilent(t *testing.T) {
	kernel := settled()
	f := &fakeServer{packages: map[node]*fakePackage{{here, "kernel"}: kernel}}
	asked := 0
	s := &silentServer{Server: f, away: func() bool { asked++; return asked > 2 && asked < 9 }}
	var said []string
	r := &Runner{Server: s, Wait: true, Poll: time.Nanosecond, Tell: func(d Done) { said = append(said, string(d.Outcome)+" "+d.Detail) }}
	done, err := r.Run(t.Context(), &Plan{Steps: []Step{stepOf("kernel", 0)}})
	if err != nil || done[0].Outcome != Built {
		t.Errorf("%+v, %v", done, err)
	}
	n := 0
	for _, s := range said {
		if s == "asked not known at the moment, asking again: connection refused" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("said %q, want once that OBS does not answer", said)
	}
}

// silentServer is a Server whose States do not answer now and then.
type silentServer struct {
	Server
	away func() bool
}

func (s *silentServer) States(ctx context.Context, at Where, pkgs []string) (map[string]State, error) {
	if s.away() {
		return nil, errors.New("connection refused")
	}
	return s.Server.States(ctx, at, pkgs)
}

// TestRunEnds stops when its context ends.
func TestRunEnds(t *testing.T) {
	kernel := settled()
	f := &fakeServer{packages: map[node]*fakePackage{{here, "kernel"}: kernel}}
	kernel.state.Code = "building"
	ctx, cancel := context.WithCancel(t.Context())
	r := &Runner{Server: f, Wait: true, Poll: time.Nanosecond, Tell: func(Done) { cancel() }}
	if _, err := r.Run(ctx, &Plan{Steps: []Step{stepOf("kernel", 0)}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
