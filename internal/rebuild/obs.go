// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// OBS is a Server on the API of the Open Build Service.
type OBS struct {
	Client *api.Client
	// Blind: only a trigger token is at hand, which opens no other route.
	Blind bool
}

func target(at Where, pkg string) api.Target {
	return api.Target{Project: at.Project, Repository: at.Repository, Arch: at.Arch, Package: pkg}
}

// refused marks errors that will stay.
func refused(err error) error {
	if err == nil || api.Passing(err) {
		return err
	}
	return fmt.Errorf("%w (%w)", err, ErrRefused)
}

// Path implements Server.
func (o *OBS) Path(ctx context.Context, at Where) ([]Where, error) {
	out := []Where{at}
	path, err := o.Client.Path(ctx, at.Project, at.Repository)
	for _, e := range path {
		out = append(out, Where{e.Project, e.Repository, at.Arch})
	}
	return out, err
}

// Sources implements Server.
func (o *OBS) Sources(ctx context.Context, at Where) ([]Source, error) {
	if o.Blind {
		return nil, ErrBlind
	}
	deps, err := o.Client.DepInfo(ctx, at.Project, at.Repository, at.Arch)
	if err != nil {
		return nil, err
	}
	out := make([]Source, len(deps))
	for i, d := range deps {
		out[i] = Source{Name: d.Package, Needs: d.Needs, Binaries: d.Subpackages}
	}
	return out, nil
}

// Files implements Server.
func (o *OBS) Files(ctx context.Context, at Where, pkg string) ([]string, error) {
	binaries, err := o.Client.Binaries(ctx, target(at, pkg))
	var out []string
	for _, b := range binaries {
		out = append(out, b.Name)
	}
	return out, err
}

// Binary implements Server.
func (o *OBS) Binary(ctx context.Context, at Where, pkg, file string) (Binary, error) {
	info, err := o.Client.FileInfo(ctx, target(at, pkg), file)
	if err != nil {
		return Binary{}, err
	}
	return Binary{
		Name:           info.Name,
		VersionRelease: info.Version + "-" + info.Release,
		Provides:       info.Provides,
		Requires:       slices.Concat(info.Requires, info.Recommends),
	}, nil
}

// Fetch implements Server. Files of packages that are named alike do not meet.
func (o *OBS) Fetch(ctx context.Context, at Where, pkg, file, dir string) (string, error) {
	t := target(at, pkg)
	binaries, err := o.Client.Binaries(ctx, t)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(binaries, func(b api.Binary) bool { return b.Name == file })
	if i < 0 {
		return "", fmt.Errorf("%s is no longer there", file)
	}
	if dir, err = below(dir, at, pkg); err != nil {
		return "", err
	}
	if path := filepath.Join(dir, file); sameFile(path, binaries[i]) {
		return path, nil
	}
	return o.Client.Download(ctx, t, binaries[i], dir)
}

// States implements Server.
func (o *OBS) States(ctx context.Context, at Where, pkgs []string) (map[string]State, error) {
	if o.Blind {
		return nil, ErrBlind
	}
	results, err := o.Client.Results(ctx, at.Project, api.Filter{
		Packages: pkgs, Repositories: []string{at.Repository}, Arches: []string{at.Arch},
	})
	if api.NotFound(err) {
		return o.each(ctx, at, pkgs)
	}
	if err != nil {
		return nil, refused(err)
	}
	out := map[string]State{}
	for _, r := range results {
		for _, p := range r.Packages {
			if r.Repository == at.Repository && r.Arch == at.Arch && slices.Contains(pkgs, p.Package) {
				out[p.Package] = State{Code: p.Code, Details: p.Details, Dirty: r.Dirty}
			}
		}
	}
	return out, nil
}

// each asks for one package at a time: of several, one that OBS does not know any
// more spoils the answer.
func (o *OBS) each(ctx context.Context, at Where, pkgs []string) (map[string]State, error) {
	out := map[string]State{}
	if len(pkgs) == 1 {
		return out, nil
	}
	for _, pkg := range pkgs {
		one, err := o.States(ctx, at, []string{pkg})
		if err != nil {
			return nil, err
		}
		maps.Copy(out, one)
	}
	return out, nil
}

// LastBuild implements Server.
func (o *OBS) LastBuild(ctx context.Context, at Where, pkg string) (*Build, error) {
	if o.Blind {
		return nil, ErrBlind
	}
	j, err := o.Client.LastJob(ctx, target(at, pkg))
	if err != nil || j == nil {
		return nil, refused(err)
	}
	return &Build{
		VersionRelease: fmt.Sprintf("%s.%d", j.VersRel, j.BuildCount), Code: j.Code, Ended: j.End.Time,
		asked: j.Ready.Time,
	}, nil
}

// Rebuild implements Server.
func (o *OBS) Rebuild(ctx context.Context, at Where, pkg string) error {
	err := o.Client.Rebuild(ctx, target(at, pkg))
	if errors.Is(err, api.ErrUnknownOutcome) {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}
