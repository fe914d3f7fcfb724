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

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// OBS is what is asked of the Open Build Service; api.Client is one.
type OBS interface {
	Binaries(ctx context.Context, t api.Target) ([]api.Binary, error)
	FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error)
	Download(ctx context.Context, t api.Target, b api.Binary, dir string) (string, error)
}

// inOBS reads the name of a repository in OBS, obs:PROJECT/REPOSITORY/ARCH.
func inOBS(source string) (t api.Target, ok bool, err error) {
	name, ok := strings.CutPrefix(source, "obs:")
	if !ok {
		return t, false, nil
	}
	parts := strings.Split(name, "/")
	if len(parts) != 3 || slices.Contains(parts, "") {
		return t, true, errors.New("not a repository in OBS, which is obs:PROJECT/REPOSITORY/ARCH")
	}
	return api.Target{Project: parts[0], Repository: parts[1], Arch: parts[2], Package: api.WholeRepository}, true, nil
}

// project asks OBS for what the packages of a repository provide and require. Each
// answer costs a request, so that only those are asked for that are named as
// packages of kernels and modules are.
func (a *audit) project(ctx context.Context, name string, t api.Target) error {
	if a.OBS == nil {
		return errors.New("OBS cannot be asked here")
	}
	client, err := a.OBS()
	if err != nil {
		return err
	}
	a.tell("asking OBS for %s", name)
	files, err := client.Binaries(ctx, t)
	if err != nil {
		return err
	}
	s := Source{Name: name, Kind: "obs"}
	defer func() { a.res.Sources = append(a.res.Sources, s) }()
	for _, b := range files {
		base, ok := strings.CutSuffix(b.Name, ".rpm")
		if !ok {
			continue
		}
		s.Packages++
		if kernel.IsAccessory(base) || !kernel.IsKernelPackage(base) && !kernel.IsModulePackage(base) {
			continue
		}
		info, err := client.FileInfo(ctx, t, b.Name)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a.problem(name, fmt.Errorf("%s: %w", b.Name, err))
			continue
		}
		p, err := newPackage(name, header(info), "")
		if err != nil {
			a.problem(name, fmt.Errorf("%s: %w", b.Name, err))
			continue
		}
		if !p.matters() {
			continue
		}
		if len(a.packages) == maxPackages {
			return errPackages
		}
		p.place = name + "/" + b.Name
		p.fetch = func(ctx context.Context) (string, error) {
			a.tell("downloading %s", p)
			if err := a.download(info.Size); err != nil {
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
		a.packages = append(a.packages, p)
	}
	return ctx.Err()
}

// header is what OBS tells of a package's header. It names the source package
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
