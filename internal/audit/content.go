// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// content reads the packages whose metadata does not tell, kernel by kernel: the modules
// of all kernels at once would not fit into memory.
func (a *audit) content(ctx context.Context) error {
	for _, p := range a.packages {
		p.content = map[string]*guard.Content{}
	}
	groups := map[guard.KernelID][]*Package{}
	seen := map[any]bool{} // copies may be recognized only now
	copies := map[*Package]bool{}
	links := a.newLinker()
	for _, p := range a.packages {
		doubtful := !p.silent() && (links.doubts(p) || a.mayBeWider(p))
		if !p.silent() && !doubtful || !a.look(ctx, p) {
			continue
		}
		type place struct {
			file              fileID
			whole, repository string
		}
		at := place{p.fileID(), p.whole, p.repository}
		if seen[at] {
			copies[p] = true
			continue
		}
		seen[at] = true
		if !p.silent() && !(doubtful && (p.mayOutlive() || a.mayBeWider(p))) {
			continue // its header told more than OBS
		}
		for _, r := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(p.vmlinux, p.modules)))) {
			id := guard.KernelID{Release: r, Arch: p.arch()}
			groups[id] = append(groups[id], p)
		}
	}
	a.packages = slices.DeleteFunc(a.packages, func(p *Package) bool { return copies[p] })
	a.listKernels()
	for len(groups) > 0 {
		id := slices.MinFunc(slices.Collect(maps.Keys(groups)), compareIDs)
		packages := groups[id]
		delete(groups, id)
		if err := a.group(ctx, id, slices.Clone(packages)); err != nil {
			return err
		}
		for _, p := range packages {
			if at := (guard.KernelID{Release: id.Release, Arch: p.arch()}); at != id {
				groups[at] = append(groups[at], p)
			}
		}
	}
	a.listKernels()
	return ctx.Err()
}

// listKernels lists the kernels anew: a package that was fetched may turn out to have
// other kernels, or none.
func (a *audit) listKernels() {
	a.res.Kernels = nil
	for _, p := range a.packages {
		a.res.Kernels = append(a.res.Kernels, p.kernels...)
	}
}

func compareIDs(x, y guard.KernelID) int {
	return cmp.Or(strings.Compare(x.Release, y.Release), strings.Compare(x.Arch, y.Arch))
}

// get makes sure that a package lies in a file and that its file list is known.
func (a *audit) get(ctx context.Context, p *Package) bool {
	if p.missing || p.file != "" {
		return !p.missing
	}
	p.missing = true
	file, err := p.fetch(ctx)
	if err != nil {
		a.problem(p.Source, err)
		return false
	}
	r, err := collect.OpenRPM(file)
	if err != nil {
		a.problem(p.Source, fmt.Errorf("%s: %w", p, regular.WithoutPath(err)))
		return false
	}
	defer r.Close()
	if got := plainEpoch(r.Package).NEVRA(); got != p.NEVRA {
		a.problem(p.Source, fmt.Errorf(otherFile, p, got))
		return false
	}
	remembered, before := p.listed, p.digest
	p.list(r.Package)
	p.findKernels()
	if key := p.fileKey(); !remembered || p.digest != before {
		a.keep(key, shipped{p.digest, p.Requires, p.named, p.vmlinux, p.modules, p.outlives})
	}
	if remembered && p.digest != before {
		// The matrix is already filled with what it was taken for.
		a.problem(p.Source, fmt.Errorf(otherPackage, p))
		return false
	}
	p.missing, p.file = false, file
	return true
}

// obtain makes sure that a package can be read: from a file, or from what the cache has of
// the same file.
func (a *audit) obtain(ctx context.Context, p *Package) bool {
	if p.file == "" && a.look(ctx, p) && a.isKept(p) {
		return true
	}
	return a.get(ctx, p)
}

// isKept reports whether the cache has what was read of a package that is not at hand.
func (a *audit) isKept(p *Package) bool {
	if a.Cache == nil || p.file != "" {
		return false
	}
	digest, ok := p.headerDigest()
	return ok && a.Cache.Has(digest)
}

// headerDigest is that of the package's header, if it is known.
func (p *Package) headerDigest() (string, bool) { return strings.CutPrefix(p.digest, "header:") }

