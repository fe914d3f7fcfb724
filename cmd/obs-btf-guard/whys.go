// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/urfave/cli/v2"
)

// whys is what explain was given to say with why a base changed.
type whys struct {
	envs []buildEnv  // of OLD and NEW, or none
	obs  *api.Client // nil if it is not to be asked
}

// buildEnv is a build environment out of a file.
type buildEnv struct {
	path string
	api.BuildEnv
}

func newWhys(c *cli.Context) (w whys, err error) {
	paths := c.StringSlice("buildenv")
	if n := len(paths); n != 0 && n != 2 {
		return w, misuse(c, "--buildenv: %d given, two are needed: that of OLD, then that of NEW", n)
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
	switch {
	case c.Bool("obs"):
		client, err := reader(c)
		if err != nil {
			return w, err
		}
		w.obs = client
	case c.IsSet("apiurl"):
		return w, misuse(c, "--apiurl says which OBS --obs asks, which is not given")
	}
	return w, nil
}

// reasons says why a base changed, or did not; the problems are what stood in the way.
// The change has its difference.
func (w *whys) reasons(ctx context.Context, change guard.Change) (*why.Reasons, []guard.Problem) {
	old, new := made(change.From), made(change.To)
	var trigger *why.Trigger
	var problems []guard.Problem
	if w.obs != nil {
		var asked why.Asked
		asked, problems = w.ask(ctx, change)
		trigger, old.Packages, new.Packages = asked.Trigger, asked.Old, asked.New
	}
	if w.envs != nil {
		for i, side := range []struct {
			base *guard.Base
			to   *why.Made
		}{{change.From, &old}, {change.To, &new}} {
			if err := w.envs[i].fits(side.base.Package); err != nil {
				problems = append(problems, guard.Problem{Path: w.envs[i].path, Err: err})
				continue
			}
			side.to.Packages = w.envs[i].Packages
		}
	}
	return why.Rebuilt(old, new, change.Diff.Effect(), change.Cause(), trigger), problems
}

// fits says why a build environment is not that of a package, as far as both tell.
func (e *buildEnv) fits(p *guard.Package) error {
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
func (w *whys) ask(ctx context.Context, change guard.Change) (why.Asked, []guard.Problem) {
	var builds [2]why.InOBS
	var server string
	for i, b := range []*guard.Base{change.From, change.To} {
		var ok bool
		if builds[i], server, ok = inOBS(b); !ok {
			return why.Asked{}, []guard.Problem{{Path: b.Label(), Err: errors.New("--obs: no DISTURL says where OBS built it")}}
		}
	}
	asked, errs := why.Ask(ctx, w.obs, builds[0], builds[1])
	if err := ctx.Err(); err != nil {
		errs = []error{err}
	}
	if t := asked.Trigger; len(errs) == 0 && elsewhere(server, w.obs.URL()) {
		t.Notes = append(t.Notes, fmt.Sprintf("asked was %s; the packages say that %s built them", w.obs.URL(), server))
	}
	var problems []guard.Problem
	for _, err := range errs {
		problems = append(problems, guard.Problem{Path: "OBS", Err: err})
	}
	return asked, problems
}

// elsewhere reports whether the server that a DISTURL names is surely not that of an
// API: build.opensuse.org has its API at api.opensuse.org.
func elsewhere(server, api string) bool {
	domain := func(host string) string {
		labels := strings.Split(host, ".")
		return strings.Join(labels[max(0, len(labels)-2):], ".")
	}
	u, err := url.Parse(api)
	if err != nil || net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".") {
		return false
	}
	return domain(u.Hostname()) != domain(server)
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

// made is what a kernel and its package say of how they were made.
func made(b *guard.Base) why.Made {
	var m why.Made
	if p := b.Package; p != nil {
		build := history.FromBase(b)
		m = build.Made()
		if u, ok := obs.ParseDistURL(p.DistURL); ok {
			m.Project += "/" + u.Repository
		}
		m.Source.Hash, m.Source.Package = strings.Join(p.SourceHashes, " "), p.SourceID
	}
	m.Config, m.Banner, m.Compilers = b.Config, kernel.ParseBanner(b.Banner), b.Compilers
	return m
}
