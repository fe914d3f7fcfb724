// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// The sentences of verdicts, notes and problems. The causes of a refused base stand in
// refusal.go, beside the signs that they follow from. The rules for these texts:
//
//   - Packagers read them in build logs, programs get them in JSON as sentences. Each is one
//     line that stands alone: lower case, no full stop at the end.
//   - The module, package or file is named in front by whoever prints it: "it" is that one.
//   - First what is, with the figures of both sides; then what follows for the machine.
//   - A module is checked on a vmlinux, was built on a base, and fits or does not fit it.
//     Say what the kernel does: accepts, refuses, reads, loads.
//   - What is not known is said to be unknown, never guessed.

// Why kernels are not compared. OLD and NEW are the arguments of explain.
const (
	refusedSide = "its own kernel refuses its .BTF, so there is nothing to compare; \"obs-btf-guard check\" says why"
	emptySide   = "no kernel with BTF in it, so %s is empty"
	crowdedSide = "%d kernels with BTF in it, and none of them has a kernelrelease of the other side; name the file of one: %s"
	archsDiffer = "OLD is for %s, NEW for %s"
	aloneOnSide = "%s (%s) is on one side only, or has no BTF"
)

// Reasons of a verdict. Figures are of the module first, then of the base.
const (
	noVmlinux        = "no vmlinux of %s was given"
	ignoresModules   = "this kernel does not look at module BTF (it is older than 5.11, or CONFIG_DEBUG_INFO_BTF_MODULES is not set)"
	lostUnlikeOthers = "the module was built in the kernel's tree and has no .BTF, while others of its build have one"
	lostSince        = "the module was built in the kernel's tree and has no .BTF, while that of the older build has one"
	lostByStripping  = "the module was built in the kernel's tree and has no .BTF, although its kernel is built with CONFIG_DEBUG_INFO_BTF_MODULES=y: " +
		"something stripped it (find-debuginfo keeps it with --keep-section .BTF)"
	baseWithoutBTF = "this vmlinux has no .BTF section, so no module BTF can be read on it"
	baseRefused    = "the kernel refuses the .BTF of this vmlinux itself"
	laterAccept    = "Linux %s refuses it by its version; later ones accept it. " +
		"If this kernel has that as a backport, name the version whose rules it has with --kernel"
	notPredicted       = "what the kernel does with its .BTF.base cannot be predicted: "
	notRelocated       = "its .BTF.base does not relocate onto this vmlinux"
	relocatedWrong     = "relocated by name, but not into what it was"
	noTypes            = "its .BTF has no types, so nothing in it depends on the base"
	recordedOther      = "its package says that it was built on base %s; this is %s"
	notOnOwnBase       = "on the base of its own build: "
	meansElse          = "%s of %s names and types that it refers to mean something else"
	definitionsChanged = "%s of %s types that it refers to changed their definition"
	meansTheSame       = "all %s names and types that it refers to mean the same on both"
	builtForOther      = "it was built for %s, and this kernel is %s: what it refers to is here as well, but a table cannot tell two builds of one source apart"
	neighborsAgainst   = "it does not contradict this base, but %s of its build %s: one build has one base"
	provenInTree       = "%s modules in the same tree were built on this vmlinux, and none on another"
)

// What a verdict means for the machine.
const (
	loadsMisread     = "loads, and the kernel reads wrong types: tracing and BPF programs silently get wrong data"
	loadsDrifted     = "loads; programs see the changed types as this vmlinux has them, the module's code as they were"
	loadsUntraceable = "loads, and its functions and types cannot be traced"
	doesNotLoad      = "does not load"
	registersFail    = "%s: registering kfuncs by them fails, and usually the module's init with it"
	registersWrong   = "%s: functions that are no kfuncs may be called as such, or get the flags of others"
	bootsWithout     = "boots without any BTF: fentry, kfuncs, struct_ops and CO-RE work on nothing in this kernel"
	moduleOfIt       = "\na module with a .BTF "
)

// Why a misfit of two builds only warns, and what changed on the way.
const (
	warnOldKernel    = "only a warning, since no kernel before 6.11 lets modules survive a rebuild: "
	warnCannotFollow = "only a warning, since this module cannot follow: "
	warnFirstCure    = "only a warning, since the older build has no .BTF.base and the new one has: from now on the modules survive a rebuild"
	warnLeftPlain    = "only a warning, since others of its build have a .BTF.base and this module could not be given one: "
	driftedSince     = "%d of %d types of the vmlinux that it refers to changed their definition since it was built"
)

