// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/explain"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/obs"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/why"
	"github.com/urfave/cli/v2"
)

// whys is what explain was given to say with why a base changed.
type whys struct {
	envs []buildEnv // of OLD and NEW, or none
	obs  why.OBS    // nil if it is not to be asked
}

// buildEnv is a build environment out of a file.
type buildEnv struct {
	path string
	api.BuildEnv
}

func newWhys(c *cli.Context) (w whys, err error) {
	paths := c.StringSlice("buildenv")
	if n := len(paths); n != 0 && n != 2 {
		return w, usageError{fmt.Sprintf("explain: --buildenv is given %d times: once for OLD and once for NEW", n), "obs-btf-guard explain --help"}
	}
	for _, path := range paths {
		f, err := regular.Open(path)
		if err != nil {
			return w, err
		}
		env, err := api.ReadBuildEnv(f)
		f.Close()
		if err != nil {
			return w, fmt.Errorf("%s: %w", path, err)
		}
		w.envs = append(w.envs, buildEnv{path, env})
	}
	if c.Bool("obs") {
		server, _, err := connect(c, c.String("apiurl"))
		if err != nil {
			return w, err
		}
		w.obs = server.Client
	}
	return w, nil
}

// reasons says why a base changed, or did not; the problems are what stood in the way.
func (w *whys) reasons(ctx context.Context, change guard.Change, diff *explain.Diff) (*why.Reasons, []guard.Problem) {
	old, new := made(change.From), made(change.To)
	var trigger *why.Trigger
	var problems []guard.Problem
	if w.obs != nil {
		asked, errs := w.ask(ctx, change)
		trigger, old.Packages, new.Packages = asked.Trigger, asked.Old, asked.New
		for _, err := range errs {
			problems = append(problems, guard.Problem{Path: change.To.Label(), Err: err})
		}
	}
	if w.envs != nil {
		for i, side := range []struct {
			base *guard.Base
			to   *why.Made
		}{{change.From, &old}, {change.To, &new}} {
			env := w.envs[i]
			if p := side.base.Package; p != nil && !why.Of(env.BuildEnv, p.VersionRelease) {
				err := fmt.Errorf("is of the build of %s, not of %s", env.VersionRelease(), p.NEVRA)
				problems = append(problems, guard.Problem{Path: env.path, Err: err})
				continue
			}
			side.to.Packages = env.Packages
		}
	}
	return why.Rebuilt(old, new, diff.Effect(), trigger), problems
}

// ask asks OBS, where the packages say that they were built.
func (w *whys) ask(ctx context.Context, change guard.Change) (why.Asked, []error) {
	var builds [2]why.Build
	for i, b := range []*guard.Base{change.From, change.To} {
		var ok bool
		if builds[i], ok = inOBS(b); !ok {
			return why.Asked{}, []error{fmt.Errorf("--obs: %s does not say by a DISTURL where OBS built it", b.Label())}
		}
	}
	asked, errs := why.Ask(ctx, w.obs, builds[0], builds[1])
	if err := ctx.Err(); err != nil {
		errs = []error{err}
	}
	return asked, errs
}

// inOBS is the build in OBS that a base came out of.
func inOBS(b *guard.Base) (why.Build, bool) {
	if b.Package == nil {
		return why.Build{}, false
	}
	u, ok := obs.ParseDistURL(b.Package.DistURL)
	t := api.Target{Project: u.Project, Repository: u.Repository, Arch: obs.SchedulerArch(b.Package.Arch), Package: u.Package}
	return why.Build{Target: t, VersionRelease: b.Package.VersionRelease}, ok
}

// made is what a kernel and its package say of how they were made.
func made(b *guard.Base) why.Made {
	m := why.Made{Config: b.Config, Banner: kernel.ParseBanner(b.Banner), Compilers: b.Compilers}
	p := b.Package
	if p == nil {
		return m
	}
	m.Host, m.Built = p.Host, p.Built
	m.Source = why.Source{Hash: strings.Join(p.SourceHashes, " "), Package: p.SourceID}
	if u, ok := obs.ParseDistURL(p.DistURL); ok {
		m.Source.Revision = u.Revision
		m.Project = u.Project + "/" + u.Repository
	}
	return m
}
