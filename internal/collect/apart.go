// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// tellApart finds what belongs together where an argument holds several builds of one
// kernelrelease, unpacked into folders side by side: what lies in the folder of one vmlinux
// says nothing of another. Where there is but one base, all of the argument belongs to it,
// however it was unpacked.
func tellApart(inv *guard.Inventory) {
	type lot struct { // what may be of one build
		argument      string
		origin        guard.Origin
		release, arch string
	}
	bases := map[lot][]*guard.Base{}
	for _, b := range inv.Bases {
		if b.Package == nil && b.Table != nil && !b.Origin.Named() {
			k := lot{b.Argument, b.Origin, b.Release, b.Arch}
			bases[k] = append(bases[k], b)
		}
	}
	homes := map[lot]map[string]bool{}
	for k, of := range bases {
		if slices.ContainsFunc(of, func(b *guard.Base) bool { return b.Fingerprint.Base != of[0].Fingerprint.Base }) {
			homes[k] = settle(of)
		}
	}
	for _, m := range inv.Modules {
		of := homes[lot{m.Argument, m.Origin, m.Release, m.Arch}]
		if m.Package != nil || of == nil {
			continue
		}
		home, ok := enclosing(m.Path, of)
		if !ok { // no base lies around it: it belongs to what is in its own system
			home, _ = kernel.Root(m.Path)
		}
		m.Tree = cmp.Or(home, m.Argument)
	}
}

// settle puts each base into the system that it is in, else into its folder, and returns
// these. A boot image belongs to the vmlinux of the same base in a folder around it, as in a
// build tree.
func settle(bases []*guard.Base) map[string]bool {
	same := map[fingerprint.Digest]map[string]bool{}
	for _, b := range bases {
		home, ok := kernel.Root(b.Path)
		if !ok {
			home = folder(b.Path)
		}
		b.Tree = home
		if same[b.Fingerprint.Base] == nil {
			same[b.Fingerprint.Base] = map[string]bool{}
		}
		same[b.Fingerprint.Base][home] = true
	}
	homes := map[string]bool{}
	for _, b := range bases {
		if around, ok := enclosing(b.Tree, same[b.Fingerprint.Base]); ok && b.BootImage {
			b.Tree = around
		}
		homes[b.Tree] = true
		b.Tree = cmp.Or(b.Tree, b.Argument)
	}
	return homes
}

// enclosing is the innermost of folders that a path lies in.
func enclosing(path string, folders map[string]bool) (string, bool) {
	for path != "" {
		if path = folder(path); folders[path] {
			return path, true
		}
	}
	return "", false
}

// folder is the one that a path lies in, "" for / and for the current one.
func folder(path string) string {
	if dir := filepath.Dir(path); dir != "." && dir != "/" {
		return dir
	}
	return ""
}
