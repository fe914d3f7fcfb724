// SPDX-License-Identifier: Apache-2.0

// Package report writes what the guard found: [Text] for people, [JSON] for
// machines.
package report

import (
	"encoding/json"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Schema is the version of the JSON format, documented in docs/json.md. Fields
// may be added to a schema and are never renamed.
const Schema = 1

// Document is the whole JSON report.
type Document struct {
	Schema   int            `json:"schema"`
	Tool     Tool           `json:"tool"`
	Bases    []Base         `json:"bases"`
	Verdicts []Verdict      `json:"verdicts"`
	Summary  map[string]int `json:"summary"`
	Errors   []Error        `json:"errors"`
	Exit     int            `json:"exit"`
}

// Tool names the program that wrote a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Base is a vmlinux.
type Base struct {
	Package       string              `json:"package,omitempty"`
	Path          string              `json:"path"`
	Arch          string              `json:"arch,omitempty"`
	KernelRelease string              `json:"kernelrelease,omitempty"`
	Flavor        string              `json:"flavor,omitempty"`
	Fingerprint   *fingerprint.Digest `json:"fingerprint,omitempty"` // absent without .BTF
	Types         *fingerprint.Digest `json:"types,omitempty"`
	Strings       *fingerprint.Digest `json:"strings,omitempty"`
	TypeCount     uint32              `json:"type_count"` // void not counted
	StringBytes   uint32              `json:"string_bytes"`
}

// Verdict is one module on one base.
type Verdict struct {
	Pairing       guard.Pairing       `json:"pairing"`
	Module        string              `json:"module"`
	Package       string              `json:"package,omitempty"`
	Path          string              `json:"path"`
	Arch          string              `json:"arch,omitempty"`
	KernelRelease string              `json:"kernelrelease,omitempty"`
	Side          string              `json:"side"`
	Base          *fingerprint.Digest `json:"base,omitempty"`
	BasePackage   string              `json:"base_package,omitempty"`
	BasePath      string              `json:"base_path,omitempty"`
	Verdict       guard.Verdict       `json:"verdict"`
	Severity      guard.Severity      `json:"severity"`
	Basis         guard.Basis         `json:"basis,omitempty"`
	Kernel        *Kernel             `json:"kernel,omitempty"`
	Reasons       []string            `json:"reasons"`
	Consequence   string              `json:"consequence"`
}

// Kernel is what the kernel would do.
type Kernel struct {
	Version string   `json:"version"`
	Accepts bool     `json:"accepts"`
	Errno   int      `json:"errno"`
	Log     []string `json:"log"`
	Hidden  []string `json:"hidden,omitempty"`
}

// Error is something that could not be read or judged.
type Error struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// NewDocument turns a result into the JSON report's form.
func NewDocument(r *guard.Result, version string) *Document {
	d := &Document{
		Schema: Schema, Tool: Tool{"obs-btf-guard", version},
		Bases: []Base{}, Verdicts: []Verdict{}, Errors: []Error{},
		Summary: map[string]int{"modules": r.Modules()},
		Exit:    r.Exit(),
	}
	for _, b := range r.Bases {
		d.Bases = append(d.Bases, newBase(b))
	}
	for _, f := range r.Findings {
		d.Verdicts = append(d.Verdicts, newVerdict(f))
		d.Summary[string(f.Verdict)]++
	}
	for _, p := range r.Problems {
		d.Errors = append(d.Errors, Error{p.Path, p.Err.Error()})
	}
	return d
}

// JSON writes the document with one line for each of its small parts.
func (d *Document) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(d)
}

func newBase(b *guard.Base) Base {
	out := Base{
		Path: b.Path, Package: nevra(b.Package),
		Arch: b.Arch, KernelRelease: b.Release, Flavor: b.Flavor,
	}
	if f := b.Fingerprint; !f.Base.IsZero() {
		out.Fingerprint, out.Types, out.Strings = &f.Base, &f.Types, &f.Strings
	}
	if b.Table != nil {
		out.TypeCount = uint32(b.Table.Len())
		out.StringBytes = b.Table.EndString()
	}
	return out
}

func newVerdict(f guard.Finding) Verdict {
	m := f.Module
	v := Verdict{
		Pairing: f.Pairing, Module: m.Name, Package: nevra(m.Package), Path: m.Path,
		Arch: m.Arch, KernelRelease: m.Release, Side: "new",
		Verdict: f.Verdict, Severity: f.Severity, Basis: f.Basis,
		Reasons: f.Reasons, Consequence: f.Consequence,
	}
	if v.Reasons == nil {
		v.Reasons = []string{}
	}
	if m.Origin == guard.Against {
		v.Side = "against"
	}
	if f.Base != nil {
		v.BasePackage, v.BasePath = nevra(f.Base.Package), f.Base.Path
		if fp := f.Base.Fingerprint.Base; !fp.IsZero() {
			v.Base = &fp
		}
	}
	if k := f.Kernel; k != nil {
		v.Kernel = &Kernel{k.Version, k.Accepts, k.Errno, k.Log, k.Hidden}
		if v.Kernel.Log == nil {
			v.Kernel.Log = []string{}
		}
	}
	return v
}

func nevra(p *guard.Package) string {
	if p == nil {
		return ""
	}
	return p.NEVRA
}
