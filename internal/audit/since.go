// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Snapshot is which findings an audit had. The same finding on a later build of a
// package is no other: what a kind says of a package by its name, for a kernelrelease.
type Snapshot map[Known]bool

// Known names a finding; of an incident, Name is "".
type Known struct {
	Kind          guard.Verdict
	Name          string // of the package
	Arch          string
	KernelRelease string
}

func (f Finding) known() Known {
	k := Known{Kind: f.Kind, Arch: f.Arch, KernelRelease: f.Release}
	if f.Package != nil {
		k.Name = nameIn(f.Package.NEVRA)
	}
	return k
}

// nameIn is the name in name-[epoch:]version-release.arch.
func nameIn(nevra string) string {
	for _, sep := range []string{".", "-", "-"} {
		if i := strings.LastIndex(nevra, sep); i >= 0 {
			nevra = nevra[:i]
		}
	}
	return nevra
}

// Snapshot is of all findings.
func (r *Result) Snapshot() Snapshot {
	s := Snapshot{}
	for _, f := range slices.Concat(r.Findings, r.Known) {
		s[f.known()] = true
	}
	return s
}

// Since is what an audit is compared with.
type Since struct {
	What string // the other audit, in words
	Gone int    // findings of it that are no more
}

// Compare takes out of the findings those that an earlier audit had: they are Known.
// What says which audit it was.
func (r *Result) Compare(earlier Snapshot, what string) {
	now := r.Snapshot()
	r.Since = &Since{What: what}
	for k := range earlier {
		if !now[k] {
			r.Since.Gone++
		}
	}
	var found []Finding
	for _, f := range r.Findings {
		if earlier[f.known()] {
			r.Known = append(r.Known, f)
		} else {
			found = append(found, f)
		}
	}
	r.Findings = found
}

// sentence says what came of the comparison.
func (s *Since) sentence(r *Result) string {
	return fmt.Sprintf("since %s: %s, %d known, %d gone", s.What, prose.Several(len(r.Findings), "new finding"), len(r.Known), s.Gone)
}

// Bounds on what is read of another audit.
const (
	maxKnown = 1_000_000
	maxValue = 1 << 20 // bytes of one finding, or of a name or text elsewhere
)

// ReadSnapshot reads the findings in a document that JSON wrote. Memory is in
// proportion to them, not to the document.
func ReadSnapshot(r io.Reader) (Snapshot, error) {
	in := &io.LimitedReader{R: r}
	d := snapshotReader{json.NewDecoder(in), in, Snapshot{}}
	err := d.document()
	if err != nil && in.N == 0 {
		err = fmt.Errorf("a value of more than %d bytes", maxValue)
	}
	if err != nil {
		return nil, err
	}
	return d.found, nil
}

// snapshotReader reads a document value by value.
type snapshotReader struct {
	*json.Decoder
	in    *io.LimitedReader // of what the next value may have
	found Snapshot
}

func (d *snapshotReader) token() (json.Token, error) {
	d.in.N = maxValue
	return d.Token()
}

func (d *snapshotReader) document() error {
	if t, err := d.token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("not a JSON object"), err)
	}
	schema, matrix := 0, false
	for d.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		switch key, _ := t.(string); key {
		case "schema":
			d.in.N = maxValue
			err = d.Decode(&schema)
		case "findings":
			err = d.findings()
		default:
			matrix = matrix || key == "matrix"
			err = d.skip()
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.token(); err != nil {
		return err
	}
	switch {
	case !matrix:
		return errors.New("not what audit --format json writes")
	case schema != Schema:
		return fmt.Errorf("schema %d, this program knows %d", schema, Schema)
	}
	return nil
}

func (d *snapshotReader) findings() error {
	if t, err := d.token(); err != nil || t != json.Delim('[') {
		return errors.Join(errors.New("findings: not a list"), err)
	}
	for d.More() {
		var f findingJSON
		d.in.N = maxValue
		if err := d.Decode(&f); err != nil {
			return fmt.Errorf("findings: %w", err)
		}
		if len(d.found) == maxKnown {
			return fmt.Errorf("findings: more than %d", maxKnown)
		}
		k := Known{Kind: f.Kind, Arch: f.Arch, KernelRelease: f.KernelRelease}
		if f.Package != "" {
			k.Name = nameIn(f.Package)
		}
		d.found[k] = true
	}
	_, err := d.token()
	return err
}

// skip passes over a value of any size.
func (d *snapshotReader) skip() error {
	for depth := 0; ; {
		t, err := d.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// MarshalJSON writes a snapshot as a list, in one order.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	list := make([]Known, 0, len(s))
	for k := range s {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b Known) int {
		return strings.Compare(string(a.Kind)+"\n"+a.Name+"\n"+a.Arch+"\n"+a.KernelRelease, string(b.Kind)+"\n"+b.Name+"\n"+b.Arch+"\n"+b.KernelRelease)
	})
	return json.Marshal(list)
}

func (s *Snapshot) UnmarshalJSON(text []byte) error {
	var list []Known
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*s = Snapshot{}
	for _, k := range list {
		(*s)[k] = true
	}
	return nil
}
