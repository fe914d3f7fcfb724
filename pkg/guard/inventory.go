// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Inventory is all that was found in the paths given.
type Inventory struct {
	Arguments []Argument

	Packages []*Package
	Bases    []*Base
	Modules  []*Module
	Problems []Problem

	// Labeled: every new package should carry its tokens, not only those of a build
	// of which some do.
	Labeled bool

	// Memory has what was found in former runs; it may be nil, and makes no difference
	// to what is found.
	Memory Memory
}

// Origin says on which side of a comparison something stands.
type Origin uint8

// The origins.
const (
	New       Origin = iota // what is judged
	Against                 // an older build, or a kernel, that it is compared with
	Installed               // a kernel of another package that new modules will meet
	Given                   // the base named by the user, which every module is compared with
	Own                     // the base named by the user as the one that modules were built on
	Running                 // the kernel that runs, which every module of its tree will meet
)

// Problem is something that could not be read or judged. Whatever it concerns is
// not counted as good.
type Problem struct {
	Path   string // the file or package as given
	Err    error
	Origin Origin
}

func (p Problem) Error() string { return p.Path + ": " + p.Err.Error() }
func (p Problem) Unwrap() error { return p.Err }

// Package is an RPM that was read.
type Package struct {
	Path   string // as given
	Name   string
	NEVRA  string // name-version-release.arch
	Arch   string
	Source string // the source package's name
	// DistURL says where OBS built it: obs://<server>/<project>/<repository>/...
	DistURL string
	Built   time.Time
	Host    string // that it was built on
	// SourceHashes are its kernel-srchash-... provides: the revision of the kernel's
	// source tree (openSUSE's kernel-source).
	SourceHashes []string
	// SourceID is the digest of the source package that was made with it, "" if there
	// was none. Equal ones are of equal sources; a source package that is made again
	// has another.
	SourceID string
	// Digest is the SHA-256 of its header in hex, which copies share. Sealed: the header
	// has a digest of the payload, so that Digest stands for all of the package.
	Digest string
	Sealed bool
	// Build is the same for all packages that one build made, and no other.
	Build          string
	VersionRelease string
	// Flavor is that of the kernels that it has, or has modules for, by its own data
	// (kernel.PackageFlavor); "" where these name none.
	Flavor string
	Origin Origin

	// Its kernel-btf(...) tokens; Requires has those of whatever strength.
	Provides, Requires []string

	// InKernel: it was built with the kernel, and weak-modules leaves it alone
	// (kmp_in_kernel).
	InKernel bool

	Tree string // the argument it was found under
}

// Place is where a loose file was found.
type Place struct {
	Argument string // the argument it was found under
	// Tree is the folder of what it belongs together with: the argument, or where that holds
	// several builds of one kernelrelease, the folder of one.
	Tree string
}

// Base is a vmlinux: what modules are read on.
type Base struct {
	Package *Package // nil for a loose file
	Path    string   // in the package, or the file
	Owner   string   // the package (NEVRA) that a loose file belongs to, if known
	Origin  Origin
	Place

	Arch    string
	Release string // kernelrelease, by path or by what it says itself
	release string // by what it says itself
	Flavor  string
	Banner  string
	// Vermagic is the kernel's own, "" where it is not known.
	Vermagic string
	Config   kernel.Config // nil where it is not known
	// What explains a change: symbols that modules may use, and what compilers wrote
	// into .comment. Both may be missing.
	Exports   Exports
	Compilers []string
	// Symbols are those that modules may use, the vmlinux's and its modules', nil
	// where they are not known.
	Symbols *kernel.Symvers

	BTF []byte // the bytes of .BTF, empty where there is none
	// Table is nil where the vmlinux has no BTF or, with Refused set, where the
	// kernel itself would not read it.
	Table       *btf.Table
	Fingerprint fingerprint.Fingerprint
	Refused     *verify.Result
	cause       cause // of Refused
	// laterAccepts: what refuses the table are rules that later kernels do not have.
	laterAccepts bool
	pointerSize  int
	BootImage    bool // it was a boot image, which holds the same as the vmlinux beside it

	Version verify.Version // that it calls itself or somebody gave it; zero if not known
	Rules   verify.Rules
	Allow   verify.Allow
	// What each rule rests on, and in words that the kernel is not what its version
	// says, "" if it is.
	Decisions []verify.Decision
	Conflict  string
	// IgnoresModules: the kernel does not look at module BTF, as it is older than
	// 5.11 or CONFIG_DEBUG_INFO_BTF_MODULES is not set.
	IgnoresModules bool
}

