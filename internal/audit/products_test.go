// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// TestProducts asks the same of a folder, of a repository and of OBS: what is in two
// products like real ones gets the right answer each time, by the content of packages,
// by what is remembered of it and by their tokens. The right ones stand beside the
// products.
func TestProducts(t *testing.T) {
	for _, name := range []string{"leap", "rhel"} {
		answers, err := os.ReadFile("../../testdata/products/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSpace(string(answers)), "\n")
		for _, by := range []string{"content", "token", "token, and their modules"} {
			dir, folder := t.TempDir(), t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../testdata/products/"+name)); err != nil {
				t.Fatal(err)
			}
			if by != "content" {
				stampProduct(t, dir)
			}
			if strings.HasSuffix(by, "modules") {
				forgetNeeds(t, dir)
			}
			if err := os.CopyFS(folder, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			repositoryOf(t, filepath.Join(dir, "released"))
			repositoryOf(t, filepath.Join(dir, "update"))
			obs := &productOBS{fakeOBS{t: t}, dir}
			for kind, sources := range map[string][]string{
				"folder":     {folder},
				"repository": {filepath.Join(dir, "released"), filepath.Join(dir, "update")},
				"OBS":        {"obs:released", "obs:update"},
			} {
				t.Run(fmt.Sprintf("%s, %s by %s", name, kind, by), func(t *testing.T) {
					o := Options{Sources: sources, Dir: t.TempDir(), Memory: &notebook{}, OBS: func() (OBS, error) { return obs, nil }}
					for _, again := range []bool{false, true} {
						res, err := Run(t.Context(), o)
						if err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(want, answersOf(res)); diff != "" {
							t.Errorf("again %t: %s", again, diff)
						}
					}
				})
			}
		}
	}
}

// answersOf is what a result says of packages, without where it knows it from.
func answersOf(r *Result) (out []string) {
	for _, c := range cells(r) {
		weak := ""
		if c.Weak {
			weak = " by weak-modules"
		}
		out = append(out, fmt.Sprintf("%s on %s %s%s", c.Modules, c.Kernel.Package, c.Fit, weak))
	}
	for _, u := range r.Unlinked {
		out = append(out, fmt.Sprintf("%s is not linked into %s: %s", u.Modules, u.Kernel.Package, u.Why))
	}
	for _, f := range r.Findings {
		if f.Kind != guard.Unlabeled {
			out = append(out, fmt.Sprintf("%s %s %s", f.Kind, f.Package, f.Release))
		}
	}
	for _, p := range r.Problems {
		out = append(out, "problem "+p.Error())
	}
	slices.Sort(out)
	return out
}

// rpmsIn lists the RPMs below a folder.
func rpmsIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".rpm") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatal("no packages", err)
	}
	return paths
}

// open reads the header of an RPM.
func open(t *testing.T, path string) *rpm.Package {
	t.Helper()
	r, err := rpm.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return r.Package
}

// stampProduct writes into each package the tokens that it would have if it had been
// stamped when it was built.
func stampProduct(t *testing.T, dir string) {
	t.Helper()
	inv, err := collect.Read(t.Context(), collect.Packages(dir))
	if err != nil {
		t.Fatal(err)
	}
	bases := map[string]fingerprint.Digest{} // by kernelrelease
	edits := map[string]*rpm.Edit{}
	edit := func(p *guard.Package, kind rpm.Kind, name string) {
		if edits[p.Path] == nil {
			edits[p.Path] = &rpm.Edit{}
		}
		r := rpm.Relation{Kind: kind, Dependency: rpm.Dependency{Name: name}}
		if !slices.Contains(edits[p.Path].Add, r) {
			edits[p.Path].Add = append(edits[p.Path].Add, r)
		}
	}
	for _, b := range inv.Bases {
		bases[b.Release] = b.Fingerprint.Base
		edit(b.Package, rpm.Provides, b.Token())
		edit(b.Package, rpm.Provides, fingerprint.ReleaseToken(b.Release))
	}
	for _, m := range inv.Modules {
		base := bases[m.Release]
		switch m.Package.NEVRA {
		case "kernel-default-optional-6.4.0-150600.23.7.1.x86_64": // of a build that is not here
			base = fingerprint.Digest{1}
		case "kernel-modules-extra-5.14.0-427.el9.x86_64": // of a build of another kernel
			base = bases["5.14.0-430.el9.x86_64"]
		}
		if !slices.ContainsFunc(inv.Bases, func(b *guard.Base) bool { return b.Package == m.Package }) {
			edit(m.Package, rpm.Requires, fingerprint.Requirement(fingerprint.Token(kernel.Flavor(m.Release), base), m.Release))
		}
	}
	for path, e := range edits {
		if _, err := rpm.Rewrite(t.Context(), path, *e); err != nil {
			t.Fatal(err)
		}
	}
}

// forgetNeeds takes away what packages of modules that are linked into other kernels say
// of the symbols that they need.
func forgetNeeds(t *testing.T, dir string) {
	t.Helper()
	for _, path := range rpmsIn(t, dir) {
		name := filepath.Base(path)
		if !strings.HasPrefix(name, "xpad-kmp-") && !strings.HasPrefix(name, "ipheth-kmp-") && !strings.HasPrefix(name, "kmod-xpad") && !strings.HasPrefix(name, "kmod-ipheth") {
			continue
		}
		drop := func(r rpm.Relation) bool {
			_, _, _, ok := kernel.ParseKsym(r.Dependency.Name, r.Dependency.Version)
			return r.Kind == rpm.Requires && ok
		}
		if _, err := rpm.Rewrite(t.Context(), path, rpm.Edit{Drop: drop}); err != nil {
			t.Fatal(err)
		}
	}
}

