// SPDX-License-Identifier: Apache-2.0

package running

// What is said about a machine. The reader is its admin, not a packager: short
// sentences, what it means before how it is called, and what to do.

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Topics are what a report for people says beside the verdicts.
func (s *State) Topics() []report.Topic {
	return []report.Topic{
		{Headline: "Loaded now", Points: s.loadedPoints()},
		{Headline: "After a reboot", Points: s.rebootPoints()},
		{Headline: "Not looked at", Points: s.Notes},
	}
}

// Nothing says why there was nothing to check, "" where there was.
func (s *State) Nothing() string {
	if s.noModules {
		return "nothing to check: this kernel loads no modules"
	}
	return ""
}

func (s *State) loadedPoints() []string {
	if len(s.Loaded) == 0 {
		return []string{"no module"}
	}
	with := 0
	for _, l := range s.Loaded {
		if l.BTF {
			with++
		}
	}
	points := []string{prose.Several(len(s.Loaded), "module") + ", " + prose.Number(with) + " with BTF"}
	add := func(text string, is func(Loaded) bool) {
		var names []string
		for _, l := range s.Loaded {
			if is(l) {
				names = append(names, l.Module)
			}
		}
		if len(names) > 0 {
			points = append(points, prose.Several(len(names), "module")+" "+text+": "+prose.First(names, mostNamed))
		}
	}
	add("without BTF, although the file has some: BPF programs cannot attach to their functions or find their types", func(l Loaded) bool { return l.State == WithoutBTF })
	add("whose types the kernel misreads now: what BPF programs read of them is wrong", func(l Loaded) bool { return l.Verdict == guard.Misread })
	add("from another file than the one on disk, which an update replaced", func(l Loaded) bool { return l.State == OtherFile })
	add("whose file is gone", func(l Loaded) bool { return l.State == NoFile })
	add("loaded by force", func(l Loaded) bool { return l.Forced })
	return points
}

func (s *State) rebootPoints() []string {
	var points []string
	for _, r := range s.Reboots {
		base := "no BTF"
		if r.Base != nil {
			base = "base " + r.Base.Short()
		}
		if r.Same {
			base += ", as now"
		}
		p := fmt.Sprintf("%s (%s, %s): ", r.KernelRelease, r.Image, base)
		switch {
		case r.Modules == 0:
			p += "no modules on disk"
		case r.Fail > 0:
			p += fmt.Sprintf("%s of %s fail", prose.Number(r.Fail), prose.Several(r.Modules, "module"))
			if s.ill {
				p += ". A reboot into it does not cure this"
			}
		default:
			p += all(r.Modules)
			if s.ill {
				p += ". A reboot into it cures this"
			}
		}
		points = append(points, p)
	}
	if s.ill && !slices.ContainsFunc(s.Reboots, Reboot.Fits) {
		points = append(points, "no kernel that could be read here cures this. Install kernel and modules of one build again, then reboot")
	}
	return points
}

func all(n int) string {
	if n == 1 {
		return "its only module fits"
	}
	return "all " + prose.Number(n) + " modules fit"
}

// mostNamed is how many of many a line names.
const mostNamed = 8
