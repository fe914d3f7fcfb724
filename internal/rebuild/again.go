// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"slices"
)

// Again judges what a plan that was read is for, so that nothing is built for a
// reason that somebody wrote into a file. Steps that are still called for have the
// reasons of now, and stay in the plan; with those whose package was built since
// the plan was made, of which Runner says so. The others are taken out and
// returned. What the plan leaves out stays out: somebody may have wanted that.
func (f *Finder) Again(ctx context.Context, p *Plan) (needless []Step, err error) {
	now := NewPlan(p.API)
	if err := f.Find(ctx, now, p.places()); err != nil {
		return nil, err
	}
	var steps []Step
	for _, s := range p.Steps {
		i := slices.IndexFunc(now.Steps, func(n Step) bool { return n.target() == s.target() })
		if i >= 0 {
			s.Why, s.InVain = now.Steps[i].Why, now.Steps[i].InVain
			steps = append(steps, s)
			continue
		}
		last, err := f.Server.LastBuild(ctx, s.target())
		switch {
		case err != nil:
			return nil, err
		case s.Seen != nil && !same(s.Seen, last):
			steps = append(steps, s)
		default:
			needless = append(needless, s)
		}
	}
	p.Steps, p.Notes, p.Skipped = steps, now.Notes, now.Skipped
	p.Kernels, p.Packages = now.Kernels, now.Packages
	return needless, f.Complete(ctx, p)
}
