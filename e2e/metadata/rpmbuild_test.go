// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// host is a machine that packages are built on: the folder that rpmbuild takes
// for its home, with the macros that make it so.
type host struct {
	home string
}

const settings = `
%_topdir TOPDIR
%_tmppath TOPDIR
%_binary_payload w3.zstdio
%_build_id_links none
%_wrong_version_format_terminate_build 0
%debug_package %{nil}
%__os_install_post %{nil}
%__spec_install_pre %{___build_pre}
%_fileattrsdir FILEATTRS
`

// newHost sets up a machine. With the guard it has kernel_btf.attr and its
// macros beside rpm's own file attributes, as the guard's package installs them.
func newHost(t *testing.T, guarded bool) *host {
	t.Helper()
	needs(t, "rpm", "rpmbuild", "rpm2cpio", "cpio", "xz", "zstd", "objcopy")
	h := &host{home: t.TempDir()}
	attrs := filepath.Join(h.home, "fileattrs")
	if err := os.Mkdir(attrs, 0o755); err != nil {
		t.Fatal(err)
	}
	own := strings.TrimSpace(harness.Must(t, "rpm", "--eval", "%{_fileattrsdir}"))
	harness.Must(t, "sh", "-c", `cp "$1"/*.attr "$2"`, "sh", own, attrs)
	macros := strings.NewReplacer("TOPDIR", filepath.Join(h.home, "rpm"), "FILEATTRS", attrs).Replace(settings)
	if guarded {
		replace(t, filepath.Join(obs, "kernel_btf.attr"), filepath.Join(attrs, "kernel_btf.attr"))
		for _, name := range []string{"macros.kernel-btf", "kernel_btf.attr"} {
			text, err := os.ReadFile(filepath.Join(obs, name))
			if err != nil {
				t.Fatal(err)
			}
			macros += string(text)
		}
		macros += "\n%kernel_btf_guard " + program + "\n"
	}
	writeFile(t, filepath.Join(h.home, ".rpmmacros"), macros)
	return h
}

// built is what came out of one rpmbuild.
type built struct {
	rpms map[string]string // paths by package name
	log  string
	took time.Duration
}

// said lists what the generator wrote into the build log.
func (b *built) said() []string {
	var out []string
	for line := range strings.Lines(b.log) {
		if strings.HasPrefix(line, "obs-btf-guard: ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// build runs rpmbuild on a spec of this folder, or elsewhere, that has to
// succeed. Definitions are "name value".
func (h *host) build(t *testing.T, spec string, defines ...string) *built {
	t.Helper()
	if !filepath.IsAbs(spec) {
		spec = filepath.Join(specs, spec)
	}
	args := []string{"-bb", "--target", "x86_64-suse-linux"}
	for _, d := range defines {
		args = append(args, "--define", d)
	}
	results := filepath.Join(h.home, "rpm", "RPMS")
	if err := os.RemoveAll(results); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("rpmbuild", append(args, spec)...)
	cmd.Env = append(os.Environ(), "HOME="+h.home)
	start := time.Now()
	o := harness.Try(t, cmd)
	b := &built{rpms: map[string]string{}, log: o.All(), took: time.Since(start)}
	if o.Status != 0 {
		t.Fatalf("rpmbuild %s: exit status %d\n%s", filepath.Base(spec), o.Status, b.log)
	}
	rpms, _ := filepath.Glob(filepath.Join(results, "*", "*.rpm"))
	dir := t.TempDir()
	for _, rpm := range rpms {
		name := harness.Must(t, "rpm", "-qp", "--nosignature", "--qf", "%{NAME}", rpm)
		b.rpms[name] = filepath.Join(dir, filepath.Base(rpm))
		harness.Must(t, "cp", "-p", rpm, b.rpms[name])
	}
	if len(b.rpms) == 0 {
		t.Fatalf("rpmbuild %s made no package\n%s", filepath.Base(spec), b.log)
	}
	return b
}

// kernel builds kernel-default, -extra and dlm-kmp-default of a tree.
func (h *host) kernel(t *testing.T, tr tree, rebuild string, defines ...string) *built {
	t.Helper()
	return h.build(t, "kernel-default.spec",
		append([]string{"tree " + string(tr), "kversion 5.15.12", "rebuild " + rebuild}, defines...)...)
}
