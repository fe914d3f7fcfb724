// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"context"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/why"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Line is the builds of one kernel, oldest first.
type Line struct {
	KernelRelease string `json:"kernelrelease"`
	Arch          string `json:"arch"`
	Flavor        string `json:"flavor"`
	Steps         []Step `json:"builds"`
}

// Step is a build and what is different from the one before it.
type Step struct {
	Build
	BaseChanged bool             `json:"base_changed"` // never of the first
	Differences []why.Difference `json:"differences"`  // From or To is "" where it is not known
	Same        []string         `json:"same"`         // the inputs that are known of both and equal
}

// Inputs are what a build is compared by, as why.Difference.What and Step.Same name it.
var Inputs = []string{"compiler", "linker", "pahole", "project", "source revision"}

// Changes counts the builds whose base is not that of the build before.
func (l *Line) Changes() int {
	n := 0
	for _, s := range l.Steps {
		if s.BaseChanged {
			n++
		}
	}
	return n
}

// Lines gives the line of builds of each kernel that the filter picks, by
// kernelrelease. A package that was signed or stamped after it was built has
// another header, and counts as one with what it was made from. Errors are as of
// [DB.Builds].
func (db *DB) Lines(ctx context.Context, f Filter) ([]Line, error) {
	builds, err := db.Builds(ctx, f)
	slices.SortStableFunc(builds, func(a, b Build) int {
		return cmp.Or(
			rpm.CompareVersions(a.KernelRelease, b.KernelRelease), cmp.Compare(a.KernelRelease, b.KernelRelease), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Flavor, b.Flavor),
			// A build may stamp its packages with the date of its changelog: then the
			// rebuild counter tells.
			a.Built.Compare(b.Built), rpm.CompareVersions(a.Release, b.Release), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Path, b.Path))
	})
	var lines []Line
	for _, b := range builds {
		last := len(lines) - 1
		if last < 0 || lines[last].KernelRelease != b.KernelRelease || lines[last].Arch != b.Arch || lines[last].Flavor != b.Flavor {
			lines = append(lines, Line{b.KernelRelease, b.Arch, b.Flavor, nil})
			last++
		}
		lines[last].add(b)
	}
	return lines, err
}

func (l *Line) add(b Build) {
	step := Step{Build: b, Differences: []why.Difference{}, Same: []string{}}
	if n := len(l.Steps); n > 0 {
		before := &l.Steps[n-1]
		if before.Package == b.Package && before.Built.Equal(b.Built) && before.Fingerprint == b.Fingerprint && before.Path == b.Path {
			before.Judgements = sum(before.Judgements, b.Judgements)
			return
		}
		step.BaseChanged = before.Fingerprint != b.Fingerprint
		step.compare(&before.Build)
	}
	l.Steps = append(l.Steps, step)
}

// compare compares the inputs of a build with those of the one before.
func (s *Step) compare(before *Build) {
	from, _ := obs.ParseDistURL(before.DistURL)
	to, _ := obs.ParseDistURL(s.DistURL)
	for i, values := range [][2]string{
		{before.Toolchain.Compiler, s.Toolchain.Compiler},
		{before.Toolchain.Linker, s.Toolchain.Linker},
		{before.Toolchain.Pahole, s.Toolchain.Pahole},
		{from.Project, to.Project},
		{from.Revision, to.Revision},
	} {
		d := why.Difference{What: Inputs[i], From: values[0], To: values[1]}
		switch {
		case d.From != d.To:
			s.Differences = append(s.Differences, d)
		case d.To != "":
			s.Same = append(s.Same, d.What)
		}
	}
}

// sum adds the counts of like judgements.
func sum(a, b []Judgement) []Judgement {
	out := slices.Clone(a)
	for _, j := range b {
		i := slices.IndexFunc(out, func(o Judgement) bool {
			return o.Pairing == j.Pairing && o.Of == j.Of && o.Verdict == j.Verdict && o.Severity == j.Severity
		})
		if i < 0 {
			out = append(out, j)
		} else {
			out[i].Modules += j.Modules
		}
	}
	sortJudgements(out)
	return out
}
