// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Evidence is what tells, beside the packages, why a base changed.
type Evidence struct {
	Envs []BuildEnv  // of the old build and of the new one, or none
	OBS  *api.Client // nil if it is not to be asked
}

// BuildEnv is a build environment out of a file.
type BuildEnv struct {
	Path string
	api.BuildEnv
}

// Reasons says why a base changed, or did not; the problems are what stood in the way.
// The change has its difference.
func (e Evidence) Reasons(ctx context.Context, change guard.Change) (*why.Reasons, []guard.Problem) {
	old, new := madeOf(change.From), madeOf(change.To)
	var trigger *why.Trigger
	var problems []guard.Problem
	if e.OBS != nil {
		var asked why.Asked
		asked, problems = e.ask(ctx, change)
		trigger, old.Packages, new.Packages = asked.Trigger, asked.Old, asked.New
	}
	if e.Envs != nil {
		for i, side := range []struct {
			base *guard.Base
			to   *why.Made
		}{{change.From, &old}, {change.To, &new}} {
			if err := e.Envs[i].fits(side.base.Package); err != nil {
				problems = append(problems, guard.Problem{Path: e.Envs[i].Path, Err: err})
				continue
			}
			side.to.Packages = e.Envs[i].Packages
		}
	}
	return why.Rebuilt(old, new, change.Diff.Effect(), change.Cause(), trigger), problems
}

// fits says why a build environment is not that of a package, as far as both tell.
func (e *BuildEnv) fits(p *guard.Package) error {
	if p == nil {
		return nil
	}
	if u, ok := obs.ParseDistURL(p.DistURL); ok && e.Package != "" && e.Package != u.Package {
		return fmt.Errorf("is of a build of %s, and %s comes from one of %s", e.Package, p.NEVRA, u.Package)
	}
	if !why.Of(e.BuildEnv, p.VersionRelease) {
		return fmt.Errorf("is of the build of %s, not of %s", e.VersionRelease(), p.NEVRA)
	}
	return nil
}

// ask asks OBS, where the packages say that they were built.
func (e Evidence) ask(ctx context.Context, change guard.Change) (why.Asked, []guard.Problem) {
	var builds [2]why.InOBS
	var server string
	for i, b := range []*guard.Base{change.From, change.To} {
		var ok bool
		if builds[i], server, ok = inOBS(b); !ok {
			return why.Asked{}, []guard.Problem{{Path: b.Label(), Err: errors.New("--obs: no DISTURL says where OBS built it")}}
		}
	}
	asked, errs := why.Ask(ctx, e.OBS, builds[0], builds[1])
	if err := ctx.Err(); err != nil {
		errs = []error{err}
	}
	if t := asked.Trigger; len(errs) == 0 && obs.Elsewhere(server, e.OBS.URL()) {
		t.Notes = append(t.Notes, fmt.Sprintf("asked was %s; the packages say that %s built them", e.OBS.URL(), server))
	}
	var problems []guard.Problem
	for _, err := range errs {
		problems = append(problems, guard.Problem{Path: "OBS", Err: err})
	}
	return asked, problems
}

// inOBS is the build in OBS that a base came out of, and the name of its server.
func inOBS(b *guard.Base) (build why.InOBS, server string, ok bool) {
	if b.Package == nil {
		return build, "", false
	}
	u, ok := obs.ParseDistURL(b.Package.DistURL)
	t := api.Target{Project: u.Project, Repository: u.Repository, Arch: obs.SchedulerArch(b.Package.Arch), Package: u.Package}
	return why.InOBS{Target: t, VersionRelease: b.Package.VersionRelease}, u.Server, ok
}

// madeOf is what a kernel and its package say of how they were made.
func madeOf(b *guard.Base) why.Made {
	var m why.Made
	if p := b.Package; p != nil {
		build := FromBase(b)
		m = build.Made()
		if u, ok := obs.ParseDistURL(p.DistURL); ok {
			m.Project += "/" + u.Repository
		}
		m.Source.Hash, m.Source.Package = strings.Join(p.SourceHashes, " "), p.SourceID
	}
	m.Config, m.Banner, m.Compilers = b.Config, kernel.ParseBanner(b.Banner), b.Compilers
	return m
}
