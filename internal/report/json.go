// SPDX-License-Identifier: Apache-2.0

// Package report writes what the guard found: [Text] for people, [Log] for a build's
// log, a [Document] for machines.
package report

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Schema is the version of the JSON format, documented in docs/json.md. Fields
// may be added to a schema and are never renamed.
const Schema = 1

// Document is the whole JSON report.
type Document struct {
	Schema   int             `json:"schema"`
	Tool     Tool            `json:"tool"`
	Bases    []Base          `json:"bases"`
	Verdicts []Verdict       `json:"verdicts"`
	Labels   []Label         `json:"labels"`
	Changes  []Change        `json:"changes"`
	Remakes  []Remake        `json:"rebuild"`
	Hook     *Hook           `json:"hook,omitempty"`
	Packages []Package       `json:"packages"`
	History  []history.Build `json:"history,omitempty"`
	Summary  map[string]int  `json:"summary"`
	Errors   []Error         `json:"errors"`
	Exit     int             `json:"exit"`
}

// Tool names the program that wrote a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Package is where modules or a vmlinux come from.
type Package struct {
	Side string `json:"side"`
	history.RPM
}

// Base is a vmlinux.
type Base struct {
	Side          string              `json:"side,omitempty"`
	Package       string              `json:"package,omitempty"`
	Path          string              `json:"path"`
	Arch          string              `json:"arch,omitempty"`
	KernelRelease string              `json:"kernelrelease,omitempty"`
	Flavor        string              `json:"flavor,omitempty"`
	Newest        bool                `json:"newest,omitempty"`
	Fingerprint   *fingerprint.Digest `json:"fingerprint,omitempty"` // absent without .BTF
	Types         *fingerprint.Digest `json:"types,omitempty"`
	Strings       *fingerprint.Digest `json:"strings,omitempty"`
	TypeCount     uint32              `json:"type_count"` // void not counted
	StringBytes   uint32              `json:"string_bytes"`
	Rules         []verify.Decision   `json:"rules,omitempty"`
	RulesConflict string              `json:"rules_conflict,omitempty"`
	Refused       *RefusedBase        `json:"refused,omitempty"`

	argument int // in Fingerprints, the number of the one that it was found under
}

// RefusedBase says that a vmlinux's own kernel will not read its .BTF.
type RefusedBase struct {
	Severity    guard.Severity `json:"severity,omitempty"` // where it was judged
	Ruling      *guard.Ruling  `json:"ruling,omitempty"`
	Errno       int            `json:"errno"`
	Log         []string       `json:"log"`
	Cause       string         `json:"cause,omitempty"`
	Remedy      string         `json:"remedy,omitempty"`
	Consequence string         `json:"consequence"`
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
	Ruling        *guard.Ruling       `json:"ruling,omitempty"`
	Basis         guard.Basis         `json:"basis,omitempty"`
	Kernel        *guard.Response     `json:"kernel,omitempty"`
	Reasons       []string            `json:"reasons"`
	Consequence   string              `json:"consequence"`
	Notes         []Note              `json:"notes,omitempty"`
}

// Note is what else is wrong with the module on the base.
type Note struct {
	Rule     guard.Rule     `json:"rule"`
	Severity guard.Severity `json:"severity"`
	Ruling   *guard.Ruling  `json:"ruling,omitempty"`
	Message  string         `json:"message"`
	Log      []string       `json:"log,omitempty"`
	Repeats  *Repeats       `json:"repeats,omitempty"`
}

// Repeats are the structs of the vmlinux that a module has once more.
type Repeats struct {
	Structs Names    `json:"structs"`
	Copies  int      `json:"copies"`
	Bytes   int      `json:"bytes"`
	Of      int      `json:"of"`
	Kfuncs  []string `json:"kfuncs,omitempty"`
}

// Label is a verdict on a package's kernel-btf dependencies.
type Label struct {
	Package  string         `json:"package"`
	Verdict  guard.Verdict  `json:"verdict"`
	Severity guard.Severity `json:"severity"`
	Ruling   *guard.Ruling  `json:"ruling,omitempty"`
	Reasons  []string       `json:"reasons"`
}

