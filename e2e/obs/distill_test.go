// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestSigningDistilled builds a real kernel as openSUSE does: its modules are distilled
// by brp-50-kernel-btf at the end of %install, packed, and sent to be signed. The second
// stage puts the signatures in, compresses and packs again; brp-50-kernel-btf runs there
// as well and changes nothing. What is left is what kmod can work with.
func TestSigningDistilled(t *testing.T) {
	needs(t)
	tr := distributed(t)
	key := newSigner(t)
	for _, tt := range []struct {
		name    string
		scripts func(*testing.T) string
		raw     bool
	}{
		{"in its shape", func(*testing.T) string { return "pesign" }, false},
		{"pesign-obs-integration", pesign, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scripts := tt.scripts(t)
			one, src := newRoot(t), newSources(t, "kernel-default.spec")
			one.addPesign(t, scripts)
			src.copy(t, key.cert)
			first := one.buildKernel(t, src, tr.tree, "1.1", "--define", "signed 1", "--define", "kernelversion "+tr.version, "--define", "kernelrelease "+tr.krel)
			first.wants(t, 0)
			if want := fmt.Sprintf("\n%d distilled (", len(tr.modules)); !strings.Contains(first.log, want) {
				t.Errorf("the log of the first stage lacks %q", want)
			}
			first.says(t, "before signing: passed", fmt.Sprintf("%d relocatable", len(tr.modules)))

			two := newRoot(t)
			two.addPesign(t, scripts)
			second := two.build(t, key.signed(t, one, tt.raw), "--disturl", disturl)
			second.wants(t, 0)
			if strings.Contains(second.log, " distilled (") {
				t.Error("the second stage distilled something")
			}
			second.says(t, "after signing: passed", fmt.Sprintf("%d relocatable", len(tr.modules)))

			unsigned, done := unpacked(t, first), unpacked(t, second)
			for _, name := range tr.modules {
				tr.compare(t, key, unsigned, done, name)
			}
			indexes := tr.indexes(t, done)
			for name, want := range tr.depmod {
				if got := indexes[name]; got != want {
					t.Errorf("depmod: %s is\n%s\nbefore\n%s", name, got, want)
				}
			}
			t.Logf("%d modules of %s: distilled, signed, compressed", len(tr.modules), tr.krel)
		})
	}
}

// unpacked gives the payloads of all packages of a build.
func unpacked(t *testing.T, o *outcome) tree {
	t.Helper()
	rpms := o.rpms(t)
	return unpack(t, rpms["kernel-default"], rpms["kernel-default-extra"])
}

// distribution is a part of a real kernel as its build left it.
type distribution struct {
	tree          tree
	krel, version string
	modules       []string          // as modinfo names them, sorted
	depmod        map[string]string // what depmod makes of them, by the names of its files
}

