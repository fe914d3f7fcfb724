// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// OBS is what an audit needs of the Open Build Service, from several goroutines;
// api.Client implements it.
type OBS interface {
	URL() string
	State(ctx context.Context, t api.Target) (api.State, error)
	Repositories(ctx context.Context, project string) ([]api.Repository, error)
	Binaries(ctx context.Context, t api.Target) ([]api.Binary, error)
	DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error)
	FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error)
	Download(ctx context.Context, t api.Target, b api.Binary, dir string) (string, error)
}

// inOBS reads the name of a source in OBS: a repository for one architecture,
// obs:PROJECT/REPOSITORY/ARCH. Where the last parts are missing, it stands for all of
// them, and they are empty in the target.
func inOBS(source string) (t api.Target, ok bool, err error) {
	name, ok := strings.CutPrefix(source, "obs:")
	if !ok {
		return t, false, nil
	}
	parts := strings.Split(name, "/")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return t, true, errOBSName
	}
	parts = append(parts, "", "")
	return api.Target{Project: parts[0], Repository: parts[1], Arch: parts[2], Package: api.WholeRepository}, true, nil
}

// ofOBS is what OBS said of a source: its parts and what they contain.
type ofOBS struct {
	parts []*part
	err   error
}

// part is a repository in OBS for one architecture, and what is known of it.
type part struct {
	api.Target
	name     string
	asked    bool       // if not, the parts before it had enough packages
	total    int        // packages in it
	packages []*Package // those that matter
	note     string
	problems []error
	err      error
}

// askOBS asks OBS for all sources there: first for their parts, then for what these
// contain, several at once. The results are in the order of the sources.
func (a *audit) askOBS(ctx context.Context) {
	a.obs = map[string]*ofOBS{}
	var sources []*ofOBS
	var targets []api.Target
	for _, name := range a.Sources {
		if t, ok, err := inOBS(name); ok && err == nil && a.obs[name] == nil {
			a.obs[name] = &ofOBS{}
			sources, targets = append(sources, a.obs[name]), append(targets, t)
		}
	}
	if len(sources) == 0 {
		return
	}
	client, err := a.connect()
	if err != nil {
		for _, s := range sources {
			s.err = err
		}
		return
	}
	lists := make([][]api.Target, len(sources))
	parallel.Each(ctx, len(sources), a.requests(), func(i int) { lists[i], sources[i].err = parts(ctx, client, targets[i]) })
	of := map[api.Target]*part{}
	var all []*part
	for i, s := range sources {
		for _, t := range lists[i] {
			if of[t] == nil {
				of[t] = &part{Target: t, name: "obs:" + t.Project + "/" + t.Repository + "/" + t.Arch}
				all = append(all, of[t])
			}
			s.parts = append(s.parts, of[t])
		}
	}
	var found atomic.Int64
	parallel.Each(ctx, len(all), a.requests(), func(i int) {
		if int(found.Load()) > a.mostPackages() {
			return // the parts before it have too many already
		}
		all[i].asked = true
		a.ask(ctx, client, all[i])
		found.Add(int64(len(all[i].packages)))
	})
}

// connect returns a client of OBS that limits the requests under way.
func (a *audit) connect() (OBS, error) {
	if a.OBS == nil {
		return nil, errNoOBS
	}
	client, err := a.OBS()
	if err != nil {
		return nil, err
	}
	return &limited{client, make(chan struct{}, a.requests())}, nil
}

// project adds the packages of a source in OBS. A part that could not be read is a problem
// of its own.
func (a *audit) project(ctx context.Context, source string) error {
	s := a.obs[source]
	switch {
	case s.err != nil:
		return s.err
	case a.capped: // which of the others OBS was asked for is chance
		return a.tooMany()
	}
	t, _, _ := inOBS(source)
	found, problems := false, len(a.res.Problems)
	for _, part := range s.parts {
		if a.parts[part] {
			found = true // named as well
			if t.Repository != "" {
				a.together(part.name)
			}
			continue
		}
		a.parts[part] = true
		first := len(a.packages)
		err := a.addPart(part)
		for _, p := range a.packages[first:] {
			if t.Repository == "" {
				p.whole, p.repository = "obs:"+part.Project, part.Repository
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errPackages):
			a.capped = true
			return err
		case err != nil:
			a.problem(part.name, err)
		default:
			found = found || part.total > 0
		}
	}
	if !found && len(a.res.Problems) == problems {
		return errEmptyOBS
	}
	return nil
}

