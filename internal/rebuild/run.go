// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// Outcome is the result of a step.
type Outcome string

// The outcomes.
const (
	Asked      Outcome = "asked"      // OBS was asked to build it
	UnderWay   Outcome = "under way"  // OBS is building it already
	Built      Outcome = "built"      // waited for, and it was built
	Failed     Outcome = "failed"     // waited for, and the build failed
	Outdated   Outcome = "outdated"   // it was built since the plan was made
	Impossible Outcome = "impossible" // OBS will not build it
	NotAsked   Outcome = "not asked"  // a step that it is built with did not end well
	InVain     Outcome = "in vain"    // it was built before, and that changed nothing
)

// Good reports whether the step needs nobody's attention.
func (o Outcome) Good() bool { return o == Asked || o == UnderWay || o == Built }

// Done is a step with its outcome.
type Done struct {
	Step    *Step
	Outcome Outcome
	Detail  string
}

func (d Done) String() string {
	line := fmt.Sprintf("%-10s %s", d.Outcome, d.Step)
	if d.Detail != "" {
		line += ": " + d.Detail
	}
	return line
}

// Runner carries out plans.
type Runner struct {
	Server Server
	Wait   bool          // until everything is built, a wave after the other
	Poll   time.Duration // wait between two requests, 0 for ten seconds
	Tell   func(Done)    // each change of a step; may be nil
}

// quiet is how often a package may be found neither building nor built before a
// build is no longer expected.
const quiet = 30

// progress is a step that is being built.
type progress struct {
	*Done
	before *Build // its last build when it was asked for
	quiet  int
}

// Run asks for each step's build once, unless OBS is building it already or has built it
// since the plan was made. With Wait it waits for the end. A step that does not end well
// holds back the steps that are built with it, and no others. The error is that of ctx.
func (r *Runner) Run(ctx context.Context, p *Plan) ([]Done, error) {
	done := make([]Done, len(p.Steps))
	for i := range done {
		done[i].Step = &p.Steps[i]
	}
	bad := map[string]bool{}
	for from := 0; from < len(p.Steps); {
		to := from
		for to < len(p.Steps) && p.Steps[to].Wave == p.Steps[from].Wave {
			to++
		}
		var waiting []*progress
		for i := from; i < to; i++ {
			d := &done[i]
			if j := slices.IndexFunc(d.Step.After, func(s string) bool { return bad[s] }); j >= 0 {
				r.set(d, NotAsked, "after "+d.Step.After[j])
				continue
			}
			before, err := r.ask(ctx, d)
			if ctx.Err() != nil {
				return done, ctx.Err()
			}
			if err != nil {
				r.set(d, Impossible, err.Error())
			}
			if d.Outcome.Good() {
				waiting = append(waiting, &progress{Done: d, before: before})
			}
		}
		if r.Wait {
			if err := r.wait(ctx, waiting); err != nil {
				return done, err
			}
		}
		for _, d := range done[from:to] {
			if !d.Outcome.Good() {
				bad[d.Step.String()] = true
			}
		}
		from = to
	}
	return done, nil
}

func (r *Runner) set(d *Done, o Outcome, detail string) {
	if d.Outcome == o && d.Detail == detail {
		return
	}
	d.Outcome, d.Detail = o, detail
	if r.Tell != nil {
		r.Tell(*d)
	}
}

// silent reports that OBS does not tell the state of a step, and that it is asked again.
func (r *Runner) silent(d *Done, err error) {
	r.set(d, d.Outcome, fmt.Sprintf("not known at the moment, asking again: %v", err))
}

// ask has a step's package built, if that is still needed. It returns the last build
// before.
func (r *Runner) ask(ctx context.Context, d *Done) (*Build, error) {
	s := d.Step
	before, err := r.Server.LastBuild(ctx, s.target())
	if err != nil && !errors.Is(err, ErrBlind) {
		return nil, err
	}
	if s.Seen != nil && before != nil && !same(s.Seen, before) {
		r.set(d, Outdated, "built since the plan was made: "+before.String())
		return nil, nil
	}
	state, err := r.state(ctx, s)
	switch {
	case errors.Is(err, ErrBlind):
	case err != nil:
		return nil, err
	case state == nil:
		r.set(d, Impossible, "OBS has no such package there")
		return nil, nil
	case state.Final():
		r.set(d, Impossible, state.String())
		return nil, nil
	case state.UnderWay():
		r.set(d, UnderWay, state.String())
		return before, nil
	}
	if s.InVain != "" {
		r.set(d, InVain, s.InVain)
		return nil, nil
	}
	err = r.Server.Rebuild(ctx, s.target())
	if errors.Is(err, ErrUnknownOutcome) {
		err = r.look(ctx, d, before, err)
	}
	if err != nil {
		return nil, err
	}
	r.set(d, Asked, "")
	return before, nil
}

// dirty is how often a scheduler may be found not to have looked yet before a
// request without an answer is repeated: until it has looked, two requests come to
// one build.
const dirty = 10