// Change is what became of a kernelrelease's base since an older build.
type Change struct {
	KernelRelease string             `json:"kernelrelease"`
	Arch          string             `json:"arch"`
	From          fingerprint.Digest `json:"from"`
	FromPackage   string             `json:"from_package,omitempty"`
	To            fingerprint.Digest `json:"to"`
	ToPackage     string             `json:"to_package,omitempty"`
	Parted        uint32             `json:"parted,omitempty"`
	Sentence      string             `json:"sentence,omitempty"`
	Added         Names              `json:"added"`
	Removed       Names              `json:"removed"`
	Changed       Names              `json:"changed"`
	// Outdated is the token of the old base where the policy's word is that whatever
	// requires it has to be built again.
	Outdated string `json:"outdated,omitempty"`
	// Rebuild is what it does to modules; absent where none of the two builds met the
	// vmlinux of the other.
	Rebuild *Survival `json:"rebuild,omitempty"`
}

// Survival is what a rebuild does to modules.
type Survival struct {
	Safe     bool           `json:"safe"`
	Sentence string         `json:"sentence,omitempty"`
	New      guard.Crossing `json:"new"` // new modules while the old vmlinux runs
	Old      guard.Crossing `json:"old"` // old modules under the new vmlinux
}

// Names are named types and functions, of which the first are listed.
type Names struct {
	Count int      `json:"count"`
	First []string `json:"first"`
}

// Remake is a source package that has to be built again.
type Remake struct {
	Project     string              `json:"project,omitempty"`
	Repository  string              `json:"repository,omitempty"`
	Arch        string              `json:"arch"`
	Package     string              `json:"package"`
	Base        *fingerprint.Digest `json:"base,omitempty"`
	BasePackage string              `json:"base_package,omitempty"`
	Modules     int                 `json:"modules"`
	Severity    guard.Severity      `json:"severity"`
}

// Hook is what the post-build check adds.
type Hook struct {
	Package string `json:"package"`
	// Where OBS built it, from its packages' DISTURL.
	Project    string   `json:"project,omitempty"`
	Repository string   `json:"repository,omitempty"`
	Arch       string   `json:"arch,omitempty"`
	Stage      string   `json:"stage,omitempty"`
	Notes      []string `json:"notes"`
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
		Summary: map[string]int{"modules": r.Modules()},
		Exit:    r.Exit(),
	}
	d.fill()
	for _, b := range r.Bases {
		base := newBase(b)
		base.Newest = r.Newest(b)
		d.Bases = append(d.Bases, base)
	}
	for _, b := range r.Refusals {
		refused := d.Bases[slices.Index(r.Bases, b.Base)].Refused
		refused.Severity, refused.Ruling = b.Severity, b.Ruling
	}
	for _, f := range r.Findings {
		d.Verdicts = append(d.Verdicts, newVerdict(f))
		d.Summary[string(f.Verdict)]++
	}
	for _, rule := range guard.Rules {
		if n := noted(r.Findings, rule); n > 0 {
			d.Summary[string(rule)] = n
		}
	}
	d.Packages = packages(r)
	for _, l := range r.Labels {
		d.Labels = append(d.Labels, Label{l.Package.NEVRA, l.Verdict, l.Severity, l.Ruling, l.Reasons})
	}
	for _, c := range r.Changes {
		d.Changes = append(d.Changes, newChange(c))
	}
	for _, m := range r.Remakes {
		d.Remakes = append(d.Remakes, newRemake(m))
	}
	for _, p := range r.Problems {
		d.Errors = append(d.Errors, Error{p.Path, p.Err.Error()})
	}
	return d
}

// packages lists each package of a result once.
func packages(r *guard.Result) []Package {
	out := []Package{}
	seen := map[*guard.Package]bool{nil: true}
	add := func(p *guard.Package) {
		if !seen[p] {
			seen[p] = true
			out = append(out, Package{sides[p.Origin], history.FromRPM(p)})
		}
	}
	for _, b := range r.Bases {
		add(b.Package)
	}
	for _, f := range r.Findings {
		add(f.Module.Package)
	}
	return out
}

// Compact writes the document on one line.
func (d *Document) Compact(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(d)
}

