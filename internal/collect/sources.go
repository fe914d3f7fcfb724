// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"errors"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Sources says what to collect and what is known beforehand. Each caller has its own
// constructor; the fields that it leaves empty may be set.
type Sources struct {
	Paths   []string // files, packages and folders that are judged
	Against []string // an older build, or a kernel, to compare them with
	Base    string   // one vmlinux, raw table or package that every module is checked against
	OwnBase string   // likewise, that modules of no known build were built on

	Assumed  guard.Assumed
	Progress *Progress // may be nil

	// Cache keeps what is read of RPMs from run to run; nil if nothing is to be kept.
	// It makes no difference to the result.
	Cache *cache.Dir

	// Remembered are packages that are judged like those of Paths and need not be here:
	// Cache has what was read of them.
	Remembered []Remembered

	installed []InstalledKernel
	built     *Built // the packages in Paths come out of one build, and are open
	found     bool   // the paths were found, not given: of each by itself nothing is expected
	apart     bool   // Paths and Against are builds, and a package that both have counts on both sides
	labeled   bool   // each package should carry its kernel-btf(...) tokens
	basesOnly bool   // modules inside packages are left unread
	headers   bool   // of packages nothing but the headers is read
	rpms      bool   // the paths are for RPMs, which are changed
	explain   bool   // what explains a base is kept: its exports, and compilers
}

// InstalledKernel is the vmlinux of an installed package.
type InstalledKernel struct {
	Path  string
	Owner string // NEVRA of the package, "" if it is not known
}

// Check is for people who name what is to be judged: each path must come to
// something.
func Check(paths ...string) Sources { return Sources{Paths: paths} }

// Hook is for the check of a build: its packages, however many times they were
// packaged, former results, and the kernels of other packages that the modules will
// meet. labeled: each package should carry its kernel-btf(...) tokens. It serves one
// Read, in which the packages are read to their ends.
func Hook(built *Built, old []string, installed []InstalledKernel, labeled bool) Sources {
	return Sources{
		Paths: built.paths, Against: old, installed: installed, built: built,
		found: true, apart: true, labeled: labeled,
	}
}

// Remembered is a package that was read another time, from a file that is known to be
// the same.
type Remembered struct {
	Path   string // what it is called in the inventory
	Digest string // SHA-256 of its header in hex
}

// ErrForgotten is the problem of a package that Cache does not have, or no longer.
var ErrForgotten = errors.New("what was read of the package is no longer kept")

// Packages is for packages that were found elsewhere, in a repository or build root.
func Packages(paths ...string) Sources { return Sources{Paths: paths, found: true} }

// Stamp is for packages that get tokens, with the kernels that their modules were
// built for. Where tokens are only removed, the headers say which.
func Stamp(packages, with []string, remove bool) Sources {
	return Sources{Paths: packages, Against: with, found: true, headers: remove, rpms: true}
}

// Fingerprints is for the bases in files and packages, and the modules in packages
// as well if they are asked for.
func Fingerprints(paths []string, modules bool) Sources {
	return Sources{Paths: paths, found: true, basesOnly: !modules}
}

// Explain is for what became of one kernel in another, and why.
func Explain(old, new string) Sources {
	return Sources{Paths: []string{new}, Against: []string{old}, found: true, apart: true, explain: true}
}

func (s Sources) arguments() []guard.Argument {
	var out []guard.Argument
	add := func(origin guard.Origin, found bool, paths ...string) {
		for _, p := range paths {
			out = append(out, guard.Argument{Path: p, Origin: origin, Found: found})
		}
	}
	if s.Base != "" {
		add(guard.Given, false, s.Base)
	}
	if s.OwnBase != "" {
		add(guard.Own, false, s.OwnBase)
	}
	add(guard.New, s.found, s.Paths...)
	add(guard.Against, s.found, s.Against...)
	for _, k := range s.installed {
		add(guard.Installed, false, k.Path)
	}
	return out
}
