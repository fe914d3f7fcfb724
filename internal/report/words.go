// SPDX-License-Identifier: Apache-2.0

package report

// The words of a report. Others of this layer are in remedy.go (what to do), meanings.go
// and rules.go (what each verdict and note means). The rules for all of them:
//
//   - The reader is a packager at midnight, mostly not a native speaker, and not one of us.
//   - A sentence says what is wrong, with the figures, then what to do. It is short.
//   - Modules are checked on a kernel; they fit or do not fit. A packager builds again.
//   - One word for one thing: an update is two builds of one kernel, one replacing the
//     other; "again" is a finding that does not fail because something is built again;
//     rebuild is the command that has OBS do so.
//   - Machine formats have words of their own, which never change (docs/json.md).

import (
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

var severityWords = map[guard.Severity]string{guard.OK: "ok  ", guard.Warn: "WARN", guard.Rebuild: "AGAIN", guard.Fail: "FAIL"}
var severityColors = map[guard.Severity]string{guard.OK: prose.Green, guard.Warn: prose.Yellow, guard.Rebuild: prose.Yellow, guard.Fail: prose.Red}

const headWhatToDo = "What to do"

// incomplete is for what failed only because something was not read.
const incomplete = "INCOMPLETE"

// outcomes are what the log of a build says first.
var outcomes = map[guard.Severity]string{
	guard.OK:      ": passed",
	guard.Warn:    ": passed with WARNINGS",
	guard.Rebuild: ": passed, but something must be BUILT AGAIN",
	guard.Fail:    ": FAILED",
}

// preface explains to the reader of a log what this is about.
var preface = strings.TrimLeft(`
A kernel carries a description of its data types and functions, called BTF.
Tracing, security tools and BPF programs need it. The BTF of a module goes on
where that of its vmlinux ends, and refers to it by number. On a vmlinux whose
BTF differs by as little as one function, the numbers mean something else. Then
the kernel refuses the module, or loads it without BTF if
CONFIG_MODULE_ALLOW_BTF_MISMATCH is set. Or it accepts the BTF and reads wrong
types, without any message.

`, "\n")

// title says which modules on which vmlinux. path writes the paths of loose files and of the
// folders that they are in.
func (g group) title(path func(string) string) string {
	b, m := g.base(), g[0].Module
	switch {
	case b == nil:
		return "modules without a vmlinux to check them on"
	case g[0].Pairing == guard.PairGiven:
		return "given    modules on " + short(b)
	case g[0].Pairing == guard.PairRunning:
		return "running  modules on disk under " + short(b)
	case g[0].Pairing == guard.PairBuild && b.Package == nil:
		return "build    modules on the vmlinux beside them, " + path(b.Path)
	case g[0].Pairing == guard.PairBuild:
		return "build    modules on their own vmlinux, " + version(b.Package, path(b.Path))
	case g[0].Pairing == guard.PairAcross && m.Package == nil:
		return "across   loose modules on the vmlinux of " + label(b, path)
	case g[0].Pairing == guard.PairAcross && m.Origin == guard.Against:
		return "across   old modules of other packages on the vmlinux of " + label(b, path)
	case g[0].Pairing == guard.PairAcross:
		return "across   modules of other packages on the vmlinux of " + label(b, path)
	case g[0].Pairing == guard.PairWeak && m.Linked:
		return "weak     modules of other kernels, linked into the tree of " + label(b, path)
	case g[0].Pairing == guard.PairWeak && m.Origin == guard.Against:
		return "weak     old modules of " + m.Release + " that weak-modules links here"
	case g[0].Pairing == guard.PairWeak:
		return "weak     modules of " + m.Release + " that weak-modules links here"
	case m.Origin == guard.Against:
		return fmt.Sprintf("update   old modules (%s) under the new vmlinux (%s)", version(m.Package, path(m.Tree)), version(b.Package, path(b.Path)))
	case b.Origin == guard.Against:
		return fmt.Sprintf("update   new modules (%s) while the old vmlinux (%s) still runs", version(m.Package, path(m.Tree)), version(b.Package, path(b.Path)))
	}
	return fmt.Sprintf("update   modules of %s on the vmlinux of %s", version(m.Package, path(m.Tree)), version(b.Package, path(b.Path)))
}

// label is that of a base, with its path written by path if it is a loose file.
func label(b *guard.Base, path func(string) string) string {
	if b.Package == nil && b.Owner == "" {
		return path(b.Path)
	}
	return b.Label()
}

// whole leaves a path as it is.
func whole(path string) string { return path }

// mostPath is how many columns of a line a path of a loose file may have.
const mostPath = 40

// apart gives what shortens the paths of loose kernels and of the folders of modules so that
// those of one result are told apart. A base's line has its path in full.
func apart(r *guard.Result) func(string) string {
	var paths []string
	add := func(path string, p *guard.Package) {
		if p == nil && path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	for _, b := range r.Bases {
		add(b.Path, b.Package)
	}
	var last *guard.Module
	for _, f := range r.Findings {
		if f.Base != nil {
			add(f.Base.Path, f.Base.Package)
		}
		if last == nil || last.Tree != f.Module.Tree {
			add(f.Module.Tree, f.Module.Package)
		}
		last = f.Module
	}
	return func(path string) string { return prose.ShortenApart(path, mostPath, paths) }
}

// short names the one base that all modules meet, whose path stands above in full.
func short(b *guard.Base) string {
	const most = 50
	return prose.Shorten(b.Label(), most)
}

// bases of verdicts, as a verbose text has them in parentheses.
var basisMeanings = map[guard.Basis]string{
	guard.Recorded:   "a kernel-btf dependency of the package names the base",
	guard.Provenance: "module and vmlinux come from the same build, and nothing contradicts it",
	guard.Compared:   "the base that the module was built on was at hand, and both were compared",
	guard.Evidence:   "what the module itself shows for or against this base",
}

// usedWords explains the verdicts of a result and what they rest on.
func usedWords(r *guard.Result) (out []string) {
	verdicts, bases := map[guard.Verdict]bool{}, map[guard.Basis]bool{}
	for _, f := range r.Findings {
		verdicts[f.Verdict], bases[f.Basis] = true, true
	}
	for _, v := range guard.Verdicts {
		if verdicts[v] {
			out = append(out, string(v)+": "+meanings[v])
		}
	}
	for _, b := range []guard.Basis{guard.Recorded, guard.Provenance, guard.Compared, guard.Evidence} {
		if bases[b] {
			out = append(out, "("+string(b)+"): "+basisMeanings[b])
		}
	}
	return out
}
