// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"slices"
)

// Again checks a plan that was read from a file, so that nothing is built for a reason
// that somebody wrote into it. Steps that are still needed stay in the plan, with the
// reasons of now. Steps whose package was built since the plan was made stay as well:
// Runner reports them. The others are taken out and returned. Nothing is added: what the
// plan leaves out may be left out on purpose.
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
