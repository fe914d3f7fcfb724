// SPDX-License-Identifier: Apache-2.0

// Package audit checks whole repositories and folders: which kernels and which
// packages of modules they have, and which of these fit each other.
//
// [Run] does it and returns a [Result]. Where packages carry kernel-btf(...) tokens,
// these decide. Other packages are read; those of a repository are downloaded one by
// one.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/repomd"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Options say what is checked, and how.
type Options struct {
	// Sources are folders, RPMs, rpm-md repositories by path or URL, and those of
	// OBS as obs:PROJECT/REPOSITORY/ARCH, or all of them as obs:PROJECT/REPOSITORY
	// and obs:PROJECT.
	Sources []string
	// MaxPackages is how many packages of kernels and modules are looked at, 0 for
	// DefaultMaxPackages. More than that is reported as a problem.
	MaxPackages int
	// Requests is how many requests to OBS are under way at once, 0 for
	// DefaultRequests.
	Requests int
	// MetadataOnly leaves the content of packages unread.
	MetadataOnly bool
	// Dir is where Run makes a folder for downloads, "" for the folder of temporary
	// files. Run removes it again.
	Dir string
	Web repomd.Options
	OBS func() (OBS, error) // called once, if a source is in OBS; may be nil
	// Memory is asked before a package is read, and keeps what it had; may be nil.
	Memory Memory
	// Cache keeps what is read of packages; may be nil.
	Cache *cache.Dir
	// Tell reports progress; may be nil.
	Tell func(format string, args ...any)
}

// Result is what was found.
type Result struct {
	Sources  []Source
	Kernels  []*Kernel
	Rows     []*Row    // the matrix, without pairs that never meet
	Findings []Finding // those that are new, where it was compared with an earlier audit
	Known    []Finding // the others
	Since    *Since    // nil where it was not compared
	Changes  []Change
	Problems []guard.Problem // what could not be read; never counted as a fit

	Modules []*Package // with modules

	Unlinked []Unlinked // of each package, the newest few
	Pairs    int        // pairs of packages and kernels that meet, listed or not
	Apart    int        // pairs that weak-modules leaves unlinked, listed or not

	Notes []string // files that lie there and were not looked at
}

// Source is one of the sources as it was read.
type Source struct {
	Name     string `json:"source"`             // without user and query of a URL
	Kind     string `json:"kind"`               // "directory", "package", "repository" or "obs"
	Revision string `json:"revision,omitempty"` // of a repository, may be ""
	Packages int    `json:"packages"`           // in it
}

// Kernel is a vmlinux in a package.
type Kernel struct {
	guard.Vmlinux
	Package *Package
	Allow   verify.Allow // modules whose BTF it refuses; known where it was read

	met, fit int // packages of modules that meet it, and of these, that fit
}

func (k *Kernel) id() guard.KernelID {
	return guard.KernelID{Release: k.Release, Arch: k.Package.arch()}
}

// Cell is a package of modules on a kernel that it can meet.
type Cell struct {
	Modules *Package
	Kernel  *Kernel
	guard.Cell
}

// Kinds are the verdicts that a finding may have, heaviest first.
var Kinds = []guard.Verdict{
	guard.Refused, guard.Stale, guard.Broken, guard.Verdict(guard.OtherMagic), guard.Verdict(guard.OtherHeaders), guard.Mislabeled, guard.Incident,
	guard.Undecided, guard.Unlabeled, guard.Verdict(guard.KfuncsLost), guard.Verdict(guard.IDsUnrelocated), guard.Verdict(guard.ReadersRefuse),
	guard.Verdict(guard.Duplicated), guard.Unproven, guard.Unmet,
}

// DefaultFailOn are the kinds that fail by default: those with which a machine that
// installs from here can end up with modules that do not fit, or with which this is not
// known. Packages for a flavor of which there is no kernel here (Unmet) fail only on
// request.
var DefaultFailOn = []guard.Verdict{
	guard.Refused, guard.Stale, guard.Broken, guard.Verdict(guard.OtherMagic), guard.Verdict(guard.OtherHeaders), guard.Mislabeled, guard.Incident, guard.Undecided,
}

// Finding is something that needs attention.
type Finding struct {
	Kind     guard.Verdict
	Package  *Package // nil for an incident
	Release  string   // kernelrelease, where it is about one
	Arch     string
	Reasons  []string
	Packages []*Package // of an incident, the kernels
}

// Change is what became of a kernel's base from one build of a kernelrelease to
// the next.
type Change struct{ From, To *Kernel }

// Changed reports whether the base changed.
func (c Change) Changed() bool { return c.From.Base != c.To.Base }

