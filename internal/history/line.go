// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"context"
	"slices"
	"strings"

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

// Step is a build and its differences from the one before.
type Step struct {
	Build
	Judgements  []Judgement      `json:"judgements"`   // on this vmlinux, those of the last time for each module package
	BaseChanged bool             `json:"base_changed"` // never of the first
	Differences []why.Difference `json:"differences"`  // From or To is "" where it is not known
	Same        []string         `json:"same"`         // the inputs that are known of both and equal
}

// Inputs are what builds are compared by, as why.Difference.What and Step.Same name them.
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
	steps, err := db.Builds(ctx, f)
	return lines(steps), err
}

func lines(steps []Step) []Line {
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(
			rpm.CompareVersions(a.KernelRelease, b.KernelRelease), cmp.Compare(a.KernelRelease, b.KernelRelease), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Flavor, b.Flavor),
			// As zypper and dnf see them. Times say less: a build may stamp its packages
			// with the date of its changelog, and an older one may be built again later.
			rpm.CompareEVR(a.Release, b.Release), a.Built.Compare(b.Built), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Digest, b.Digest))
	})
	var lines []Line
	for _, s := range steps {
		last := len(lines) - 1
		if last < 0 || lines[last].KernelRelease != s.KernelRelease || lines[last].Arch != s.Arch || lines[last].Flavor != s.Flavor {
			lines = append(lines, Line{s.KernelRelease, s.Arch, s.Flavor, nil})
			last++
		}
		lines[last].add(s)
	}
	return lines
}

func (l *Line) add(s Step) {
	s.Differences, s.Same = []why.Difference{}, []string{}
	if n := len(l.Steps); n > 0 {
		before := &l.Steps[n-1]
		if before.vmlinux() == s.vmlinux() && before.Path == s.Path {
			return
		}
		s.BaseChanged = before.Fingerprint != s.Fingerprint
		s.compare(&before.Build)
	}
	l.Steps = append(l.Steps, s)
}

// compare compares the inputs of a build with those of the one before.
func (s *Step) compare(before *Build) {
	inputs := why.Compare(before.Made(), s.Made())
	for _, what := range Inputs {
		switch in := inputs[slices.IndexFunc(inputs, func(in why.Input) bool { return in.What == what })]; {
		case in.State == why.Same:
			s.Same = append(s.Same, what)
		case in.From != in.To:
			s.Differences = append(s.Differences, in.Difference)
		}
	}
}

// Unknown lists the inputs of which it is not known whether they are those of the build
// before.
func (s *Step) Unknown() (out []string) {
	known := slices.Clone(s.Same)
	for _, d := range s.Differences {
		if known = append(known, d.What); d.From == "" || d.To == "" {
			out = append(out, d.What)
		}
	}
	for _, input := range Inputs {
		if !slices.Contains(known, input) {
			out = append(out, input)
		}
	}
	return out
}

// Made is what is known of how the build was made.
func (b *Build) Made() why.Made {
	from, _ := obs.ParseDistURL(b.DistURL)
	m := why.Made{Toolchain: b.Toolchain, Source: why.Source{Revision: from.Revision}, Project: from.Project, Host: b.Host, Built: b.Built}
	if linker := &m.Toolchain.Linker; strings.Contains(*linker, "(") { // in the words of the banner: "GNU ld (GNU Binutils) 2.37"
		m.Banner.Linker, *linker = *linker, ""
	}
	return m
}