// Whether a package fits; the package stands in front.
const (
	needsItself         = "requires the kernel-btf(...) that it provides itself, and its vmlinux is not known"
	needsOtherThanBuilt = "requires %s, and the base of %s, of the same build, is %s"
	needsNoneHere       = "requires %s, and no kernel of that flavor is here"
	needsUnknown        = "requires %s, and the base of some kernel of that flavor is not known"
	needsOther          = "requires %s, and the kernels of that flavor here have other bases: %s"
	silent              = "carries no kernel-btf(...) dependency, and its content "
	tooSmall            = "its content does not show which base it was built on: nothing contradicts those here, and too little confirms one"
	forOthersHere       = "has modules for %s, and the kernels of that flavor here are others: %s"
	forNoneHere         = "has modules for %s, and no kernel of that flavor is here"
	noRelease           = "does not say which kernelrelease its kernel has"
	severalBases        = "provides several kernel-btf(...) of flavor %s, so that its base is not known"
	noBaseTold          = "does not say which base it has"
	onOwnVmlinux        = "%s on its own vmlinux"
	linkUnknown         = "whether weak-modules links its modules into %s of %s is not known: %s"
	linkMisfits         = "weak-modules links its modules into %s as well%s, and the base of %s is %s: %s"
	linkUndecided       = "weak-modules links its modules into %s as well%s, and it is not known whether they fit the base of %s"
	newestHere          = " (the newest here, which updated machines boot)"
	lacksProvides       = "ships a vmlinux and does not provide %s"
	lacksRequires       = "its modules were built on another package's vmlinux, and it does not require kernel-btf(...) of it"
	linkOlder           = "so it is with %d older kernels that weak-modules links its modules into, or may"
	linkUnlisted        = "the symbols of the kernel are not listed anywhere"
	linkPartly          = "not all symbols of the kernel are listed"
	linkPlace           = "%s takes its place"
	linkNeeded          = "the package has another symbol %s than the kernel, and whether modules of the kernel need that is not known"
	linkNoSymbol        = "needs symbol %s, which is not there"
	linkOtherCRC        = "needs symbol %s with CRC %08x, there it has %08x"
	linkOfAnother       = "the package needs symbols of another one, and it is not known whether that one is linked"
	linkTakesAway       = "%s needs symbol %s, which is gone with it"
	linkTakesCRC        = "%s needs symbol %s with CRC %08x, with it there is %08x"
	linkNoSymbols       = "neither a symvers nor the provides of %s list its symbols"
)

// Notes beside a verdict.
const (
	structSizes     = "struct %s has %d bytes, the vmlinux's %d"
	otherHeaders    = "it was built with the headers of another kernel: its "
	sizeRefused     = ". It does not load (-8)"
	sizeTaken       = ". It loads, and its code reads and writes the wrong fields"
	vermagicRefused = "it does not load (-8): the kernel refuses its vermagic before it looks at any BTF"
	idsNotRelocated = "no kernel relocates this list of .BTF_ids, so that code of the module takes other types of this vmlinux for those it means: %v"
	idsNotInBase    = "a number in .BTF_ids is wrong in its .BTF.base: %v"
	kfuncsSwapped   = "BPF programs will not find the kfuncs of %s in .BTF_ids with the other byte order: " +
		"before Linux 6.9 resolve_btfids wrote that of the machine it ran on"
	kfuncsZero     = "BPF programs will not find %s: %s in .BTF_ids, which resolve_btfids has not filled in"
	kfuncsZeroFail = "; registering the other %d with them fails (-22), and usually the module's init"
	kfuncsNoBTF    = "BPF programs will not find %s: the module has .BTF_ids, and no .BTF that says what %s"
	kfuncsUnnamed  = "it has %d bytes of .BTF_ids and no .BTF: BPF programs will not find the kfuncs among them, if there are any " +
		"(the symbols that name them were stripped)"
	kfuncsUnread = "its symbols contradict its .BTF_ids (%v), so it is not known whether BPF programs find its kfuncs, " +
		"nor whether registering them fails"
	kfuncsMissingFail = "; registering them fails (-2), and usually the module's init with it"
)

// What is wrong with a package's dependencies.
const (
	labelProvides   = "it provides %s and ships no vmlinux with that base"
	labelOwn        = "; its own is "
	labelRequires   = "it requires %s, and its modules were built on %s"
	labelNoProvides = "it ships a vmlinux and does not provide %s"
	labelNoRequires = "its modules were built on another package's vmlinux, and it does not require %s"
)

