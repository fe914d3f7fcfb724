// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// mostRounds is how often Rounds looks again and finds more to build: a kernel, then what
// is built with it, then what is built with that.
const mostRounds = 5

// Rounds carries out a plan and says on Out what becomes of it. With Wait it then looks
// again, and goes on until nothing is left.
type Rounds struct {
	Finder  *Finder
	Places  []Where // to look at again, beside those of the plan
	Wait    bool
	Poll    time.Duration // as of Runner
	Timeout time.Duration // of all rounds together, with Wait
	Out     io.Writer
}

// Run reports whether everything came to a good end. The error is that of ctx, that of the
// timeout, one of asking OBS or one of Out.
func (r *Rounds) Run(ctx context.Context, p *Plan) (good bool, err error) {
	if !r.Wait {
		return r.once(ctx, p)
	}
	limited, cancel := context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("not built within %v", r.Timeout))
	defer cancel()
	good, err = r.all(limited, p)
	if timeout := context.Cause(limited); err != nil && timeout != nil && ctx.Err() == nil {
		err = timeout
	}
	return good, err
}

func (r *Rounds) all(ctx context.Context, p *Plan) (good bool, err error) {
	places := slices.Concat(r.Places, p.places())
	built := map[string]bool{}
	good = true
	for range mostRounds {
		well, err := r.once(ctx, p)
		if err != nil {
			return false, err
		}
		good = good && well
		for _, s := range p.Steps {
			built[s.String()] = true
		}
		p = NewPlan(p.API)
		r.Finder.forget()
		if err := r.Finder.Plan(ctx, p, places); err != nil {
			return false, err
		}
		fmt.Fprintln(r.Out, "\nchecked again:")
		if err := p.Text(r.Out, true); err != nil {
			return false, err
		}
		if again := slices.IndexFunc(p.Steps, func(s Step) bool { return built[s.String()] }); again >= 0 {
			fmt.Fprintln(r.Out, prose.Printable(fmt.Sprintf("stopped: %s was asked for and still does not fit; asking once more would change nothing", &p.Steps[again])))
			return false, nil
		}
		if len(p.Steps) == 0 {
			return good && len(p.Notes) == 0, nil
		}
	}
	fmt.Fprintf(r.Out, "stopped: there was something new to build after each of %d rounds\n", mostRounds)
	return false, nil
}

// once carries out one plan.
func (r *Rounds) once(ctx context.Context, p *Plan) (good bool, err error) {
	runner := Runner{Server: r.Finder.Server, Wait: r.Wait, Poll: r.Poll, Tell: func(d Done) {
		fmt.Fprintln(r.Out, prose.Printable(d.String()))
	}}
	done, err := runner.Run(ctx, p)
	return err == nil && !slices.ContainsFunc(done, func(d Done) bool { return !d.Outcome.Good() }), err
}
