// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/deb"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// readDeb reads the kernels and modules of a Debian package, as readPackage does those
// of an RPM. It has no list of files beforehand.
func (c *collector) readDeb(f file) error {
	r, err := deb.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	pkg := describeDeb(r.Package)
	c.addPackage(f, pkg)
	pr := newPackageReader(c, r, pkg)
	defer pr.close()
	if err := pr.readDeb(r); err != nil {
		c.drop(pkg)
		return err
	}
	pr.addBases(nil)
	return nil
}

// describeDeb keeps what matters of the fields. A kernel that is signed is packed by
// another source package than its modules, linux-signed-amd64 for one.
func describeDeb(p *deb.Package) *guard.Package {
	source := p.Source
	if name, _, ok := strings.Cut(source, "-signed"); ok {
		source = name
	}
	return &guard.Package{
		Digest: p.Digest, Name: p.Name, NEVRA: p.String(), Arch: debArch(p.Arch),
		Source: p.Source, VersionRelease: p.Version,
		Build: fmt.Sprintf("deb %s %s %s", source, p.Version, p.Arch),
	}
}

// debArch is an architecture of Debian as RPM names it.
func debArch(arch string) string {
	names := map[string]string{
		"amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "armhf": "armv7hl", "ppc64el": "ppc64le", "all": "noarch",
	}
	if name, ok := names[arch]; ok {
		return name
	}
	return arch // s390x, riscv64, ppc64
}

func (r *packageReader) readDeb(d *deb.Reader) error {
	defer r.opening.Wait()
	var before int64
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		f, err := d.Next()
		n := d.Progress()
		r.sources.Progress.advance(n - before)
		before = n
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		role := kernel.ClassifyPath(f.Path)
		switch {
		case role == kernel.RoleNone, role == kernel.RoleModule && (r.sources.basesOnly || kernelsOnly(r.pkg.Origin)):
		case f.Link != "":
			r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: a hard link to %s, which is not followed", f.Path, f.Link))
		default:
			if err := r.file(map[kernel.Role][]string{role: {f.Path}}, f.Size); err != nil {
				return err
			}
		}
	}
}