// distributed takes the newest kernel that reads .BTF.base of those that make e2e has
// as well, with modules that register functions for BPF, those of kernel-default-extra,
// and all that these need.
func distributed(t *testing.T) *distribution {
	t.Helper()
	const least = "6.12"
	dir := filepath.Join(filepath.Dir(workDir()), "kernels")
	index, err := script("../fetch-kernels.sh", dir)
	if errors.As(err, new(skipped)) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := &distribution{tree: tree(t.TempDir())}
	for line := range strings.Lines(index) {
		if series, krel, _ := strings.Cut(strings.TrimSpace(line), " "); series == least && d.krel == "" {
			d.krel = krel
			d.version, _, _ = strings.Cut(krel, "+")
		}
	}
	if d.krel == "" {
		t.Skipf("no kernel of %s: %s", least, index)
	}
	from := filepath.Join(dir, d.krel)
	files := map[string]string{}
	err = filepath.WalkDir(from, func(path string, _ fs.DirEntry, err error) error {
		if kernel.ClassifyPath(path) == kernel.RoleModule {
			files[kernel.ModuleName(path)] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(from, "boot/vmlinuz-"+d.krel), d.path("vmlinuz"))
	copyFile(t, filepath.Join(from, "boot/config-"+d.krel), d.path("config"))
	for _, name := range []string{"modules.order", "modules.builtin", "modules.builtin.modinfo"} {
		copyFile(t, filepath.Join(from, "lib/modules", d.krel, name), d.path(name))
	}
	for _, name := range []string{"nf_conntrack", "nf_nat", "nf_flow_table", "fou", "xfrm_interface", "tcp_bbr", "tcp_dctcp", "xpad", "rndis_host", "btrfs"} {
		d.add(t, files, name)
	}
	slices.Sort(d.modules)
	d.depmod = d.indexes(t, d.tree)
	if n := strings.Count(d.depmod["modules.dep"], "\n"); n != len(d.modules) {
		t.Fatalf("depmod finds %d modules, want %d", n, len(d.modules))
	}
	return d
}

// path is where the tree has the kernel's files.
func (d *distribution) path(parts ...string) string {
	return filepath.Join(append([]string{string(d.tree), "usr/lib/modules", d.krel}, parts...)...)
}

// module is where a tree has a module, whatever compression it has.
func (d *distribution) module(t *testing.T, tr tree, name string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(string(tr), "usr/lib/modules", d.krel, "kernel", name+".ko*"))
	if len(found) != 1 {
		t.Fatalf("%s: %q", name, found)
	}
	return found[0]
}

// add takes a module and all that it depends on, without compression and signature.
func (d *distribution) add(t *testing.T, files map[string]string, name string) {
	t.Helper()
	if slices.Contains(d.modules, name) || files[name] == "" {
		return // built in
	}
	d.modules = append(d.modules, name)
	for depends := range strings.SplitSeq(must(t, "modinfo", "-F", "depends", files[name]), ",") {
		d.add(t, files, strings.ReplaceAll(depends, "-", "_"))
	}
	data, _ := cutSignature(plain(t, files[name]))
	path := d.path("kernel", name+".ko")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// plain reads a file that xz or zstd compressed.
func plain(t *testing.T, path string) []byte {
	t.Helper()
	switch filepath.Ext(path) {
	case ".xz":
		return bare(t, "xz", "-dc", path)
	case ".zst":
		return bare(t, "zstd", "-q", "-dc", path)
	}
	return bare(t, "cat", path)
}

// compare checks one module behind both stages: it is what the first one distilled, and
// has a signature that holds; modinfo reads of it what it read before.
func (d *distribution) compare(t *testing.T, key signer, unsigned, done tree, name string) {
	t.Helper()
	path := d.module(t, done, name)
	if filepath.Ext(path) != ".zst" {
		t.Errorf("%s is not compressed", path)
	}
	distilled := plain(t, d.module(t, unsigned, name))
	m, err := kernel.OpenModule(distilled, name+".ko")
	if err != nil || !m.HasBTFBase {
		t.Errorf("%s was not distilled: %v", name, err)
	}
	body, signature := cutSignature(plain(t, path))
	if !bytes.Equal(body, distilled) {
		t.Errorf("%s: the second stage changed it: %d bytes, %d before", name, len(body), len(distilled))
	}
	key.verify(t, body, signature)

	modinfo := func(path string) (all, of []string) {
		for line := range strings.Lines(must(t, "modinfo", path)) {
			field, _, _ := strings.Cut(line, ":")
			switch {
			case field == "filename" || strings.HasPrefix(line, "\t"): // further lines of a signature
			case strings.HasPrefix(field, "sig") && field != "sig":
				of = append(of, strings.Join(strings.Fields(line), " "))
			default:
				all = append(all, strings.TrimSpace(line))
			}
		}
		return all, of
	}
	was, none := modinfo(d.path("kernel", name+".ko"))
	is, of := modinfo(path)
	if !slices.Equal(was, is) || none != nil {
		t.Errorf("%s: modinfo reads %q, before %q", name, is, was)
	}
	if all := strings.Join(of, "; "); !strings.Contains(all, "sig_id: PKCS#7; signer: home:e2e OBS Project") || !strings.Contains(all, "sig_hashalgo: sha256") {
		t.Errorf("%s: modinfo reads of the signature %q", name, of)
	}
}

// indexes has depmod read a tree, a copy of it, and gives what it wrote, without the
// endings of compressed files.
func (d *distribution) indexes(t *testing.T, tr tree) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(filepath.Join(dir, "usr"), os.DirFS(filepath.Join(string(tr), "usr"))), os.Symlink("usr/lib", filepath.Join(dir, "lib"))); err != nil {
		t.Fatal(err)
	}
	must(t, "depmod", "-b", dir, d.krel)
	out := map[string]string{}
	for _, name := range []string{"modules.dep", "modules.alias", "modules.symbols", "modules.softdep"} {
		data, err := os.ReadFile(filepath.Join(dir, "lib/modules", d.krel, name))
		if err != nil || len(data) == 0 {
			t.Fatalf("%s has %d bytes: %v", name, len(data), err)
		}
		out[name] = strings.ReplaceAll(string(data), ".ko.zst", ".ko")
	}
	return out
}