// addPart adds what is known of a part.
func (a *audit) addPart(p *part) error {
	switch {
	case !p.asked:
		return a.tooMany()
	case p.err != nil:
		return p.err
	case p.note != "":
		a.note("%s", p.note)
	}
	a.res.Sources = append(a.res.Sources, Source{Name: p.name, Kind: "obs", Packages: p.total})
	for _, err := range p.problems {
		a.problem(p.name, err)
	}
	for _, pkg := range p.packages {
		if a.full() {
			return a.tooMany()
		}
		a.packages = append(a.packages, pkg)
	}
	return nil
}

// together notes that the packages of a source can be installed beside those of others.
func (a *audit) together(source string) {
	for _, p := range a.packages {
		if p.Source == source {
			p.whole, p.repository = "", ""
		}
	}
}

// parts lists the repositories and architectures that a target stands for.
func parts(ctx context.Context, client OBS, t api.Target) ([]api.Target, error) {
	if t.Arch != "" {
		return []api.Target{t}, nil
	}
	repositories, err := client.Repositories(ctx, t.Project)
	if err != nil {
		return nil, err
	}
	var out []api.Target
	for _, r := range repositories {
		for _, arch := range r.Arches {
			if t.Repository == "" || t.Repository == r.Name {
				out = append(out, api.Target{Project: t.Project, Repository: r.Name, Arch: arch, Package: t.Package})
			}
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case t.Repository != "":
		return nil, fmt.Errorf(noPart, t.Repository)
	}
	return nil, errNoParts
}

// DefaultRequests is how many requests to OBS are under way at once. OBS answers each with
// a process of its own, and has other users.
const DefaultRequests = 4

func (a *audit) requests() int { return cmp.Or(a.Requests, DefaultRequests) }

// limited limits the requests under way to the capacity of slots, for all goroutines
// together.
type limited struct {
	OBS
	slots chan struct{}
}

func (l *limited) take() func() {
	l.slots <- struct{}{}
	return func() { <-l.slots }
}

func (l *limited) State(ctx context.Context, t api.Target) (api.State, error) {
	defer l.take()()
	return l.OBS.State(ctx, t)
}

func (l *limited) Repositories(ctx context.Context, project string) ([]api.Repository, error) {
	defer l.take()()
	return l.OBS.Repositories(ctx, project)
}

func (l *limited) Binaries(ctx context.Context, t api.Target) ([]api.Binary, error) {
	defer l.take()()
	return l.OBS.Binaries(ctx, t)
}

func (l *limited) DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error) {
	defer l.take()()
	return l.OBS.DepInfo(ctx, project, repository, arch)
}

func (l *limited) FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error) {
	defer l.take()()
	return l.OBS.FileInfo(ctx, t, file)
}

// ask asks OBS for what the packages of a part provide and require. Each answer costs a
// request. So it asks only for packages that are named like those of kernels and modules,
// or built with what modules are built with, and that the last audit did not ask for. An
// unchanged repository costs a request for its state, or for the listing where OBS does
// not tell the build id.
func (a *audit) ask(ctx context.Context, client OBS, p *part) {
	a.tell("asking OBS for %s", p.name)
	known := a.partMemory(client, p.name)
	var state api.State
	if known.old.Tells || known.old.Listing == "" {
		state, _ = client.State(ctx, p.Target) // without it, the listing tells
	}
	if id := state.Settled(); id != "" && id == known.old.BuildID {
		p.total = known.old.Packages
		for _, b := range known.files() {
			info, _ := known.info(b)
			a.takeFile(client, p, known.old.Built, b, info, nil)
		}
		return
	}
	files, err := client.Binaries(ctx, p.Target)
	if err != nil {
		p.err = err
		return
	}
	a.askFor(ctx, client, p, known, files)
	if ctx.Err() != nil || p.err != nil {
		return
	}
	known.new.Tells = state.Code != "" && !slices.ContainsFunc(files, func(b api.Binary) bool { return b.Size < 0 })
	if known.new.Tells && len(p.problems) == 0 && p.note == "" {
		known.new.BuildID = state.Settled()
	}
	known.new.Packages = p.total
	a.keepPart(known)
}