// What was not checked; the file stands in front.
const (
	noBase          = "no kernel with BTF in it"
	manyBases       = "%d kernels in it; name the file of one"
	nothingIn       = "no kernel and no module in it, so nothing of it was checked"
	ownOtherName    = "not what these modules were built on, and not used: %s was built for %s, and this kernel is %s"
	ownBeside       = "not what these modules were built on, and not used: %s lies beside the vmlinux that it was built on, %s"
	ownContradicted = "not what these modules were built on, and not used: %s of %s %s it"
	ownOther        = "not what the modules were built on: the kernels of their own builds are here, and have other bases"
	noMatch         = "nothing was compared: no kernelrelease of it is one of the new build, whose modules are looked for by that name"
	// Of two kernelreleases, with a command, and of one for two architectures.
	noMatchNames = "nothing was compared: the old build is %s, the new one %s. They have separate folders below /lib/modules, " +
		"so an update does not mix them. Modules of other packages can still meet both: give these too. " +
		"To check modules of the one on the other all the same: %s"
	crossCommand    = "obs-btf-guard check --base %s --own-base %s %s"
	noMatchArchs    = "nothing was compared: the old build is %s, the new one %s"
	oneBuild        = "nothing was compared: both sides are the same build"
	noModulesEither = "nothing was compared: neither build has modules. Give them too, or the packages that have them"
	noAnswer        = "no module shows whether it was built on this kernel; --own-base BUILT-ON tells"
	noneWithBTF     = "none of these modules has BTF, and no vmlinux of theirs was given, which would say whether those of a kernel should have some"
	noModules       = "a kernel without modules, so nothing was checked. Give its modules too, or the packages that have them"
	wrongArch       = "not checked: it is built for %s, the base for %s"
	linkNotKnown    = "not checked on %s (%s): whether its modules are linked into %s is not known, since %s"
	notBuiltOn      = "%s: %s, so the base it was built on is not known"
)

// Means says what a verdict means where a module is loaded whose refused BTF the kernel
// treats so, "" where there is nothing to say.
func (v Verdict) Means(allow verify.Allow) string {
	switch v {
	case Rejected, Unrelocatable:
		return refused(allow)
	case Misread:
		return loadsMisread
	case Malformed:
		return doesNotLoad
	}
	return ""
}

func refused(allow verify.Allow) string {
	switch allow {
	case verify.AllowYes:
		return "loads without BTF (CONFIG_MODULE_ALLOW_BTF_MISMATCH=y): fentry, kfuncs and CO-RE on its types are gone"
	case verify.AllowNo:
		return "does not load (CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set)"
	}
	return "does not load, or loads without BTF where CONFIG_MODULE_ALLOW_BTF_MISMATCH=y: this kernel's config is not known"
}

// lasts says until when BTF is gone.
func lasts(f *Finding) string {
	if f.Base.Origin == Against {
		return "its BTF is gone until the reboot into the new build"
	}
	return "its BTF is gone until its package is updated, too"
}

// unmatched says which types keep a module from following to another vmlinux.
func unmatched(all []relocate.Unmatched) []string {
	var out []string
	for _, u := range all {
		kind := strings.ToLower(u.Kind.String())
		switch {
		case u.Sizes == nil:
			out = append(out, fmt.Sprintf("this vmlinux has no %s %s", kind, u.Name))
		case u.Holds:
			out = append(out, fmt.Sprintf("it holds a %s %s by value, of %s: this vmlinux has one of %s", kind, u.Name, prose.Several(int(u.Size), "byte"), sizes(u.Sizes)))
		default:
			out = append(out, fmt.Sprintf("it uses a %s %s of %s: this vmlinux has one of %s", kind, u.Name, prose.Several(int(u.Size), "byte"), sizes(u.Sizes)))
		}
	}
	return few(out)
}

func sizes(all []uint32) string {
	var out []string
	for _, n := range all {
		out = append(out, prose.Number(int(n)))
	}
	return strings.Join(out, " and ") + " bytes"
}

// anotherBase says how far apart two bases are.
func anotherBase(own, b *Base) string {
	return fmt.Sprintf("built on base %s (%s types, %s string bytes), read on %s (%s types, %s string bytes)",
		own.Fingerprint.Base.Short(), prose.Number(own.Table.Len()), prose.Number(int(own.Table.EndString())),
		b.Fingerprint.Base.Short(), prose.Number(b.Table.Len()), prose.Number(int(b.Table.EndString())))
}

