// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// distilSpec packs a kernel as openSUSE does: its files, then the scripts of brp-suse
// in the order of their names, of which the last compresses.
const distilSpec = `Name: kernel-default
Version: 6.12.4
Release: 1.1
Summary: x
License: GPL-2.0-only
AutoReqProv: no
BuildArch: x86_64
%define __os_install_post %{brp}; find %{buildroot} -name '*.ko' -exec zstd -q --rm {} + ; xz -9 %{buildroot}%{modules}/vmlinux
%define modules /usr/lib/modules/6.12.4-1-default
%description
x
%install
mkdir -p %{buildroot}%{modules}/kernel
cp %{fixtures}/ipheth.ko %{fixtures}/conn.ko %{buildroot}%{modules}/kernel
xz -dc %{fixtures}/vmlinux-1.1.xz > %{buildroot}%{modules}/vmlinux
ln -s usr/lib %{buildroot}/lib
%files
%{modules}
/lib
`

// TestDistilInBuild has rpmbuild distill what it packs: the modules then fit the
// rebuild of their kernel, which they would not have.
func TestDistilInBuild(t *testing.T) {
	needs(t, "rpmbuild", "xz", "zstd")
	fixtures, err := filepath.Abs("../../testdata/distil")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../../obs/brp-50-kernel-btf")
	if err != nil {
		t.Fatal(err)
	}
	spec := filepath.Join(t.TempDir(), "kernel-default.spec")
	writeFile(t, spec, distilSpec)
	t.Setenv("OBS_BTF_GUARD", program)
	build := func(brp string) (rpm, log string) {
		out := t.TempDir()
		log = harness.Must(t, "sh", "-c", `exec rpmbuild -bb --target x86_64 "$@" 2>&1`, "sh", "--define", "_topdir "+t.TempDir(), "--define", "_rpmdir "+out,
			"--define", "_build_name_fmt %%{NAME}.rpm", "--define", "debug_package %{nil}", "--define", "brp "+brp, "--define", "fixtures "+fixtures, spec)
		return filepath.Join(out, "kernel-default.rpm"), log
	}
	rebuilt := filepath.Join(fixtures, "vmlinux-1.3.xz")
	plain, _ := build("true")
	distilled, log := build(script)
	if want := "2 distilled ("; !strings.Contains(log, want) {
		t.Errorf("the build log lacks %q:\n%s", want, log)
	}
	if strings.Contains(log, "2 had a .BTF.base") {
		t.Errorf("it looked at modules a second time, by /lib:\n%s", log)
	}
	if o := guard(t, "check", "--no-db", plain, "--base", rebuilt); o.Status != 1 || !strings.Contains(o.Stdout, "1 rejected, 1 misread") {
		t.Errorf("plain modules on the rebuild: exit status %d\n%s", o.Status, o.All())
	}
	for name, args := range map[string][]string{
		"on the rebuild": {"check", "--no-db", distilled, "--base", rebuilt},
		"on its own":     {"check", "--no-db", distilled},
	} {
		if o := guard(t, args...); o.Status != 0 || !strings.Contains(o.Stdout, "2 relocatable") {
			t.Errorf("distilled modules %s: exit status %d\n%s", name, o.Status, o.All())
		}
	}
}
