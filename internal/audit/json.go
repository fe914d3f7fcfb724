// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"io"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Schema is the version of the JSON format, documented in docs/json.md.
const Schema = 1

type document struct {
	Schema   int            `json:"schema"`
	Tool     report.Tool    `json:"tool"`
	Sources  []Source       `json:"sources"`
	Kernels  []kernelJSON   `json:"kernels"`
	Matrix   []cellJSON     `json:"matrix"`
	Rows     []rowJSON      `json:"rows"`
	Unlinked []unlinkedJSON `json:"unlinked,omitempty"`
	Findings []findingJSON  `json:"findings"`
	Since    *sinceJSON     `json:"since,omitempty"`
	Rebuilds []rebuildJSON  `json:"rebuilds"`
	Summary  map[string]int `json:"summary"`
	Notes    []string       `json:"notes,omitempty"`
	Errors   []report.Error `json:"errors"`
	Exit     int            `json:"exit"`
}

type kernelJSON struct {
	Package       string          `json:"package"`
	Source        string          `json:"source"`
	Arch          string          `json:"arch"`
	KernelRelease string          `json:"kernelrelease,omitempty"`
	Flavor        string          `json:"flavor"`
	Newest        bool            `json:"newest,omitempty"`
	Base          string          `json:"base,omitempty"`
	By            guard.Knowledge `json:"by,omitempty"`
	Built         *time.Time      `json:"built,omitempty"`
}

type cellJSON struct {
	Package       string                `json:"package"`
	Kernel        string                `json:"kernel"`
	KernelRelease string                `json:"kernelrelease,omitempty"`
	Arch          string                `json:"arch"`
	Flavor        string                `json:"flavor"`
	Newest        bool                  `json:"newest,omitempty"`
	Weak          bool                  `json:"weak,omitempty"`
	Fit           guard.Verdict         `json:"fit"`
	By            guard.Knowledge       `json:"by,omitempty"`
	Verdicts      map[guard.Verdict]int `json:"verdicts,omitempty"`
}

type rowJSON struct {
	Package  string `json:"package"`
	Arch     string `json:"arch"`
	Flavor   string `json:"flavor"`
	Fits     int    `json:"fits"`
	Misfits  int    `json:"misfits"`
	Unknown  int    `json:"unknown"`
	Unlisted int    `json:"unlisted,omitempty"`
}

type unlinkedJSON struct {
	Package       string `json:"package"`
	Kernel        string `json:"kernel"`
	KernelRelease string `json:"kernelrelease"`
	Reason        string `json:"reason"`
}

type sinceJSON struct {
	Audit string `json:"audit"`
	New   int    `json:"new"`
	Known int    `json:"known"`
	Gone  int    `json:"gone"`

	Unseen int `json:"unseen,omitempty"`
}

type findingJSON struct {
	Kind          guard.Verdict `json:"kind"`
	Known         bool          `json:"known,omitempty"`
	Fails         bool          `json:"fails"`
	Package       string        `json:"package,omitempty"`
	Source        string        `json:"source,omitempty"`
	KernelRelease string        `json:"kernelrelease,omitempty"`
	Arch          string        `json:"arch"`
	Packages      []string      `json:"packages,omitempty"`
	Reasons       []string      `json:"reasons"`
}

type rebuildJSON struct {
	KernelRelease string `json:"kernelrelease"`
	Arch          string `json:"arch"`
	From          string `json:"from"`
	To            string `json:"to"`
	FromBase      string `json:"from_base,omitempty"`
	ToBase        string `json:"to_base,omitempty"`
	Changed       bool   `json:"changed"`
}

// JSON writes the result as a document; failOn decides what fails.
func (r *Result) JSON(w io.Writer, version string, failOn []guard.Verdict) error {
	d := document{
		Schema: Schema, Tool: report.Tool{Name: "obs-btf-guard", Version: version},
		Sources: append([]Source{}, r.Sources...), Kernels: []kernelJSON{}, Matrix: []cellJSON{}, Rows: []rowJSON{},
		Findings: []findingJSON{}, Rebuilds: []rebuildJSON{}, Errors: []report.Error{},
		Summary: map[string]int{"kernels": len(r.Kernels), "modules": len(r.Modules), "pairs": r.Pairs},
		Notes:   r.Notes,
		Exit:    r.Exit(failOn),
	}
	newest := r.newest()
	for _, k := range r.Kernels {
		kj := kernelJSON{
			Package: k.Package.NEVRA, Source: k.Package.Source, Arch: k.Package.Arch,
			KernelRelease: k.Release, Flavor: k.Flavor, Newest: newest[k], Base: k.base(), By: k.Known,
		}
		if !k.Package.Built.IsZero() {
			kj.Built = &k.Package.Built
		}
		d.Kernels = append(d.Kernels, kj)
	}
	for _, w := range r.Rows {
		d.Rows = append(d.Rows, rowJSON{
			w.Modules.NEVRA, w.Modules.Arch, w.Flavor, w.Of[guard.Fits], w.Of[guard.Misfits], w.Of[guard.Undecided], w.Pairs() - len(w.Cells),
		})
		for _, c := range w.Cells {
			d.Matrix = append(d.Matrix, cellJSON{
				Package: c.Modules.NEVRA, Kernel: c.Kernel.Package.NEVRA, KernelRelease: c.Kernel.Release,
				Arch: c.Modules.Arch, Flavor: c.Kernel.Flavor, Newest: newest[c.Kernel], Weak: c.Weak, Fit: c.Fit, By: c.By, Verdicts: c.Counts,
			})
		}
	}
	if r.Apart > 0 {
		d.Summary["unlinked"] = r.Apart
	}
	for _, u := range r.Unlinked {
		d.Unlinked = append(d.Unlinked, unlinkedJSON{u.Modules.NEVRA, u.Kernel.Package.NEVRA, u.Kernel.Release, u.Why})
	}
	if r.Since != nil {
		d.Since = &sinceJSON{r.Since.What, len(r.Findings), len(r.Known), r.Since.Gone, r.Since.Unseen}
	}
	all := slices.Concat(r.Findings, r.Known) // the document is a whole snapshot
	for i, f := range all {
		known := i >= len(r.Findings)
		fj := findingJSON{Kind: f.Kind, Known: known, Fails: !known && slices.Contains(failOn, f.Kind), KernelRelease: f.Release, Arch: f.Arch, Reasons: f.Reasons}
		if f.Package != nil {
			fj.Package, fj.Source = f.Package.NEVRA, f.Package.Source
		}
		for _, p := range f.Packages {
			fj.Packages = append(fj.Packages, p.NEVRA)
		}
		d.Findings = append(d.Findings, fj)
		d.Summary[string(f.Kind)]++
	}
	if r.Since != nil {
		slices.SortStableFunc(d.Findings, func(a, b findingJSON) int { return slices.Index(Kinds, a.Kind) - slices.Index(Kinds, b.Kind) })
	}
	for _, b := range r.Changes {
		d.Rebuilds = append(d.Rebuilds, rebuildJSON{
			KernelRelease: b.To.Release, Arch: b.To.Package.Arch, From: b.From.Package.NEVRA, To: b.To.Package.NEVRA,
			FromBase: b.From.base(), ToBase: b.To.base(), Changed: b.Changed(),
		})
	}
	for _, p := range r.Problems {
		d.Errors = append(d.Errors, report.Error{Path: p.Path, Error: p.Err.Error()})
	}
	return prose.JSON(w, d)
}

// base is the fingerprint, "" where there is none.
func (k *Kernel) base() string {
	if k.Base.IsZero() {
		return ""
	}
	return k.Base.String()
}
