// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// Batch is what the history of a team remembers of a report: the kernels that it and
// the reports before it knew, and how modules were judged. Reports of programs that
// wrote no header digests have nothing to remember.
func (d *Document) Batch() history.Batch {
	b := history.Batch{Builds: slices.Clone(d.History), Partly: map[string]bool{}}
	for _, k := range b.Builds {
		b.Partly[k.Digest] = true // a vmlinux without .BTF is not in a report's history
	}
	type place struct{ pkg, side string }
	digests := map[place]string{}
	for _, p := range d.Packages {
		if at := (place{p.Package, p.Side}); digests[at] == "" {
			digests[at] = p.Digest
			b.Modules = append(b.Modules, p.RPM)
		}
	}
	counts := map[history.Outcome]int{}
	for _, v := range d.Verdicts {
		o := history.Outcome{
			Judged:  history.Judged{Digest: digests[place{v.Package, v.Side}], Pairing: string(v.Pairing)},
			Verdict: string(v.Verdict), Severity: string(v.Severity),
		}
		if v.Base != nil {
			o.Fingerprint = *v.Base
		}
		o.Base = digests[place{v.BasePackage, d.sideOf(v.BasePackage, v.BasePath, o.Fingerprint)}]
		if o.Digest != "" {
			counts[o]++
		}
	}
	for o, n := range counts {
		o.Modules = n
		b.Outcomes = append(b.Outcomes, o)
	}
	return b
}

// sideOf is the side of a vmlinux.
func (d *Document) sideOf(pkg, path string, base fingerprint.Digest) string {
	for _, b := range d.Bases {
		if b.Package == pkg && b.Path == path && (b.Fingerprint == nil || *b.Fingerprint == base) {
			return b.Side
		}
	}
	return ""
}