// group reads the silent packages of one kernelrelease and checks their modules against
// its kernels.
func (a *audit) group(ctx context.Context, id guard.KernelID, silent []*Package) error {
	m := a.membersOf(id, silent)
	key := m.key(id)
	var o kept
	if a.recall(key, &o) && a.apply(o, m, id.Release) {
		return nil
	}
	silent = slices.DeleteFunc(silent, func(p *Package) bool { return !a.obtain(ctx, p) })
	read, twins := once(silent)
	a.tell("reading %s of %s (%s)", prose.Several(len(read), "package"), id.Release, id.Arch)
	inv, of, err := a.collect(ctx, read)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(silent, func(p *Package) bool { return p.isFor(inv, of) }) {
		silent = slices.DeleteFunc(silent, func(p *Package) bool { return p.arch() != id.Arch })
		return a.group(ctx, id, silent) // without those of another architecture
	}
	if needBase(inv, id.Release) {
		// Then the kernels are needed as well.
		if packages := a.withKernels(ctx, id, silent); len(packages) > len(silent) {
			read, twins = once(packages)
			if inv, of, err = a.collect(ctx, read); err != nil {
				return err
			}
		}
	}
	learn(inv, of)
	res, err := guard.Judge(ctx, inv, guard.Options{})
	if err != nil {
		return err
	}
	well := a.take(res, of, id.Release)
	said := remarks(res, of)
	for _, m := range said {
		a.remark(m)
	}
	a.share(twins, id.Release)
	if a.Memory != nil {
		a.Memory.Record(inv, res)
		// What failed may succeed another time, and is reported each time.
		if well && !slices.ContainsFunc(m, func(p *Package) bool { return p.missing }) {
			a.keep(key, a.keptOf(m, id.Release, said))
		}
	}
	return nil
}

// withKernels is the packages with those of the kernels that their modules can meet.
func (a *audit) withKernels(ctx context.Context, id guard.KernelID, packages []*Package) []*Package {
	out := slices.Clone(packages)
	for _, k := range a.kernelsFor(id, packages) {
		if !slices.Contains(out, k.Package) && a.obtain(ctx, k.Package) {
			out = append(out, k.Package)
		}
	}
	return out
}

// learn notes the bases and symbols of the kernels that were read. A token that the content
// contradicts is a finding of its own.
func learn(inv *guard.Inventory, of map[string]*Package) {
	for _, b := range inv.Bases {
		k := packageOf(of, b.Package).kernel(b.Release)
		if k == nil {
			continue
		}
		k.Allow = b.Allow
		if k.Known == guard.Unknown || k.Base != b.Fingerprint.Base {
			k.Base, k.Known = b.Fingerprint.Base, guard.ByContent // zero without BTF
		}
		if k.Symbols == nil {
			k.Symbols = inv.SymbolsOf(b)
		} else {
			k.Symbols = k.Symbols.With(inv.SymbolsOf(b)) // a symvers has those of other packages, too
		}
	}
}

// kernelsFor lists the kernels that modules of a kernelrelease can meet: those of the
// kernelrelease or, if there is none, those of its flavor; and those that weak-modules may
// link the modules of the packages into.
func (a *audit) kernelsFor(id guard.KernelID, packages []*Package) []*Kernel {
	var own, others []*Kernel
	for _, k := range a.res.Kernels {
		switch {
		case k.id() == id:
			own = append(own, k)
		case k.id().Arch == id.Arch && slices.ContainsFunc(packages, func(p *Package) bool { return guard.SameFlavor(p.flavor, id.Release, k.Flavor, k.Release) }):
			others = append(others, k)
		}
	}
	if own == nil {
		return others
	}
	l := a.newLinker()
	for _, p := range packages {
		for _, k := range l.weakKernels(p) {
			if !slices.Contains(own, k) {
				own = append(own, k)
			}
		}
	}
	return own
}

// fileID identifies a file that is to be read.
type fileID struct {
	digest string
	size   int64
}

func (p *Package) fileID() fileID { return fileID{p.digest, p.size} }

// once splits packages into those to read and their twins: the same file in another
// repository.
func once(packages []*Package) (first []*Package, twins map[*Package][]*Package) {
	twins = map[*Package][]*Package{}
	of := map[fileID]*Package{}
	for _, p := range packages {
		if f := of[p.fileID()]; f != nil {
			twins[f] = append(twins[f], p)
			continue
		}
		of[p.fileID()] = p
		first = append(first, p)
	}
	return first, twins
}

// share copies to twins what was found in the package that was read for them.
func (a *audit) share(twins map[*Package][]*Package, release string) {
	for p, others := range twins {
		for _, o := range others {
			o.missing = p.missing
			for _, k := range o.kernels {
				if read := p.kernel(k.Release); read != nil {
					k.Base, k.Known, k.Allow = read.Base, read.Known, read.Allow
					for _, q := range a.packages {
						if c := q.content[release]; c != nil && c.On[&read.Vmlinux] != nil {
							c.On[&k.Vmlinux] = c.On[&read.Vmlinux]
						}
					}
				}
			}
		}
	}
	for p, others := range twins {
		for _, o := range others {
			if c := p.content[release]; c != nil {
				o.content[release] = c
			}
		}
	}
}

