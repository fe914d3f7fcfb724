// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// kernels are what the modules of a place may meet.
type kernels struct {
	all []*built // nearest first, then packages that have only a copy of a vmlinux

	// unknown is why there may be kernels that were not found; unsettled has the flavors
	// whose nearest kernel is not known, and why.
	unknown   error
	unsettled map[string]string
}

// flavorOf is the flavor of an RPM with a vmlinux, "" for one without.
func flavorOf(b *built) string {
	if release := b.release(); release != "" {
		return kernel.FlavorOf(b.Name, b.dependencies(), release)
	}
	for _, t := range tokens(b.Provides) {
		flavor, _, _ := fingerprint.ParseToken(t)
		return flavor
	}
	return ""
}

// needs is what an RPM requires. OBS may leave out what it recommends.
func (b *built) needs() []rpm.Dependency { return slices.Concat(b.Requires, b.Recommends) }

// dependencies are the names of what an RPM provides and requires.
func (b *built) dependencies() iter.Seq[string] {
	return rpm.Names(slices.Concat(b.Provides, b.needs()))
}

// release is the kernelrelease of an RPM with a vmlinux, "" if it does not say.
func (b *built) release() string {
	for name, version := range rpm.Versions(b.Provides) {
		if name == "kernel-uname-r" && version != "" {
			return version
		}
	}
	return ""
}

// isMain reports whether an RPM is its flavor's kernel, and not a copy of a part of it
// like kernel-default-base.
func (b *built) isMain(flavor string) bool {
	return b.Name == "kernel-"+flavor || b.Name == "kernel" || b.Name == "kernel-core" || b.Name == "kernel-"+flavor+"-core"
}

// kernels looks for kernels in the repositories of a place's path, whichever package built
// them. If a kernel cannot be read, its flavor is unknown: modules do not meet a kernel
// farther away.
func (f *Finder) kernels(ctx context.Context, at Where) (*kernels, error) {
	path, err := f.Server.Path(ctx, at.Project, at.Repository)
	if ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	k := &kernels{unknown: err, unsettled: map[string]string{}}
	for _, e := range slices.Insert(path, 0, api.PathElement{Project: at.Project, Repository: at.Repository}) {
		w := Where{e.Project, e.Repository, at.Arch}
		all := w.of(api.WholeRepository)
		files, err := f.Server.Binaries(ctx, all)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			// What comes after it is not the nearest.
			k.unknown = fmt.Errorf("%s: %w", w, err)
			break
		}
		files = slices.DeleteFunc(files, func(b api.Binary) bool { return !kernel.IsKernelPackage(b.Name) || !mayHoldModules(b.Name) })
		if len(files) > api.MostInfos {
			k.unknown = fmt.Errorf("%s has %s RPMs named as kernels, and no more than %s are asked for", w, prose.Number(len(files)), prose.Number(api.MostInfos))
			break
		}
		var there []*built
		for _, file := range files {
			info, err := f.Server.FileInfo(ctx, all, file.Name)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				k.unsettled[kernel.FlavorOf(strings.TrimSuffix(file.Name, ".rpm"), nil, "")] = fmt.Sprintf("%s of %s cannot be read: %v", file.Name, w, err)
			default:
				there = append(there, &built{obs.Header(info), all, file.Name, nil})
			}
		}
		for _, b := range there {
			if flavorOf(b) != "" {
				k.all = append(k.all, b)
			}
		}
	}
	slices.SortStableFunc(k.all, func(a, b *built) int {
		switch af, bf := a.isMain(flavorOf(a)), b.isMain(flavorOf(b)); {
		case af && !bf:
			return -1
		case bf && !af:
			return 1
		}
		return 0
	})
	return k, f.settle(ctx, k)
}

// settle waits for kernels that are being built, or marks their flavor as unknown: what
// fits the present kernel may not fit the next.
func (f *Finder) settle(ctx context.Context, k *kernels) error {
	looked := map[string]bool{}
	for _, b := range k.all {
		flavor := flavorOf(b)
		if looked[flavor] {
			continue
		}
		looked[flavor] = true
		l, err := f.listed(ctx, b.at())
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			continue // it does not say what it builds: its kernels are taken as they are
		}
		source := b.at().of(l.of[b.Name])
		if source.Package == "" {
			continue // an aggregate
		}
		for {
			states, err := f.Server.States(ctx, b.at(), []string{source.Package})
			if err != nil {
				return fmt.Errorf("%s: %w", source, err)
			}
			s := states[source.Package]
			if !s.UnderWay() && s.Code != "blocked" {
				break
			}
			if f.Settle == nil {
				k.unsettled[flavor] = fmt.Sprintf("%s is %s", source, s.Code)
				break
			}
			f.tell("%s is %s, waiting", source, s.Code)
			if err := f.Settle(ctx); err != nil {
				return err
			}
			fresh, err := f.Server.FileInfo(ctx, b.from, b.file)
			if err != nil {
				return fmt.Errorf("%s: %w", b, err)
			}
			b.Package = obs.Header(fresh)
		}
	}
	return nil
}

// flavorFor is the flavor of the kernels that modules are for: that of their own kernel;
// else that which their package names; else that of kernels with a kernelrelease of the
// same flavor.
func (k *kernels) flavorFor(m *guard.Module) string {
	for _, b := range k.all {
		if b.release() == m.Release {
			return flavorOf(b)
		}
	}
	for _, b := range k.all {
		if guard.SameFlavor(m.Package.Flavor, m.Release, flavorOf(b), b.release()) {
			return flavorOf(b)
		}
	}
	return cmp.Or(m.Package.Flavor, kernel.Flavor(m.Release))
}

// met is the kernel of a flavor that modules will meet, nil if there is none. why
// says why it is not known.
func (k *kernels) met(flavor string) (b *built, why string) {
	if why := k.unsettled[flavor]; why != "" {
		return nil, why
	}
	for _, b := range k.all {
		if flavorOf(b) == flavor {
			return b, ""
		}
	}
	if k.unknown != nil {
		return nil, k.unknown.Error()
	}
	return nil, ""
}

// tokens are the kernel-btf(...) names of a list of dependencies.
func tokens(deps []rpm.Dependency) []string { return fingerprint.Tokens(rpm.Names(deps)) }

// tells reports whether an RPM's dependencies name bases.
func tells(b *built) bool { return len(tokens(b.needs()))+len(tokens(b.Provides)) > 0 }
