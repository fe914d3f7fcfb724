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
	*api.Client
	// Blind: there is only a trigger token, which opens no other route.
	Blind bool
}

// refused marks errors that asking again would not change.
func refused(err error) error {
	if err == nil || api.Passing(err) {
		return err
	}
	return fmt.Errorf("%w (%w)", err, ErrRefused)
}

// DepInfo implements Server.
func (o *OBS) DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error) {
	if o.Blind {
		return nil, ErrBlind
	}
	return o.Client.DepInfo(ctx, project, repository, arch)
}

// Fetch implements Server. Files of the same name from two packages are kept apart.
func (o *OBS) Fetch(ctx context.Context, t api.Target, file, dir string) (string, error) {
	binaries, err := o.Binaries(ctx, t)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(binaries, func(b api.Binary) bool { return b.Name == file })
	if i < 0 {
		return "", fmt.Errorf("%s is no longer there", file)
	}
	if dir, err = below(dir, t); err != nil {
		return "", err
	}
	if path := filepath.Join(dir, file); sameFile(path, binaries[i]) {
		return path, nil
	}
	return o.Download(ctx, t, binaries[i], dir)
}

// States implements Server.
func (o *OBS) States(ctx context.Context, at Where, pkgs []string) (map[string]State, error) {
	if o.Blind {
		return nil, ErrBlind
	}
	results, err := o.Results(ctx, at.Project, api.Filter{
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

// each asks for one package at a time: of several, a single one that OBS does not know
// any more makes the request fail.
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
func (o *OBS) LastBuild(ctx context.Context, t api.Target) (*Build, error) {
	if o.Blind {
		return nil, ErrBlind
	}
	j, err := o.LastJob(ctx, t)
	if err != nil || j == nil {
		return nil, refused(err)
	}
	return &Build{
		VersionRelease: fmt.Sprintf("%s.%d", j.VersRel, j.BuildCount), Code: j.Code, Ended: j.End.Time,
		asked: j.Ready.Time,
	}, nil
}

// Rebuild implements Server.
func (o *OBS) Rebuild(ctx context.Context, t api.Target) error {
	err := o.Client.Rebuild(ctx, t)
	if errors.Is(err, api.ErrUnknownOutcome) {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}
