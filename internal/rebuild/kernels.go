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

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// kernels is what the modules of a place may meet.
type kernels struct {
	all []*built // nearest first, before packages that have but a copy of a vmlinux

	// Beyond what was looked at there may be others; unsettled are the flavors whose
	// nearest kernel is not known, and why.
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

// dependencies are the names of what an RPM provides and requires.
func (b *built) dependencies() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, d := range slices.Concat(b.Provides, b.Requires) {
			if name, _, _ := strings.Cut(d, " = "); !yield(name) {
				return
			}
		}
	}
}

// release is the kernelrelease of an RPM with a vmlinux, "" if it does not say.
func (b *built) release() string {
	for _, d := range b.Provides {
		if release, ok := strings.CutPrefix(d, "kernel-uname-r = "); ok {
			return release
		}
	}
	return ""
}

// isMain reports whether an RPM is its flavor's kernel, and no copy of a part of
// it as kernel-default-base is.
func (b *built) isMain(flavor string) bool {
	return b.Name == "kernel-"+flavor || b.Name == "kernel" || b.Name == "kernel-core" || b.Name == "kernel-"+flavor+"-core"
}

// kernels looks for kernels in the repositories of a place's path, whoever built
// them. One of which nothing can be learned leaves its flavor unknown, since a
// kernel farther away is not the one that is met.
func (f *Finder) kernels(ctx context.Context, p *Plan, at Where) (*kernels, error) {
	path, err := f.Server.Path(ctx, at)
	if len(path) == 0 || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	k := &kernels{unknown: err, unsettled: map[string]string{}}
	for _, w := range path {
		files, err := f.Server.Files(ctx, w, Repository)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			// What is behind it is not nearest.
			k.unknown = fmt.Errorf("%s: %w", w, err)
			break
		}
		files = slices.DeleteFunc(files, func(file string) bool { return !kernel.IsKernelPackage(file) || !mayHoldModules(file) })
		if len(files) > api.MostInfos {
			k.unknown = fmt.Errorf("%s has %s RPMs named as kernels, and no more than %s are asked for", w, prose.Number(len(files)), prose.Number(api.MostInfos))
			break
		}
		var there []*built
		for _, file := range files {
			b, err := f.Server.Binary(ctx, w, Repository, file)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				k.unsettled[kernel.FlavorOf(strings.TrimSuffix(file, ".rpm"), nil, "")] = fmt.Sprintf("%s of %s cannot be read: %v", file, w, err)
			default:
				there = append(there, &built{b, w, Repository, file, nil})
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

// settle waits for kernels that are being built, or leaves their flavor unknown:
// what fits the kernel of today may not fit that of tomorrow.
func (f *Finder) settle(ctx context.Context, k *kernels) error {
	looked := map[string]bool{}
	for _, b := range k.all {
		flavor := flavorOf(b)
		if looked[flavor] {
			continue
		}
		looked[flavor] = true
		l, err := f.listed(ctx, b.at)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			continue // a place that does not say what it builds: what it offers is taken as it is
		}
		pkg := l.of[b.Name]
		if pkg == "" {
			continue // an aggregate
		}
		for {
			states, err := f.Server.States(ctx, b.at, []string{pkg})
			if err != nil {
				return fmt.Errorf("%s/%s: %w", b.at, pkg, err)
			}
			s := states[pkg]
			if !s.UnderWay() && s.Code != "blocked" {
				break
			}
			if f.Settle == nil {
				k.unsettled[flavor] = fmt.Sprintf("%s/%s is %s", b.at, pkg, s.Code)
				break
			}
			f.tell("%s/%s is %s, waiting", b.at, pkg, s.Code)
			if err := f.Settle(ctx); err != nil {
				return err
			}
			fresh, err := f.Server.Binary(ctx, b.at, Repository, b.file)
			if err != nil {
				return fmt.Errorf("%s: %w", b, err)
			}
			b.Binary = fresh
		}
	}
	return nil
}

// flavorFor is the flavor of the kernels that modules are for: that of their own one;
// else what their package names; else that of kernels whose kernelreleases have their
// flavor.
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
func tokens(deps []string) []string {
	return fingerprint.Tokens(func(yield func(string) bool) {
		for _, d := range deps {
			if name, _, _ := strings.Cut(d, " = "); !yield(name) {
				return
			}
		}
	})
}

// tells reports whether an RPM's dependencies name bases.
func tells(b *built) bool { return len(tokens(b.Requires))+len(tokens(b.Provides)) > 0 }
