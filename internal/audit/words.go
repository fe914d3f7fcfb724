// SPDX-License-Identifier: Apache-2.0

package audit

// What an audit says to people, in text, pages and lists. The rules for these texts:
//
//   - The reader is a release manager with hundreds of packages, mostly not a native
//     speaker. A line names the package first, then what is wrong with it.
//   - Modules fit a kernel or do not fit it. Packages are built again; a base is the .BTF
//     of a vmlinux. "unknown" is what nothing decides, never a fit.
//   - A kind of finding is explained once: what it means, a colon, what to do.
//   - What was not checked is a note that says why.
//   - Names of kinds, suites and questions are in JSON, JUnit and SARIF as well: they stay.

import (
	"errors"
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/findings"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/report"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// explanation says what a kind of finding means for a machine that installs from here,
// and what to do.
type explanation struct{ meaning, remedy string }

func (e explanation) String() string { return e.meaning + ": " + e.remedy }

var explanations = map[guard.Verdict]explanation{
	guard.Refused: {"a kernel refuses its own .BTF and runs without any", "build it again with the compiler and the pahole of its time"},

	guard.Verdict(guard.OtherMagic): {"the kernel refuses modules by their vermagic", "build them with the headers and the configuration of the kernel that they are for"},
	guard.Verdict(guard.OtherHeaders): {
		"structs of modules have other sizes than the kernel's", "build them with the headers and the configuration of the kernel that they are for",
	},
	guard.Verdict(guard.KfuncsLost): {"BPF programs will not find kfuncs of these modules", "build them where the kernel's vmlinux is at hand, and see that nothing strips .BTF"},
	guard.Verdict(guard.IDsUnrelocated): {
		"numbers in .BTF_ids that no kernel relocates name other types on this kernel", "distill with --plain-ids zero, or live with it until the reboot",
	},
	guard.Verdict(guard.ReadersRefuse): {"libbpf or cilium/ebpf refuse tables that the kernel takes", "build the modules again on this kernel, or have them packed without .BTF"},
	guard.Verdict(guard.Duplicated):    {"modules repeat structs of their vmlinux, and BPF programs take the two for different types", "build kernel and modules with pahole 1.31 or later, with libbpf 1.6 or later in it"},
	guard.Stale:                        {"modules do not fit the kernels here that they meet", "build the package again"},
	guard.Broken:                       {"modules do not fit the vmlinux of their own build", "build kernel and modules again, together"},
	guard.Mislabeled:                   {"a kernel-btf(...) dependency contradicts the content of its package", "write it again with \"obs-btf-guard stamp\""},
	guard.Incident: {
		"builds of one kernelrelease have different bases and share a folder below /lib/modules, so that modules of one do not fit the vmlinux of the other",
		"ship each build as a whole, with kernel-btf(...) dependencies, and have machines rebooted after it; \"obs-btf-guard check NEW --against OLD\" lists all cures",
	},
	guard.Unlabeled: {"packages lack the kernel-btf(...) dependency that keeps zypper and dnf from mixing builds", "write it with \"obs-btf-guard stamp\""},
	guard.Undecided: {"it is not known whether they fit", "repair what could not be read, leave out --metadata-only, or stamp the packages"},
	guard.Unproven:  {"modules are too small to show which base they were built on", "stamp the packages where they are built, which records it"},
	guard.Unmet:     {"modules are for kernels that are not here", "name the source of these kernels as well"},
}

// The words that a result begins with.
var (
	outcomes = map[outcome]string{good: "ok  ", noted: "note", unknown: "UNKNOWN", failed: "FAIL"}
	colors   = map[outcome]string{good: prose.Green, noted: prose.Yellow, unknown: prose.Yellow, failed: prose.Red}
	badges   = map[outcome]string{good: "OK", noted: "NOTE", unknown: "UNKNOWN", failed: "FAIL"}
)

// incomplete is for an audit that failed only because something was not read.
const incomplete = "INCOMPLETE"

// word begins the last line: as in outcomes, and incomplete where nothing else fails.
func (r *Result) word(failOn []guard.Verdict, words map[outcome]string) string {
	fails := slices.ContainsFunc(r.Findings, func(f Finding) bool { return slices.Contains(failOn, f.Kind) })
	if len(r.Problems) > 0 && !fails {
		return incomplete
	}
	return words[r.outcome(failOn)]
}

// Headlines.
const (
	headWhatToDo  = "What to do"
	headNotRead   = "Not read"
	headAttention = "What needs attention"
	headMatrix    = "Modules and the kernels they meet"
	headBuilds    = "Built again"
	headKernels   = "Kernels"
	headUnlinked  = "Not linked by weak-modules"
	headNotes     = "note not looked at"
	headSources   = "Sources"
)

// Why it is not known whether weak-modules links a package's modules into a kernel.
const (
	linkUnlisted = "the dependencies of the package do not list the symbols that its modules need"
	linkOneByOne = "modules are linked one by one, and the dependencies of the package do not tell which of them "
)

// size says how much is there.
func (r *Result) size() string {
	return fmt.Sprintf("%s of %s, %s with modules",
		prose.Several(len(r.Kernels), "kernel"), prose.Several(r.releases(), "kernelrelease"), prose.Several(len(r.Modules), "package"))
}

// nothingFound is the last line where there is no finding.
func (r *Result) nothingFound() string {
	switch {
	case len(r.Modules) == 0 && len(r.Kernels) == 0:
		return "no kernel and no modules"
	case len(r.Modules) == 0:
		return "no modules"
	case len(r.Kernels) == 0:
		return "no kernel, and modules that need no base"
	case r.undecided():
		return "it is not known of some modules whether they fit"
	}
	return "all modules fit the kernels they meet"
}

// The questions that an audit answers.
func ofKernel(release, arch string) findings.Question {
	return findings.Question{Suite: "kernels", Title: "does each kernelrelease have one base", Class: report.KernelName(release, arch), Name: "has one base"}
}

func ofModules(p *Package) findings.Question {
	return findings.Question{Suite: "modules", Title: "do packages fit a kernel that they are for", Class: p.NEVRA, Name: "fits a kernel that it is for"}
}

func ofLabels(p *Package) findings.Question {
	return findings.Question{Suite: "packages", Title: "kernel-btf dependencies of the packages", Class: p.NEVRA, Name: "kernel-btf dependencies"}
}

// fitWords begin what is said of a kernel.
var fitWords = map[guard.Verdict]string{guard.Fits: "fits ", guard.Misfits: "does not fit ", guard.Undecided: "unknown: "}

// What the dependencies of a package say where nobody read its modules.
const (
	otherBase      = "another base"
	otherBaseMeans = "does not load, loads without BTF, or is misread; \"obs-btf-guard check\" says which"
)

// words say what a cell says.
func (c Cell) words() string {
	kernel := c.Kernel.Package.NEVRA
	if c.Kernel.Package == c.Modules {
		kernel = "its own"
	}
	if c.Weak {
		kernel += " by weak-modules"
	}
	how := ""
	switch {
	case len(c.Counts) > 0:
		how = " (" + c.Counts.String() + ")"
	case c.Fit == guard.Misfits:
		how = " (" + otherBase + ")"
	}
	return fitWords[c.Fit] + kernel + how
}

// head begins a line of such words.
func (r *Row) head() string {
	unknown := ""
	if n := r.Of[guard.Undecided]; n > 0 {
		unknown = fmt.Sprintf(", not known of %s", prose.Number(n))
	}
	return fmt.Sprintf("%s (%s): fits %s of %s%s", r.Modules, r.Flavor, prose.Number(r.Of[guard.Fits]), prose.Several(r.Pairs(), "kernel"), unknown)
}

// became says what became of a base.
func (c Change) became() string {
	if !c.Changed() {
		return "the base stayed " + c.To.Short()
	}
	return fmt.Sprintf("the base changed, from %s to %s", c.From.Short(), c.To.Short())
}

// sentence compares a result with an earlier one.
func (s *Since) sentence(r *Result) string {
	last := prose.Number(s.Gone) + " gone"
	if len(r.Problems) > 0 {
		last = prose.Number(s.Unseen) + " not found again, where not all could be read"
	}
	return fmt.Sprintf("since %s: %s, %s known, %s", s.What, prose.Several(len(r.Findings), "new finding"), prose.Number(len(r.Known)), last)
}

// Notes on what was not looked at.
const (
	noteNoFileLists = "%s: the repository lists no files (filelists.xml). Packages were found by their names and dependencies; others may have modules"
	noteGone        = "%s: in the metadata of the repository, and not there: %s"
	noteUnlisted    = "%s: %s%s not in the metadata of the repository, and not looked at"
	noteLink        = "%s: a link to a folder, which is not followed"
	noteNoDeps      = "%s: OBS does not say what its packages are built with (%v). They were found by their names; others may have modules"
)

// Errors, each of a source or package that is named in front.
var (
	errNothing    = errors.New("no RPM and no Debian package in it, and no repository (no repodata/repomd.xml). \"obs-btf-guard check\" reads folders with a vmlinux and modules")
	errPackages   = errors.New("the rest is not looked at")
	errOnePackage = errors.New("the URL of one package, not of a repository. Download it first")
	errNoOBS      = errors.New("OBS cannot be asked here")
	errEmptyOBS   = errors.New("OBS has no package there")
	errOBSName    = errors.New("not a source in OBS, which is obs:PROJECT, obs:PROJECT/REPOSITORY or obs:PROJECT/REPOSITORY/ARCH")
	errNoParts    = errors.New("the project has no repository that is built for an architecture")
	errNotAnAudit = errors.New("not written by audit --format json")
)

const (
	manyPackages = "more than %s packages of kernels and modules; %w"
	manyBytes    = "not downloaded: with its %s bytes, all downloads together would have more than %s; --metadata-only downloads nothing"
	noPart       = "the project has no repository %s, or none that is built for an architecture"
	otherFile    = "%s: the file in the repository is %s"
	otherPackage = "%s: the package changed while it was read; run the audit again"
	otherSchema  = "schema %d, this program knows %d"
	manyTold     = "%d kernelreleases or kernel-btf(...) dependencies, at most %d are believed"
)

// wanted is what an audit reads.
const wanted = "a package, folder of packages or repository"