// askFor asks for the files of a part that are not known yet.
func (a *audit) askFor(ctx context.Context, client OBS, p *part, known *partMemory, files []api.Binary) {
	known.list(files)
	built, err := known.builtWith(ctx, client, p.Target)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		p.note = fmt.Sprintf(noteNoDeps, p.name, err)
	}
	var named []api.Binary
	for _, b := range files {
		base, ok := strings.CutSuffix(b.Name, ".rpm")
		if !ok {
			continue
		}
		p.total++
		if !kernel.IsAccessory(base) && (kernel.IsKernelPackage(base) || kernel.IsModulePackage(base) || built[base]) {
			named = append(named, b)
		}
	}
	if len(named) > api.MostInfos {
		p.err = fmt.Errorf("it has %s packages that may hold kernels or modules, and no more than %s are asked for", prose.Number(len(named)), prose.Number(api.MostInfos))
		return
	}
	infos, errs := make([]api.FileInfo, len(named)), make([]error, len(named))
	var ask []int
	for i, b := range named {
		var ok bool
		if infos[i], ok = known.info(b); !ok {
			ask = append(ask, i)
		}
	}
	parallel.Each(ctx, len(ask), a.requests(), func(n int) {
		i := ask[n]
		infos[i], errs[i] = client.FileInfo(ctx, p.Target, named[i].Name)
		trim(&infos[i])
	})
	if ctx.Err() != nil {
		return
	}
	for i, b := range named {
		if errs[i] == nil {
			known.learn(b, infos[i])
		}
		a.takeFile(client, p, built, b, infos[i], errs[i])
	}
}

// takeFile takes what OBS said of one file of a part.
func (a *audit) takeFile(client OBS, p *part, built map[string]bool, b api.Binary, info api.FileInfo, err error) {
	var pkg *Package
	if err == nil {
		pkg, err = a.inPart(client, p.name, p.Target, b, info)
	}
	if err != nil {
		p.problems = append(p.problems, fmt.Errorf("%s: %w", b.Name, err))
		return
	}
	if pkg.maybe = pkg.maybe || built[pkg.Name]; pkg.matters() {
		p.packages = append(p.packages, pkg)
	}
}

// builtWithKernels lists the RPMs of packages that are built with what modules are
// built with, by name.
func builtWithKernels(ctx context.Context, client OBS, t api.Target) (map[string]bool, error) {
	all, err := client.DepInfo(ctx, t.Project, t.Repository, t.Arch)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, d := range all {
		if slices.ContainsFunc(d.Needs, kernel.IsDevelPackage) {
			for _, name := range d.Subpackages {
				out[name] = true
			}
		}
	}
	return out, nil
}

// inPart is a package of a repository, by what OBS reads in its header.
func (a *audit) inPart(client OBS, name string, t api.Target, b api.Binary, info api.FileInfo) (*Package, error) {
	p, err := newPackage(name, obs.Header(info), "")
	if err != nil {
		return nil, err
	}
	p.place, p.size = name+"/"+b.Name, info.Size
	p.part, p.origin = t, info.Source
	if !info.MTime.IsZero() {
		p.known = fmt.Sprintf("%s %s %d %d", client.URL(), p.place, info.Size, info.MTime.Unix())
	}
	p.fetch = func(ctx context.Context) (string, error) {
		a.tell("downloading %s", p)
		if err := a.download(p.size); err != nil {
			return "", fmt.Errorf("%s: %w", b.Name, err)
		}
		// Files of two repositories may have the same name.
		dir, err := a.downloadsDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(dir, t.Project, t.Repository, t.Arch)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		return client.Download(ctx, t, b, dir)
	}
	return p, nil
}

// trim drops what a package provides and requires but does not matter here.
func trim(info *api.FileInfo) {
	for _, list := range []*[]string{&info.Provides, &info.Requires, &info.Recommends} {
		*list = slices.Clone(slices.DeleteFunc(*list, func(s string) bool {
			name, _, _ := strings.Cut(s, " = ")
			return !relevant([]byte(name))
		}))
	}
}