// needBase reports whether the verdict on a module of the kernelrelease depends on
// the base.
func needBase(inv *guard.Inventory, release string) bool {
	return slices.ContainsFunc(inv.Modules, func(m *guard.Module) bool { return m.Release == release && m.ReadsBase() })
}

// collect reads packages; the map has them by their paths in the inventory. A package that
// the cache has lost meanwhile is fetched.
func (a *audit) collect(ctx context.Context, packages []*Package) (*guard.Inventory, map[string]*Package, error) {
	for {
		sources, of := a.sources(packages)
		inv, err := collect.Read(ctx, sources)
		if err != nil {
			return nil, nil, err
		}
		whole := true
		for _, p := range inv.Problems {
			if errors.Is(p.Err, collect.ErrForgotten) {
				whole = false
				a.get(ctx, of[p.Path])
			}
		}
		if whole {
			return inv, of, nil
		}
		packages = slices.DeleteFunc(slices.Clone(packages), func(p *Package) bool { return p.missing })
	}
}

// sources are the packages to read, by their paths in the inventory as well.
func (a *audit) sources(packages []*Package) (collect.Sources, map[string]*Package) {
	sources := collect.Packages()
	sources.Cache = a.Cache
	of := map[string]*Package{}
	for _, p := range packages {
		if p.file == "" {
			digest, _ := p.headerDigest()
			sources.Remembered = append(sources.Remembered, collect.Remembered{Path: p.place, Digest: digest})
			of[p.place] = p
			continue
		}
		path := p.file
		if real, err := filepath.EvalSymlinks(path); err == nil { // as Collect does
			path = real
		}
		sources.Paths = append(sources.Paths, path)
		of[path] = p
	}
	return sources, of
}

// packageOf finds our package for one that was read, nil if there is none.
func packageOf(of map[string]*Package, p *guard.Package) *Package {
	if p == nil {
		return nil
	}
	return of[p.Path]
}

// kernel finds the kernel of a kernelrelease in a package.
func (p *Package) kernel(release string) *Kernel {
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.kernels, func(k *Kernel) bool { return k.Release == release })
	if i < 0 {
		return nil
	}
	return p.kernels[i]
}

// take keeps what was found for one kernelrelease; well reports whether everything was
// read and no package contradicts itself.
func (a *audit) take(res *guard.Result, of map[string]*Package, release string) (well bool) {
	well = true
	for _, problem := range res.Problems {
		if nv := (*guard.NoVmlinux)(nil); errors.As(problem.Err, &nv) {
			continue // it is a finding here
		}
		well = false
		if p := of[problem.Path]; p != nil {
			problem.Path, p.missing = p.place, true
		}
		if !slices.ContainsFunc(a.res.Problems, func(q guard.Problem) bool { return q.Error() == problem.Error() }) {
			a.res.Problems = append(a.res.Problems, problem)
		}
	}
	contents := guard.Contents(res.Findings, func(b *guard.Base) *guard.Vmlinux {
		if k := packageOf(of, b.Package).kernel(b.Release); k != nil {
			return &k.Vmlinux
		}
		return nil
	})
	for pkg, content := range contents {
		if p, c := packageOf(of, pkg), content[release]; p != nil && c != nil {
			p.content[release] = c
		}
	}
	for _, u := range res.Unlinked {
		p, k := packageOf(of, u.Package), packageOf(of, u.Base.Package).kernel(u.Base.Release)
		if p == nil || k == nil || u.Release != release || p.content[release] == nil {
			continue
		}
		c := p.content[release]
		if c.Apart == nil {
			c.Apart = map[*guard.Vmlinux]string{}
		}
		c.Apart[&k.Vmlinux] = u.Why
	}
	for _, l := range res.Labels {
		if p := packageOf(of, l.Package); p != nil && l.Verdict == guard.Mislabeled {
			well = false
			f := Finding{Kind: guard.Mislabeled, Package: p, Arch: p.Arch, Reasons: l.Reasons}
			if !slices.ContainsFunc(a.res.Findings, func(g Finding) bool { return g.Kind == f.Kind && g.Package == p }) {
				a.res.Findings = append(a.res.Findings, f)
			}
		}
	}
	return well
}
