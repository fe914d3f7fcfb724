// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"maps"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Built is the packages of a build by their headers. [Read] goes on in the files
// that are open here: nobody can exchange one after it was decided by its header
// whether the build is judged.
type Built struct {
	Vmlinux map[guard.KernelID]bool // kernels of which there is a vmlinux or boot image
	Modules map[guard.KernelID]bool // kernels of which there are modules
	Labeled bool                    // some package says that it provides a base
	Unread  []guard.Problem

	paths  []string
	opened map[string]opened
}

// OpenBuilt reads the headers of packages and nothing else of them. Close closes
// them.
func OpenBuilt(paths []string) *Built {
	b := &Built{Vmlinux: map[guard.KernelID]bool{}, Modules: map[guard.KernelID]bool{}, paths: paths, opened: map[string]opened{}}
	for _, path := range paths {
		o := open(path)
		b.opened[path] = o
		if o.err != nil {
			b.Unread = append(b.Unread, guard.Problem{Path: path, Err: o.err})
		}
		if o.pkg != nil {
			b.Labeled = b.Labeled || slices.ContainsFunc(o.pkg.Provides, func(name string) bool {
				_, _, ok := fingerprint.ParseToken(name)
				return ok
			})
		}
		if o.rpm != nil {
			vmlinux, modules := Ships(o.rpm.Package)
			maps.Copy(b.Vmlinux, vmlinux)
			maps.Copy(b.Modules, modules)
		}
	}
	return b
}

// Close closes the packages.
func (b *Built) Close() {
	for _, o := range b.opened {
		if o.rpm != nil {
			o.rpm.Close()
		}
	}
}

// opened is a package whose header was read.
type opened struct {
	pkg *guard.Package // nil for a source package
	rpm *rpm.Reader    // nil where the payload has nothing that matters
	err error
}

func open(path string) opened {
	r, err := OpenRPM(path)
	if err != nil {
		return opened{err: err}
	}
	var o opened
	if !r.Package.IsSource {
		if o.pkg, err = describe(r.Package); err != nil {
			r.Close()
			return opened{err: err}
		}
		o.pkg.Sealed = r.Pinned()
	}
	matters := func(f rpm.File) bool { return role(&f) != kernel.RoleNone }
	if o.pkg != nil && slices.ContainsFunc(r.Package.Files, matters) {
		o.rpm = r
	} else {
		r.Close() // a build can have thousands of packages, and open files have a limit
	}
	return o
}
