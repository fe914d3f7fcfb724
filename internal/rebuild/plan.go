// SPDX-License-Identifier: Apache-2.0

// Package rebuild works out which source packages OBS has to build again because
// their modules do not fit the kernel they will meet, and has it build them.
//
// OBS does not do so by itself: a kernel that is built again by hand leaves the
// module packages of its project alone, whatever its rebuild mode. A
// [Scope] says where to look, [Finder] makes a [Plan], which can be saved and read by
// people, and [Runner] carries it out, in [Rounds] if need be.
package rebuild

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// Schema is the version of the plan's JSON format, documented in docs/json.md.
const Schema = 1

// Plan is what has to be built, in order.
type Plan struct {
	Schema int       `json:"schema"`
	API    string    `json:"api,omitempty"` // URL of the OBS it is for
	Made   time.Time `json:"made"`
	Steps  []Step    `json:"steps"`
	Notes  []string  `json:"notes"` // what is not known, and why

	// Kernels and Packages are how many were checked, and Skipped the packages of OBS
	// that were not searched for modules.
	Kernels  int      `json:"kernels"`
	Packages int      `json:"packages"`
	Skipped  []string `json:"skipped,omitempty"`
}

// Step is one source package to build for one repository and architecture.
type Step struct {
	Project    string `json:"project"`
	Repository string `json:"repository"`
	Arch       string `json:"arch"`
	Package    string `json:"package"`

	// Wave orders the steps: those of one wave do not wait for each other, and build
	// against the results of the waves before. After are the steps that this one is
	// built with.
	Wave  int      `json:"wave"`
	After []string `json:"after,omitempty"`
	Why   []string `json:"why"` // for people

	// Seen is the package's last build when the plan was made. A later build may have
	// made the step needless.
	Seen *Build `json:"seen,omitempty"`

	// InVain says why building it once more changes nothing, "" where that is not known:
	// its last build was asked for when all its kernels were there, and does not fit them.
	InVain string `json:"in_vain,omitempty"`
}

// Build identifies one build of a package.
type Build struct {
	VersionRelease string    `json:"versrel"`
	Code           string    `json:"code"`
	Ended          time.Time `json:"ended"`

	asked time.Time // when OBS knew what to build it with, zero if it does not tell
}

// Where is one repository and architecture of a project.
type Where struct{ Project, Repository, Arch string }

func (w Where) String() string { return w.Project + "/" + w.Repository + "/" + w.Arch }

// of is a package that is built there.
func (w Where) of(pkg string) api.Target {
	return api.Target{Project: w.Project, Repository: w.Repository, Arch: w.Arch, Package: pkg}
}

// place is where a package is built.
func place(t api.Target) Where { return Where{t.Project, t.Repository, t.Arch} }

// Where is the place that the step builds for.
func (s *Step) Where() Where { return place(s.target()) }

func (s *Step) target() api.Target {
	return api.Target{Project: s.Project, Repository: s.Repository, Arch: s.Arch, Package: s.Package}
}

func (s *Step) String() string { return s.target().String() }

// NewPlan is a plan without steps for the OBS at a URL.
func NewPlan(url string) *Plan {
	return &Plan{Schema: Schema, API: url, Made: time.Now().UTC().Truncate(time.Second), Steps: []Step{}, Notes: []string{}}
}

// Bounds of a plan that is read: somebody else may have written it.
const (
	maxPlan     = 4 << 20 // bytes; a step has some 400
	maxMistakes = 20      // that are reported
)

// ReadPlan reads a plan that Write wrote. A step that lacks a name is an error: OBS
// takes a rebuild without a package as a rebuild of everything.
func ReadPlan(r io.Reader) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPlan+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPlan {
		return nil, fmt.Errorf("more than %d bytes, a plan has at most so many", maxPlan)
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("schema %d, this program knows %d", p.Schema, Schema)
	}
	var errs []error
	seen := make(map[api.Target]bool, len(p.Steps))
	for i, s := range p.Steps {
		if len(errs) == maxMistakes {
			errs = append(errs, errors.New("and perhaps more: the other steps were not looked at"))
			break
		}
		if s.Project == "" || s.Repository == "" || s.Arch == "" || s.Package == "" {
			errs = append(errs, fmt.Errorf("step %d, %s: project, repository, arch and package all have to be named", i+1, &s))
			continue
		}
		if err := s.target().Check(); err != nil {
			errs = append(errs, fmt.Errorf("step %d: %w", i+1, err))
		}
		if seen[s.target()] {
			errs = append(errs, fmt.Errorf("step %d, %s: is there twice", i+1, &s))
		}
		seen[s.target()] = true
	}
	return &p, errors.Join(errs...)
}

// Write writes the plan for ReadPlan and for people.
func (p *Plan) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(p)
}

// places are those of the steps.
func (p *Plan) places() []Where {
	var out []Where
	for _, s := range p.Steps {
		if !slices.Contains(out, s.Where()) {
			out = append(out, s.Where())
		}
	}
	return out
}

// add adds a step, or a reason to an existing step, which is in vain if all its reasons
// are.
func (p *Plan) add(t api.Target, seen *Build, why, inVain string) {
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.target() == t })
	if i < 0 {
		i = len(p.Steps)
		p.Steps = append(p.Steps, Step{Project: t.Project, Repository: t.Repository, Arch: t.Arch, Package: t.Package, Seen: seen, InVain: inVain})
	}
	if inVain == "" {
		p.Steps[i].InVain = ""
	}
	if s := &p.Steps[i]; !slices.Contains(s.Why, why) {
		s.Why = append(s.Why, why)
	}
}

// note adds a note on something unknown, once.
func (p *Plan) note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(p.Notes, s) {
		p.Notes = append(p.Notes, s)
	}
}