// Exit is the exit status: 2 if something could not be read, 1 if there is a
// finding of one of the kinds, otherwise 0.
func (r *Result) Exit(failOn []guard.Verdict) int {
	if len(r.Problems) > 0 {
		return 2
	}
	if slices.ContainsFunc(r.Findings, func(f Finding) bool { return slices.Contains(failOn, f.Kind) }) {
		return 1
	}
	return 0
}

// Run reads the sources and checks all modules in them against all kernels in them.
// What cannot be read becomes a Problem, and the rest is checked all the same. The
// only error is that of ctx.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.OBS != nil {
		o.OBS = sync.OnceValues(o.OBS)
	}
	a := &audit{Options: o, res: &Result{}, remarked: map[string]bool{}, parts: map[*part]bool{}}
	defer a.removeDownloads()
	a.askOBS(ctx)
	for _, s := range o.Sources {
		if err := a.source(ctx, s); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			a.problem(repomd.Name(s), err)
		}
	}
	a.sort()
	if !o.MetadataOnly {
		if err := a.content(ctx); err != nil {
			return nil, err
		}
	}
	a.match(ctx)
	return a.res, ctx.Err()
}

type audit struct {
	Options
	res      *Result
	packages []*Package
	remarked map[string]bool // what is a finding already

	obs    map[string]*ofOBS // by source
	parts  map[*part]bool    // those that were added
	capped bool              // some of them had too many packages
	one    sync.Mutex        // locked while telling and remembering

	downloads  string // folder, "" until needed
	downloaded int64  // bytes
}

func (a *audit) problem(path string, err error) {
	a.res.Problems = append(a.res.Problems, guard.Problem{Path: path, Err: err})
}

// note keeps what was left out.
func (a *audit) note(format string, args ...any) {
	a.res.Notes = append(a.res.Notes, fmt.Sprintf(format, args...))
}

func (a *audit) tell(format string, args ...any) {
	if a.Tell != nil {
		a.one.Lock()
		defer a.one.Unlock()
		a.Tell(format, args...)
	}
}

// sort orders the packages, leaves out copies, and lists the kernels.
func (a *audit) sort() {
	slices.SortStableFunc(a.packages, comparePackages)
	a.packages = slices.CompactFunc(a.packages, func(p, q *Package) bool { return p.copyOf(q) })
	for _, p := range a.packages {
		p.findKernels()
	}
	a.listKernels()
}

// comparePackages orders by name, architecture, and then age.
func comparePackages(p, q *Package) int {
	return cmp.Or(
		strings.Compare(p.Name, q.Name),
		strings.Compare(p.arch(), q.arch()),
		rpm.CompareEVR(p.evr, q.evr),
		p.Built.Compare(q.Built),
		strings.Compare(p.id(), q.id()),
		strings.Compare(p.digest, q.digest),
	)
}

// Package is a package that ships a kernel or modules, or may.
type Package struct {
	Source string // the one it was found in
	Name   string
	NEVRA  string
	Arch   string
	Built  time.Time

	evr    string // [epoch:]version-release
	digest string // see newPackage
	build  string // the same for all packages of one run of rpmbuild
	flavor string // that it names, "" where it names none

	// Its kernel-btf(...) tokens. Requires has the recommended ones, too.
	Provides, Requires []string
	named              map[string][]string // kernelreleases, by required token, that go with it

	vmlinux  []string // kernelreleases of which it has a vmlinux
	modules  []string // and modules; known only where listed
	listed   bool     // its file list was read
	image    bool     // it has a kernel, even if nothing else is known of it
	maybe    bool     // it may have modules
	placed   bool     // where its modules lie is known
	outlives bool     // some lie where they may be linked into other kernels; known only where placed
	inKernel bool     // it was built with the kernel, and weak-modules2 leaves it alone

	symbols  *kernel.Symvers // that it brings to its kernel, nil where its dependencies do not tell
	linkable *guard.Linkable // what its modules need of other kernels, nil where its dependencies do not tell

	content map[string]*guard.Content // what reading it found, by kernelrelease

	// Of a project in OBS that was named as a whole, whole is its name and repository
	// the one the package is in; both "" for other packages.
	whole, repository string

	part   api.Target // of one in OBS, where it is
	origin string     // and its source package

	debian  bool   // it is a Debian package, which has no kernel-btf(...) dependencies
	place   string // path or URL of the one in its source
	file    string // where it lies, "" until fetched
	size    int64  // of the file in bytes
	changed int64  // when the file here was, in nanoseconds; 0 for one elsewhere
	known   string // what tells the file from others before it is fetched, "" if nothing does
	fetch   func(context.Context) (string, error)
	machine string // that its files are for, "" where that is its architecture
	missing bool   // it could not be fetched or read
	kernels []*Kernel
}