// repositoryOf writes the metadata of a repository beside the RPMs in a folder, as
// createrepo_c does.
func repositoryOf(t *testing.T, dir string) {
	t.Helper()
	type entry struct {
		Name  string `xml:"name,attr"`
		Flags string `xml:"flags,attr,omitempty"`
		Epoch string `xml:"epoch,attr,omitempty"`
		Ver   string `xml:"ver,attr,omitempty"`
		Rel   string `xml:"rel,attr,omitempty"`
	}
	type deps struct {
		Entries []entry `xml:"rpm:entry"`
	}
	entries := func(list []rpm.Dependency) (out deps) {
		for _, d := range list {
			e := entry{Name: d.Name, Flags: map[uint32]string{rpm.SenseEqual: "EQ", rpm.SenseGreater | rpm.SenseEqual: "GE"}[d.Flags&(rpm.SenseLess|rpm.SenseGreater|rpm.SenseEqual)]}
			if e.Flags != "" {
				e.Epoch = "0"
				e.Ver, e.Rel, _ = strings.Cut(d.Version, "-")
			}
			out.Entries = append(out.Entries, e)
		}
		return out
	}
	type version struct {
		Epoch string `xml:"epoch,attr"`
		Ver   string `xml:"ver,attr"`
		Rel   string `xml:"rel,attr"`
	}
	type pkg struct {
		XMLName  xml.Name `xml:"package"`
		Type     string   `xml:"type,attr"`
		Name     string   `xml:"name"`
		Arch     string   `xml:"arch"`
		Version  version  `xml:"version"`
		Checksum struct {
			Type  string `xml:"type,attr"`
			PkgID string `xml:"pkgid,attr"`
			Sum   string `xml:",chardata"`
		} `xml:"checksum"`
		Time struct {
			Build int64 `xml:"build,attr"`
		} `xml:"time"`
		Size struct {
			Package int `xml:"package,attr"`
		} `xml:"size"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
		SourceRPM string `xml:"format>rpm:sourcerpm"`
		Host      string `xml:"format>rpm:buildhost"`
		Provides  deps   `xml:"format>rpm:provides"`
		Requires  deps   `xml:"format>rpm:requires"`
	}
	type files struct {
		XMLName xml.Name `xml:"package"`
		PkgID   string   `xml:"pkgid,attr"`
		Name    string   `xml:"name,attr"`
		Arch    string   `xml:"arch,attr"`
		Version version  `xml:"version"`
		Files   []string `xml:"file"`
	}
	var primary, filelists strings.Builder
	add := func(b *strings.Builder, v any) {
		data, err := xml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	for _, path := range rpmsIn(t, dir) {
		h := open(t, path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p := pkg{Type: "rpm", Name: h.Name, Arch: h.Arch, Version: version{"0", h.Version, h.Release}, SourceRPM: h.SourceRPM, Host: h.BuildHost,
			Provides: entries(h.Provides), Requires: entries(h.Requires)}
		p.Checksum.Type, p.Checksum.PkgID, p.Checksum.Sum = "sha256", "YES", hexSum(data)
		p.Time.Build, p.Size.Package, p.Location.Href = h.BuildTime.Unix(), len(data), filepath.Base(path)
		add(&primary, p)
		f := files{PkgID: hexSum(data), Name: h.Name, Arch: h.Arch, Version: p.Version}
		for _, file := range h.Files {
			f.Files = append(f.Files, file.Path)
		}
		add(&filelists, f)
	}
	writeRepository(t, dir, `<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">`+primary.String()+"</metadata>", "<filelists>"+filelists.String()+"</filelists>")
}

// productOBS has a product's repositories as projects, with the packages of each
// architecture apart and without versions in their names.
type productOBS struct {
	fakeOBS
	dir string
}

func (o *productOBS) Repositories(context.Context, string) ([]api.Repository, error) {
	return []api.Repository{{Name: "standard", Arches: []string{"x86_64", "i586"}}}, nil
}

// paths are the files of a project for an architecture, by name.
func (o *productOBS) paths(t api.Target) map[string]string {
	out := map[string]string{}
	for _, path := range rpmsIn(o.t, filepath.Join(o.dir, t.Project)) {
		p := open(o.t, path)
		for _, arch := range map[string][]string{"i686": {"i586"}, "noarch": {"x86_64", "i586"}}[p.Arch] {
			if arch == t.Arch {
				out[p.Name+".rpm"] = path
			}
		}
		if p.Arch == t.Arch {
			out[p.Name+".rpm"] = path
		}
	}
	return out
}

func (o *productOBS) Binaries(_ context.Context, t api.Target) (out []api.Binary, err error) {
	for name, path := range o.paths(t) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		out = append(out, api.Binary{Name: name, Size: info.Size()})
	}
	slices.SortFunc(out, func(a, b api.Binary) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (o *productOBS) DepInfo(context.Context, string, string, string) ([]api.Dependencies, error) {
	return nil, nil
}

func (o *productOBS) FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error) {
	path := o.paths(t)[file]
	if path == "" {
		return api.FileInfo{}, errors.New("no such file")
	}
	f := fakeOBS{t: o.t, files: map[string]string{file: path}}
	i, err := f.FileInfo(ctx, t, file)
	if info, statErr := os.Stat(path); statErr == nil {
		i.Size = info.Size()
	}
	return i, err
}

func (o *productOBS) Download(ctx context.Context, t api.Target, b api.Binary, dir string) (string, error) {
	f := fakeOBS{t: o.t, files: o.paths(t)}
	return f.Download(ctx, t, b, dir)
}