// Module is a module and its split BTF.
type Module struct {
	Package *Package // nil for a loose file
	Path    string   // in the package, or the file
	Origin  Origin
	Place

	Name    string
	Arch    string // "" for a raw table
	Release string // kernelrelease, by path or vermagic
	Linked  bool   // a loose one that a link puts into the tree of a kernel that it was not built for
	InTree  bool

	Raw       bool   // the file is the bytes of a .BTF and nothing else
	BTF       []byte // .BTF, empty for a module without
	BTFBase   []byte // .BTF.base
	Distilled bool   // there is a .BTF.base, of whatever size

	// What it offers to other modules and, known of modules that may be linked into
	// other kernels ([kernel.Outlives]), needs from these and the kernel.
	Imports []kernel.Import
	Exports map[string]uint32
	needs   *kernel.Symvers // what others need, as far as it records versions

	bits        int           // 32 or 64, 0 for a raw table
	functions   *functions    // nil without a symbol table
	keepsLocals bool          // functions has the local ones too
	ids         []evidence.ID // the numbers of .BTF_ids
	idLists     []ids.List    // likewise, by list, of a module with .BTF.base
	idsUnread   error         // why there are no such lists, though symbols mark numbers
	kfuncs      kfuncs
	thisModule  uint64 // sizeof(struct module) as it was built, 0 if not known
	release     string // kernelrelease, by vermagic
	vermagic    string
	versioned   bool // it has the versions of the symbols that it needs

	Err error // why the file is malformed
}

// build identifies the build that a file came from: that of its package, or the
// tree it lies in.
func build(p *Package, tree string) string {
	if p != nil {
		return p.Build
	}
	return tree
}

// label names a base or module for people: the package it is in, or its path.
func label(p *Package, path string) string {
	if p != nil {
		return p.NEVRA
	}
	return path
}

// meetsFlavor reports whether the module's package is for kernels of the base's flavor.
func (m *Module) meetsFlavor(b *Base) bool {
	of := ""
	if m.Package != nil {
		of = m.Package.Flavor
	}
	return SameFlavor(of, m.Release, b.Flavor, b.Release)
}

// SameFlavor reports whether a kernel is of the flavor that modules are for. Where their
// package names none, kernelreleases are compared, whatever the kernel's package is named.
func SameFlavor(of, release, flavor, kernelrelease string) bool {
	if of != "" {
		return of == flavor
	}
	return kernel.Flavor(release) == kernel.Flavor(kernelrelease)
}

// Vermagic is what the kernel compares with its own before it looks at any BTF.
func (m *Module) Vermagic() string { return m.vermagic }

// Label names the base: its package, or the path of a loose file.
func (b *Base) Label() string {
	if b.Owner != "" {
		return b.Owner
	}
	return label(b.Package, b.Path)
}

// Label names where the module is: its package, or the path of a loose file.
func (m *Module) Label() string { return label(m.Package, m.Path) }

// build identifies the build that the base came out of.
func (b *Base) build() string { return build(b.Package, b.Tree) }

// build identifies the build that the module came out of.
func (m *Module) build() string { return build(m.Package, m.Tree) }

// Named reports whether somebody named a base, of which nothing else counts.
func (o Origin) Named() bool { return o == Given || o == Own || o == Running }
