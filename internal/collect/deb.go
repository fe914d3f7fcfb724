// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/deb"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
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
	pr := newPackageReader(c, r, pkg, f.size)
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

// Header describes a Debian package as the header of an RPM does, without reading its
// files where a list of them stands in front.
func Header(ctx context.Context, path string) (*rpm.Package, *guard.Package, error) {
	r, err := deb.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	paths, listed := r.Package.Paths, r.Package.Paths != nil
	for !listed {
		f, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, nil, err
		}
		if kernel.ClassifyPath(f.Path) != kernel.RoleNone {
			if paths = append(paths, f.Path); len(paths) > maxFiles {
				return nil, nil, errFiles
			}
		}
	}
	pkg := describeDeb(r.Package)
	out := &rpm.Package{Name: pkg.Name, Arch: pkg.Arch, HeaderDigest: pkg.Digest}
	out.Version = r.Package.Version
	if epoch, rest, ok := strings.Cut(out.Version, ":"); ok {
		out.Epoch, out.Version = epoch, rest
	}
	if i := strings.LastIndexByte(out.Version, '-'); i >= 0 {
		out.Version, out.Release = out.Version[:i], out.Version[i+1:]
	}
	for _, name := range paths {
		if kernel.ClassifyPath(name) != kernel.RoleNone {
			out.Files = append(out.Files, rpm.File{Path: name, Mode: 0o100644})
		}
	}
	return out, pkg, nil
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
	files := 0
	return eachFile(r, d.Next, d.Progress, func(f deb.File) error {
		role := kernel.ClassifyPath(f.Path)
		switch {
		case role == kernel.RoleNone, role == kernel.RoleModule && (r.sources.basesOnly || kernelsOnly(r.pkg.Origin)):
		case f.Link != "":
			r.problem(r.pkg.Path, r.pkg.Origin, fmt.Errorf("%s: a hard link to %s, which is not followed", f.Path, f.Link))
		default:
			if files++; files > maxFiles {
				return errFiles
			}
			return r.file(map[kernel.Role][]string{role: {f.Path}}, f.Size)
		}
		return nil
	})
}