// newBase turns a base into its JSON form.
func newBase(b *guard.Base) Base {
	out := Base{
		Side: sides[b.Origin],
		Path: b.Path, Package: basePackage(b),
		Arch: b.Arch, KernelRelease: b.Release, Flavor: b.Flavor,
	}
	if f := b.Fingerprint; !f.Base.IsZero() {
		out.Fingerprint, out.Types, out.Strings = &f.Base, &f.Types, &f.Strings
	}
	if b.Table != nil {
		out.TypeCount = uint32(b.Table.Len())
		out.StringBytes = b.Table.EndString()
	}
	out.Rules, out.RulesConflict = b.Decisions, b.Conflict
	if r, ok := b.Refusal(); ok {
		out.Refused = &RefusedBase{Errno: r.Errno, Log: list(r.Log), Cause: r.Cause, Remedy: r.Remedy, Consequence: r.Consequence}
	}
	return out
}

func newVerdict(f guard.Finding) Verdict {
	m := f.Module
	v := Verdict{
		Pairing: f.Pairing, Module: m.Name, Package: nevra(m.Package), Path: m.Path,
		Arch: m.Arch, KernelRelease: m.Release, Side: sides[m.Origin],
		Verdict: f.Verdict, Severity: f.Severity, Ruling: f.Ruling, Basis: f.Basis, Kernel: f.Kernel,
		Reasons: f.Reasons, Consequence: f.Consequence,
	}
	v.Reasons = list(v.Reasons)
	for _, n := range f.Notes {
		v.Notes = append(v.Notes, Note{n.Rule, n.Severity, n.Ruling, n.Message, n.Log, newRepeats(n.Repeats)})
	}
	if f.Base != nil {
		v.BasePackage, v.BasePath = basePackage(f.Base), f.Base.Path
		if fp := f.Base.Fingerprint.Base; !fp.IsZero() {
			v.Base = &fp
		}
	}
	return v
}

var sides = map[guard.Origin]string{
	guard.New: "new", guard.Against: "against", guard.Installed: "installed", guard.Given: "given", guard.Own: "own", guard.Running: "running",
}

func newRepeats(r *guard.Repeats) *Repeats {
	if r == nil {
		return nil
	}
	return &Repeats{newNames(r.Structs), r.Copies, r.Bytes, r.Of, r.Kfuncs}
}

// newSurvival is what a rebuild does to modules, nil where no module of the one build met
// the vmlinux of the other.
func newSurvival(s guard.Survival) *Survival {
	if s.New.Modules+s.Old.Modules == 0 {
		return nil
	}
	return &Survival{s.Safe(), s.Sentence(), s.New, s.Old}
}

func newChange(c guard.Change) Change {
	out := Change{
		KernelRelease: c.To.Release, Arch: c.To.Arch,
		From: c.From.Fingerprint.Base, FromPackage: basePackage(c.From),
		To: c.To.Fingerprint.Base, ToPackage: basePackage(c.To),
		Added: newNames(c.Names(explain.Added)), Removed: newNames(c.Names(explain.Removed)), Changed: newNames(c.Names(explain.Changed)),
		Rebuild: newSurvival(c.Survival),
	}
	if c.Diff != nil {
		out.Sentence, out.Parted = c.Diff.Sentence(), c.Diff.IDs.At
	}
	if c.Outdated {
		out.Outdated = fingerprint.Token(c.From.Flavor, c.From.Fingerprint.Base)
	}
	return out
}

// mostNames is how many a report lists; explain has them all.
const mostNames = 20

func newNames(names []string) Names {
	return Names{len(names), list(names[:min(len(names), mostNames)])}
}

func newRemake(m guard.Remake) Remake {
	out := Remake{Arch: m.Arch, Package: m.Source, BasePackage: basePackage(m.On), Modules: m.Modules, Severity: m.Severity}
	if u, ok := obs.ParseDistURL(m.DistURL); ok {
		out.Project, out.Repository, out.Package = u.Project, u.Repository, u.Package
	}
	if fp := m.On.Fingerprint.Base; !fp.IsZero() {
		out.Base = &fp
	}
	return out
}

// basePackage is the package that a vmlinux is in or belongs to.
func basePackage(b *guard.Base) string {
	if b.Package == nil {
		return b.Owner
	}
	return b.Package.NEVRA
}

func nevra(p *guard.Package) string {
	if p == nil {
		return ""
	}
	return p.NEVRA
}