// Sentence says whether the two builds are safe, "" where modules of one are not known.
func (s Survival) Sentence() string {
	drifted := ""
	if n := s.New.Drifted + s.Old.Drifted; n > 0 {
		drifted = fmt.Sprintf("; %s types whose definition changed", prose.Several(n, "module")+" "+map[bool]string{true: "refers to", false: "refer to"}[n == 1])
	}
	new, old := prose.Several(s.New.Modules, "module"), prose.Number(s.Old.Modules)
	switch {
	case s.Safe():
		return fmt.Sprintf("rebuild-safe: %s the old vmlinux, and %s the new one%s",
			s.New.fits(new+" of the new build"), s.Old.fits(old+" of the old build"), drifted)
	case s.FromNow():
		return fmt.Sprintf("rebuild-safe from this build on: %s the old vmlinux; the old build has no .BTF.base, so that %s the new vmlinux%s",
			s.New.fits(new), s.Old.fare("its "+old), drifted)
	case s.New.Modules > 0 && s.Old.Modules > 0:
		not := "not"
		if s.New.misfit()+s.Old.misfit() == 0 {
			not = "not proven"
		}
		return fmt.Sprintf("%s rebuild-safe: %s the old vmlinux, and %s the new one%s",
			not, s.New.fare(new+" of the new build"), s.Old.fare(old+" of the old build"), drifted)
	}
	return ""
}

// fits is "all 3 modules fit" of "3 modules".
func (c Crossing) fits(modules string) string {
	if c.Modules == 1 {
		return "the " + modules + " fits"
	}
	return "all " + modules + " fit"
}

// fare is "2 of 3 modules do not fit" of "3 modules", or what else becomes of them.
func (c Crossing) fare(modules string) string {
	n, do, be := c.misfit(), "do", "are"
	if n == 1 {
		do = "does"
	}
	if c.Unproven == 1 {
		be = "is"
	}
	switch {
	case c.whole():
		return c.fits(modules)
	case n == 0:
		return fmt.Sprintf("%s of %s %s not proven to fit", prose.Number(c.Unproven), modules, be)
	case c.Unproven > 0:
		modules += fmt.Sprintf(" (%s more %s unproven)", prose.Number(c.Unproven), be)
	}
	return fmt.Sprintf("%s of %s %s not fit", prose.Number(n), modules, do)
}

func (r Repetition) String() string {
	return fmt.Sprintf("repeat %s, %s of %s bytes of .BTF", prose.Several(r.Structs, "struct"), prose.Number(r.Bytes), prose.Number(r.Of))
}

func (r *Repeats) sentence() string {
	s := "it repeats " + prose.Several(len(r.Structs), "struct") + " of the vmlinux"
	if r.Copies > len(r.Structs) {
		s += ", " + prose.Number(r.Copies) + " times in all"
	}
	const most = 5
	s += fmt.Sprintf(" (%s): %s of the %s bytes of its .BTF. ", prose.First(r.Structs, most), prose.Number(r.Bytes), prose.Number(r.Of))
	if r.Kfuncs != nil {
		return s + fmt.Sprintf("The BPF verifier takes the two for different types, so that it refuses %s with a pointer from the vmlinux or from another module",
			counted(len(r.Kfuncs), "kfunc", r.Kfuncs...))
	}
	return s + "The BPF verifier takes the two for different types, so that it refuses a pointer to the one where the other is expected"
}

// counted is "2 kfuncs, a and b": the number, the word and the first names.
func counted(n int, word string, names ...string) string {
	s := prose.Several(n, word)
	const most = 8
	switch {
	case len(names) == 0:
		return s
	case len(names) > most:
		return s + ", " + prose.First(names, most)
	case len(names) == 1:
		return s + ", " + names[0]
	}
	return s + ", " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func oneOrAll(n int, one, all string) string {
	if n == 1 {
		return one
	}
	return all
}

func (e *NoVmlinux) Error() string {
	return fmt.Sprintf("%s not checked: no vmlinux of %s was given", prose.Several(e.Modules, "module"), e.Kernel)
}

func kernelName(release, arch string) string {
	switch {
	case release == "":
		return "an unnamed kernelrelease"
	case arch == "":
		return release
	}
	return release + " (" + arch + ")"
}

// few bounds what is said of one package, or a list of names.
func few(reasons []string) []string {
	const most = 10
	if n := len(reasons) - most; n > 0 {
		return append(reasons[:most:most], fmt.Sprintf("and %d more", n))
	}
	return reasons
}
