// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Memory keeps from run to run what was found in packages, so that none is downloaded and
// read twice. It has no errors: what it cannot keep or recall is read again.
type Memory interface {
	// Recall returns the JSON that was kept under a key, nil if there is none. What
	// another program or another version of this one kept does not count.
	Recall(key string) []byte
	Keep(key string, value []byte)
	// Record notes what was read and judged, for the history of kernels.
	Record(inv *guard.Inventory, res *guard.Result)
}

// recall reads what was kept under a key into v.
func (a *audit) recall(key string, v any) bool {
	if a.Memory == nil || key == "" {
		return false
	}
	a.one.Lock()
	value := a.Memory.Recall(key)
	a.one.Unlock()
	return value != nil && json.Unmarshal(value, v) == nil
}

func (a *audit) keep(key string, v any) {
	if a.Memory == nil || key == "" {
		return
	}
	if value, err := json.Marshal(v); err == nil {
		a.one.Lock()
		defer a.one.Unlock()
		a.Memory.Keep(key, value)
	}
}

// shipped is what a package's header says, for a package that was not downloaded.
type shipped struct {
	Digest           string // of the header
	Requires         []string
	Named            map[string][]string // see guard.Cargo
	Vmlinux, Modules []string
	Outlives         bool // some modules may be linked into other kernels
}

// fileKey is the key for a package that was not downloaded, "" if nothing identifies
// its file.
func (p *Package) fileKey() string {
	if p.file != "" || p.known == "" {
		return ""
	}
	return "package " + p.known + " " + p.NEVRA
}

// look makes sure that a package's file list is known: from what was kept of the same
// file, else from the file.
func (a *audit) look(ctx context.Context, p *Package) bool {
	if p.listed || p.missing {
		return !p.missing
	}
	var s shipped
	if a.recall(p.fileKey(), &s) {
		p.ships(s)
		p.findKernels()
		return true
	}
	return a.get(ctx, p)
}

// kept is what came of reading and judging the packages of one kernelrelease.
// Packages are numbered as membersOf lists them.
type kept struct {
	Bases    []keptBase
	Contents []keptContent
	Remarks  []keptRemark
}

type keptRemark struct {
	Package int
	Release string
	Kind    guard.Verdict
	Reasons []string
}

type keptBase struct {
	Package int
	Release string
	Base    string          // "" without BTF
	Symbols *kernel.Symvers // nil where they are not known
}

type keptContent struct {
	Package int
	Bound   bool
	Alone   guard.Counts
	On      []keptCell
}

type keptCell struct {
	Package int
	Release string       // of the kernel in it
	Allow   verify.Allow // its own
	Counts  guard.Counts
	Apart   string // see guard.Content
}

// members are the packages that can matter to a kernelrelease: those to be read for it,
// and those with another kernel that its modules can meet.
type members []*Package

func (a *audit) membersOf(id guard.KernelID, silent []*Package) members {
	all := slices.SortedFunc(slices.Values(silent), func(p, q *Package) int { return strings.Compare(p.digest, q.digest) })
	for _, k := range a.kernelsFor(id, silent) {
		if !slices.Contains(all, k.Package) {
			all = append(all, k.Package)
		}
	}
	return all
}

// key names all that the answers depend on: the headers of the packages to be read, which
// have the digests of the payloads; size and time of the files, since a damaged file has
// the same header; and what the metadata of the others says.
func (m members) key(id guard.KernelID) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", id.Release, id.Arch)
	for _, p := range m {
		fmt.Fprintf(h, "%q %d %d %q\n", p.digest, p.size, p.changed, p.id())
	}
	return "audit facts " + hex.EncodeToString(h.Sum(nil))
}

// apply takes over what was kept; false if it is of other packages.
func (a *audit) apply(o kept, m members, release string) bool {
	pkg := func(i int) *Package {
		if i < 0 || i >= len(m) {
			return nil
		}
		return m[i]
	}
	bases := make([]fingerprint.Digest, len(o.Bases))
	for i, b := range o.Bases {
		d, err := fingerprint.Parse(b.Base)
		if pkg(b.Package).kernel(b.Release) == nil || b.Base != "" && err != nil {
			return false
		}
		bases[i] = d
	}
	contents := make([]*guard.Content, len(o.Contents))
	for i, c := range o.Contents {
		if pkg(c.Package) == nil {
			return false
		}
		contents[i] = &guard.Content{Bound: c.Bound, Alone: c.Alone, On: map[*guard.Vmlinux]guard.Counts{}, Apart: map[*guard.Vmlinux]string{}, By: guard.ByHistory}
		for _, on := range c.On {
			k := pkg(on.Package).kernel(on.Release)
			if k == nil {
				return false
			}
			k.Allow = on.Allow
			if on.Apart == "" {
				contents[i].On[&k.Vmlinux] = on.Counts
			} else {
				contents[i].Apart[&k.Vmlinux] = on.Apart
			}
		}
	}
	for _, r := range o.Remarks {
		if pkg(r.Package) == nil {
			return false
		}
	}
	for _, r := range o.Remarks {
		a.remark(&Finding{Kind: r.Kind, Package: m[r.Package], Release: r.Release, Arch: m[r.Package].Arch, Reasons: r.Reasons})
	}
	for i, b := range o.Bases {
		k := m[b.Package].kernel(b.Release)
		k.Base, k.Known, k.Symbols = bases[i], guard.ByHistory, b.Symbols
	}
	for i, c := range o.Contents {
		m[c.Package].content[release] = contents[i]
	}
	return true
}

// keptOf collects what was found for a kernelrelease.
func (a *audit) keptOf(m members, release string, said []*Finding) kept {
	var o kept
	for _, r := range said {
		if i := slices.Index(m, r.Package); i >= 0 {
			o.Remarks = append(o.Remarks, keptRemark{i, r.Release, r.Kind, r.Reasons})
		}
	}
	for i, p := range m {
		for _, k := range p.kernels {
			if k.Known == guard.ByContent {
				base := ""
				if !k.Base.IsZero() {
					base = k.Base.String()
				}
				o.Bases = append(o.Bases, keptBase{i, k.Release, base, k.Symbols})
			}
		}
		c := p.content[release]
		if c == nil {
			continue
		}
		kc := keptContent{Package: i, Bound: c.Bound, Alone: c.Alone}
		for j, q := range m {
			for _, k := range q.kernels {
				if counts := c.On[&k.Vmlinux]; counts != nil {
					kc.On = append(kc.On, keptCell{j, k.Release, k.Allow, counts, ""})
				} else if why := c.Apart[&k.Vmlinux]; why != "" {
					kc.On = append(kc.On, keptCell{j, k.Release, k.Allow, nil, why})
				}
			}
		}
		o.Contents = append(o.Contents, kc)
	}
	return o
}
