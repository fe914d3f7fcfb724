// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// OBS is what is asked of the Open Build Service, by several goroutines;
// api.Client is one.
type OBS interface {
	URL() string
	Repositories(ctx context.Context, project string) ([]api.Repository, error)
	Binaries(ctx context.Context, t api.Target) ([]api.Binary, error)
	DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error)
	FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error)
	Download(ctx context.Context, t api.Target, b api.Binary, dir string) (string, error)
}

// inOBS reads the name of a source in OBS: a repository for one architecture,
// obs:PROJECT/REPOSITORY/ARCH. Without the last parts it stands for all of them,
// which are empty in the target then.
func inOBS(source string) (t api.Target, ok bool, err error) {
	name, ok := strings.CutPrefix(source, "obs:")
	if !ok {
		return t, false, nil
	}
	parts := strings.Split(name, "/")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return t, true, errors.New("not a source in OBS, which is obs:PROJECT, obs:PROJECT/REPOSITORY or obs:PROJECT/REPOSITORY/ARCH")
	}
	parts = append(parts, "", "")
	return api.Target{Project: parts[0], Repository: parts[1], Arch: parts[2], Package: api.WholeRepository}, true, nil
}

// project lists the packages of a project in OBS, or of the part of it that the
// target names. A part that cannot be read is a problem of its own.
func (a *audit) project(ctx context.Context, t api.Target) error {
	if a.OBS == nil {
		return errors.New("OBS cannot be asked here")
	}
	client, err := a.OBS()
	if err != nil {
		return err
	}
	parts, err := parts(ctx, client, t)
	if err != nil {
		return err
	}
	found, problems := false, len(a.res.Problems)
	for _, part := range parts {
		name := "obs:" + part.Project + "/" + part.Repository + "/" + part.Arch
		if slices.ContainsFunc(a.res.Sources, func(s Source) bool { return s.Name == name }) {
			found = true // named as well
			if t.Repository != "" {
				a.together(name)
			}
			continue
		}
		first := len(a.packages)
		err := a.part(ctx, client, name, part)
		for _, p := range a.packages[first:] {
			if t.Repository == "" {
				p.whole, p.repository = "obs:"+part.Project, part.Repository
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errPackages):
			return err
		case err != nil:
			a.problem(name, err)
		default:
			found = found || a.res.Sources[len(a.res.Sources)-1].Packages > 0
		}
	}
	if !found && len(a.res.Problems) == problems {
		return errors.New("OBS has no package there")
	}
	return nil
}

// together takes back that the packages of a source are only alternatives.
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
		return nil, fmt.Errorf("the project has no repository %s, or none that is built for an architecture", t.Repository)
	}
	return nil, errors.New("the project has no repository that is built for an architecture")
}

// requests is how many are under way at once. OBS answers each by a process of
// its own, and is there for others as well.
const requests = 4

// part asks OBS for what the packages of a repository provide and require. Each
// answer costs a request, so that only those are asked for that are named as
// packages of kernels and modules are, or built with what modules are built with, and
// that the last audit did not ask for. Of an unchanged repository that is the listing.
func (a *audit) part(ctx context.Context, client OBS, name string, t api.Target) error {
	a.tell("asking OBS for %s", name)
	files, err := client.Binaries(ctx, t)
	if err != nil {
		return err
	}
	known := a.partMemory(client, name, files)
	built, err := known.builtWith(ctx, client, t)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		a.note("%s: OBS does not say what its packages are built with (%v), so that they are found by their names; others may have modules", name, err)
	}
	s := Source{Name: name, Kind: "obs"}
	var named []api.Binary
	for _, b := range files {
		base, ok := strings.CutSuffix(b.Name, ".rpm")
		if !ok {
			continue
		}
		s.Packages++
		if !kernel.IsAccessory(base) && (kernel.IsKernelPackage(base) || kernel.IsModulePackage(base) || built[base]) {
			named = append(named, b)
		}
	}
	a.res.Sources = append(a.res.Sources, s)
	infos, errs := make([]api.FileInfo, len(named)), make([]error, len(named))
	var ask []int
	for i, b := range named {
		var ok bool
		if infos[i], ok = known.info(b); !ok {
			ask = append(ask, i)
		}
	}
	each(ctx, len(ask), requests, func(n int) {
		i := ask[n]
		infos[i], errs[i] = client.FileInfo(ctx, t, named[i].Name)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	packages := make([]*Package, len(named))
	for i, b := range named {
		if errs[i] == nil {
			known.learn(b, infos[i])
			packages[i], errs[i] = a.inPart(client, name, t, b, infos[i])
		}
	}
	a.keepPart(known, len(ask) > 0)
	for i, p := range packages {
		if p != nil {
			p.maybe = p.maybe || built[p.Name]
		}
		switch {
		case errs[i] != nil:
			a.problem(name, fmt.Errorf("%s: %w", named[i].Name, errs[i]))
		case !p.matters():
		case a.full():
			return a.tooMany()
		default:
			a.packages = append(a.packages, p)
		}
	}
	return nil
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
	p, err := newPackage(name, header(info), "")
	if err != nil {
		return nil, err
	}
	p.place, p.size = name+"/"+b.Name, info.Size
	if !info.MTime.IsZero() {
		p.known = fmt.Sprintf("%s %s %d %d", client.URL(), p.place, info.Size, info.MTime.Unix())
	}
	p.fetch = func(ctx context.Context) (string, error) {
		a.tell("downloading %s", p)
		if err := a.download(p.size); err != nil {
			return "", fmt.Errorf("%s: %w", b.Name, err)
		}
		// Files of two repositories may be named alike.
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

// header is what OBS says about a package's header. It names the source package
// without the version, which is that of the packages of a kernel.
func header(i api.FileInfo) *rpm.Package {
	p := &rpm.Package{
		Name: i.Name, Epoch: i.Epoch, Version: i.Version, Release: i.Release, Arch: i.Arch,
		SourceRPM: i.Source + "-" + i.Version + "-" + i.Release + ".src.rpm",
	}
	for _, list := range []struct {
		from []string
		to   *[]rpm.Dependency
	}{{i.Provides, &p.Provides}, {i.Requires, &p.Requires}, {i.Recommends, &p.Recommends}} {
		for _, s := range list.from {
			if name, version, _ := strings.Cut(s, " = "); relevant([]byte(name)) {
				d := rpm.Dependency{Name: name, Version: version}
				if version != "" {
					d.Flags = rpm.SenseEqual
				}
				*list.to = append(*list.to, d)
			}
		}
	}
	return p
}
