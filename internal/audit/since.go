// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/piecemeal"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Snapshot is the set of findings of an audit: the kind, the package by its name, and the
// kernelrelease. A finding on a later build of a package is the same finding.
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
	What   string // the other audit, in words
	Gone   int    // findings of it that are gone
	Unseen int    // findings of it that were not found again by an audit that could not read everything

	gone []Known
}

// Compare moves the findings that an earlier audit had to Known. what says which audit
// that was.
func (r *Result) Compare(earlier Snapshot, what string) {
	now := r.Snapshot()
	r.Since = &Since{What: what}
	for k := range earlier {
		switch {
		case now[k]:
		case len(r.Problems) > 0:
			r.Since.Unseen++
		default:
			r.Since.Gone++
			r.Since.gone = append(r.Since.gone, k)
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

// Bounds on what is read of another audit.
const (
	maxKnown = 1_000_000
	maxValue = 1 << 20 // bytes of one finding, or of a name or text elsewhere
)

// ReadSnapshot reads the findings in a document that JSON wrote. Memory is in
// proportion to them, not to the document.
func ReadSnapshot(r io.Reader) (Snapshot, error) {
	found, schema, matrix := Snapshot{}, 0, false
	in := piecemeal.NewReader(r, maxValue)
	err := in.Object(func(key string) error {
		switch key {
		case "schema":
			return in.Decode(&schema)
		case "findings":
			return in.List(maxKnown, func() error {
				var f findingJSON
				err := in.Decode(&f)
				k := Known{Kind: f.Kind, Arch: f.Arch, KernelRelease: f.KernelRelease}
				if f.Package != "" {
					k.Name = nameIn(f.Package)
				}
				found[k] = true
				return err
			})
		}
		matrix = matrix || key == "matrix"
		return in.Skip()
	})
	switch {
	case err != nil:
		return nil, err
	case !matrix:
		return nil, errNotAnAudit
	case schema != Schema:
		return nil, fmt.Errorf(otherSchema, schema, Schema)
	}
	return found, nil
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
