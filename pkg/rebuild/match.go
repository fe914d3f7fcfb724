// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// match holds the module packages of a place against the kernels on its path,
// nearest first.
func (f *Finder) match(ctx context.Context, p *Plan, at Where, kernels, modules []*built) error {
	var silent []*built // their metadata does not tell
	for _, m := range modules {
		required := tokens(m.Requires)
		if len(required) == 0 {
			silent = append(silent, m)
		}
		for _, token := range required {
			met, known := nearest(kernels, token)
			switch {
			case met == nil:
				p.note("%s requires %s, and no kernel of that flavor is built at %s or on its path", m, token, at)
			case !known:
				silent = append(silent, m)
			case !slices.Contains(tokens(met.Provides), token):
				p.add(at, m.pkg, fmt.Sprintf("%s was built on base %s; that of %s is %s",
					m.file, short([]string{token}), met, short(tokens(met.Provides))))
			}
		}
	}
	return f.judge(ctx, p, at, kernels, silent)
}

// short names the bases of tokens as people tell them apart.
func short(tokens []string) string {
	var out []string
	for _, t := range tokens {
		flavor, base, _ := fingerprint.ParseToken(t)
		out = append(out, base.Short()+" ("+flavor+")")
	}
	return strings.Join(out, ", ")
}

// nearest finds the kernel of a token's flavor that is met: the first on the
// path. known is false if its metadata does not tell its base.
func nearest(kernels []*built, token string) (kernel *built, known bool) {
	flavor, _, _ := fingerprint.ParseToken(token)
	for _, k := range kernels {
		for _, t := range tokens(k.Provides) {
			if f, _, _ := fingerprint.ParseToken(t); f == flavor {
				return k, true
			}
		}
		if k.Name == "kernel-"+flavor {
			return k, false
		}
	}
	return nil, false
}

// judge downloads packages whose metadata says nothing and judges what is in
// them, first alone: most have no module that needs a base.
func (f *Finder) judge(ctx context.Context, p *Plan, at Where, kernels, silent []*built) error {
	var paths []string
	of := map[string]*built{}
	for _, m := range silent {
		if !mayNeedBase(m) {
			continue
		}
		f.tell("downloading %s", m)
		path, err := f.Server.Fetch(ctx, m.at, m.pkg, m.file, f.Dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
		if of[path] == nil {
			paths = append(paths, path)
			of[path] = m
		}
	}
	if len(paths) == 0 {
		return nil
	}
	inv, err := guard.Collect(ctx, guard.Sources{Paths: paths})
	if err != nil {
		return err
	}
	needs := map[string]bool{}
	for _, m := range inv.Modules {
		if len(m.BTF) > 0 || m.Err != nil {
			needs[m.Package.Path] = true
		}
	}
	for _, problem := range inv.Problems {
		p.note("%v", problem)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return !needs[path] })
	if len(paths) == 0 {
		return nil
	}
	met := kernelsOf(kernels, inv)
	for _, k := range met {
		f.tell("downloading %s", k)
		path, err := f.Server.Fetch(ctx, k.at, k.pkg, k.file, f.Dir)
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		of[path] = k
		paths = append(paths, path)
	}
	return f.weigh(ctx, p, at, paths, of)
}

// mayNeedBase reports whether an RPM may have modules. Kernels' generators say
// which ones (kmod(...)); without them, its name has to do.
func mayNeedBase(m *built) bool {
	if kernel.IsModulePackage(m.Name) || slices.ContainsFunc(m.Provides, func(d string) bool { return strings.HasPrefix(d, "kmod(") }) {
		return true
	}
	return kernel.IsKernelPackage(m.Name) && slices.ContainsFunc([]string{"-extra", "-optional", "-base", "-modules"},
		func(part string) bool { return strings.Contains(m.Name, part) })
}

// kernelsOf picks the nearest kernel of each flavor that modules were built for.
func kernelsOf(kernels []*built, inv *guard.Inventory) []*built {
	var out []*built
	names := map[string]bool{}
	for _, k := range kernels {
		if !names[k.Name] {
			names[k.Name] = true
			out = append(out, k)
		}
	}
	return slices.DeleteFunc(out, func(k *built) bool {
		flavor, ok := strings.CutPrefix(k.Name, "kernel-")
		return ok && !slices.ContainsFunc(inv.Modules, func(m *guard.Module) bool { return strings.HasSuffix(m.Release, "-"+flavor) })
	})
}

// weigh judges downloaded packages and plans those whose modules do not fit.
func (f *Finder) weigh(ctx context.Context, p *Plan, at Where, paths []string, of map[string]*built) error {
	inv, err := guard.Collect(ctx, guard.Sources{Paths: paths})
	if err != nil {
		return err
	}
	res, err := guard.Judge(ctx, inv)
	if err != nil {
		return err
	}
	for _, problem := range res.Problems {
		p.note("%v", problem)
	}
	bad := map[*guard.Package][]guard.Finding{}
	var order []*guard.Package
	for _, finding := range res.Findings {
		if pkg := finding.Module.Package; finding.Severity == guard.Fail {
			if bad[pkg] == nil {
				order = append(order, pkg)
			}
			bad[pkg] = append(bad[pkg], finding)
		}
	}
	for _, pkg := range order {
		first := bad[pkg][0]
		if b := of[pkg.Path]; b.at != at {
			p.note("the modules in %s do not fit their own vmlinux", b)
			continue
		}
		why := fmt.Sprintf("%s: %s is %s", of[pkg.Path].file, first.Module.Name, first.Verdict)
		if first.Base != nil {
			why += " on the vmlinux of " + first.Base.Label()
		}
		if n := len(bad[pkg]) - 1; n > 0 {
			why += fmt.Sprintf(", and %d more", n)
		}
		p.add(at, of[pkg.Path].pkg, why)
	}
	return nil
}