// look finds out whether OBS received a request that it did not answer, and repeats it
// if not.
func (r *Runner) look(ctx context.Context, d *Done, before *Build, unknown error) error {
	s := d.Step
	for settled, yet := 0, 0; settled < 3 && yet < dirty; {
		if err := r.pause(ctx); err != nil {
			return err
		}
		state, err := r.state(ctx, s)
		if errors.Is(err, ErrBlind) {
			return unknown // there is no way to know: asking again might build it twice
		}
		if err != nil {
			if errors.Is(err, ErrRefused) {
				return err
			}
			r.silent(d, err)
			continue
		}
		last, err := r.Server.LastBuild(ctx, s.target())
		if err != nil {
			if errors.Is(err, ErrRefused) {
				return err
			}
			r.silent(d, err)
			continue
		}
		switch {
		case state != nil && state.UnderWay(), !same(before, last):
			return nil
		case state == nil || !state.Dirty:
			settled++
		default:
			yet++
		}
	}
	return r.Server.Rebuild(ctx, s.target())
}

func (r *Runner) state(ctx context.Context, s *Step) (*State, error) {
	states, err := r.Server.States(ctx, s.Where(), []string{s.Package})
	if err != nil {
		return nil, err
	}
	if state, ok := states[s.Package]; ok {
		return &state, nil
	}
	return nil, nil
}

// wait follows steps until each has ended. If OBS does not answer for a while, it is
// asked again.
func (r *Runner) wait(ctx context.Context, waiting []*progress) error {
	for len(waiting) > 0 {
		if err := r.pause(ctx); err != nil {
			return err
		}
		states, refused, err := r.states(ctx, waiting)
		if err != nil {
			return err
		}
		var still []*progress
		for _, w := range waiting {
			state, known := states[w.Step.target()]
			if why := refused[w.Step.Where()]; why != nil {
				r.set(w.Done, Failed, why.Error())
				continue
			}
			if !known || !r.ended(ctx, w, state) {
				still = append(still, w)
			}
		}
		waiting = still
	}
	return nil
}

// states asks once for each place. A place that is missing in both maps did not
// answer this time, which its steps say. One that answers and does not know a package any more has a
// zero State of it.
func (r *Runner) states(ctx context.Context, waiting []*progress) (map[api.Target]State, map[Where]error, error) {
	at := map[Where][]string{}
	var places []Where
	for _, w := range waiting {
		where := w.Step.Where()
		if at[where] == nil {
			places = append(places, where)
		}
		at[where] = append(at[where], w.Step.Package)
	}
	out, refused := map[api.Target]State{}, map[Where]error{}
	for _, where := range places {
		pkgs := at[where]
		states, err := r.Server.States(ctx, where, pkgs)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case errors.Is(err, ErrRefused), errors.Is(err, ErrBlind):
			refused[where] = err
		case err == nil:
			for _, pkg := range pkgs {
				out[where.of(pkg)] = states[pkg]
			}
		default:
			for _, w := range waiting {
				if w.Step.Where() == where {
					r.silent(w.Done, err)
				}
			}
		}
	}
	return out, refused, nil
}

// ended reports whether a step has come to an end, which is when no build is on
// its way and the history of builds has another entry.
func (r *Runner) ended(ctx context.Context, w *progress, state State) bool {
	s := w.Step
	if state.UnderWay() {
		w.quiet = 0
		r.set(w.Done, w.Outcome, state.String())
		return false
	}
	last, err := r.Server.LastBuild(ctx, s.target())
	switch {
	case errors.Is(err, ErrRefused):
		r.set(w.Done, Failed, err.Error())
		return true
	case err != nil:
		r.silent(w.Done, err)
		return false
	case !same(w.before, last) && last != nil && (last.Code == "succeeded" || last.Code == "unchanged"):
		r.set(w.Done, Built, last.String())
		return true
	case !same(w.before, last) && last != nil:
		r.set(w.Done, Failed, last.String())
		return true
	case state.Busy():
		w.quiet = 0
		r.set(w.Done, w.Outcome, state.String())
		return false
	case state.Final():
		r.set(w.Done, Impossible, state.String())
		return true
	}
	if w.quiet++; w.quiet > quiet {
		r.set(w.Done, Failed, "OBS is not building it: "+state.String())
		return true
	}
	return false
}

func (r *Runner) pause(ctx context.Context) error { return Pause(ctx, r.Poll) }

// Pause waits between two requests, ten seconds for 0.
func Pause(ctx context.Context, d time.Duration) error {
	return fetch.Sleep(ctx, cmp.Or(d, 10*time.Second))
}

// same reports whether two builds are one, or both are none.
func same(a, b *Build) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.VersionRelease == b.VersionRelease && a.Code == b.Code && a.Ended.Equal(b.Ended)
}

func (b *Build) String() string {
	if b == nil {
		return "never"
	}
	return fmt.Sprintf("%s %s, %s", b.VersionRelease, b.Code, b.Ended.UTC().Format(time.DateTime))
}
