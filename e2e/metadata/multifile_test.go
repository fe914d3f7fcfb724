// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// From rpm 4.20 on, one process gets all files of a package and answers in
// their order, each answer behind ";path" as it was given.
func TestMultifile(t *testing.T) {
	needs(t, "rpm2cpio", "cpio", "xz", "objcopy")
	tr, older := unpackBuild(t, "1.3"), unpackBuild(t, "1.1")
	token, release := tr.token(t), fingerprint.ReleaseToken("5.15.12-1-default")
	need := fingerprint.Requirement(tr.token(t), "5.15.12-1-default")
	vmlinux := tr.modules("vmlinux.xz")
	xpad, rndis := tr.modules("kernel/drivers/input/joystick/xpad.ko.zst"), tr.modules("kernel/drivers/net/usb/rndis_host.ko.zst")
	ipheth, stale := tr.modules("kernel/drivers/net/usb/ipheth.ko"), tr.modules("kernel/net/ipv4/tcp_bbr.ko")
	replace(t, older.modules("kernel/net/ipv4/tcp_bbr.ko"), stale)
	doubled := strings.Replace(xpad, "/usr/lib/", "//usr/lib/", 1)

	provides := func(pkg string) []string { return []string{"provides", "--package", pkg} }
	requires := func(pkg string) []string {
		return []string{"requires", "--as", "requires", "--strength", "auto", "--package", pkg}
	}
	for _, tt := range []struct {
		name   string
		args   []string
		paths  []string
		stdout []string
		stderr []string // a part of each line
	}{
		{"kernel-default provides", provides("kernel-default"), []string{ipheth, stale, vmlinux}, []string{";" + vmlinux, token, release}, nil},
		{"kernel-default requires", requires("kernel-default"), []string{ipheth, vmlinux}, nil, nil},
		{"kernel-default-base requires", requires("kernel-default-base"), []string{ipheth, vmlinux}, nil, nil},
		{"extra provides", provides("kernel-default-extra"), []string{xpad, rndis}, nil, nil},
		{"extra requires", requires("kernel-default-extra"), []string{xpad, rndis}, []string{";" + xpad, need, ";" + rndis, need}, nil},
		{"extra recommends", []string{"requires", "--as", "recommends", "--package", "kernel-default-extra"}, []string{xpad, rndis}, nil, nil},
		{"in another order", requires("kernel-default-extra"), []string{rndis, xpad}, []string{";" + rndis, need, ";" + xpad, need}, nil},
		{"a stale module among others", requires("kernel-default-extra"), []string{xpad, stale, rndis},
			[]string{";" + xpad, need, ";" + rndis, need}, []string{"tcp_bbr.ko: no dependency on a base: rejected"}},
		{"a path with //", requires("kernel-default-extra"), []string{doubled}, []string{";" + doubled, need}, nil},
		{"nothing", requires("kernel-default-extra"), nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(program, append(tt.args, "--rpm", "4.20.1")...)
			cmd.Env = append(os.Environ(), "RPM_BUILD_ROOT="+string(tr))
			cmd.Stdin = strings.NewReader(strings.Join(append(tt.paths, ""), "\n"))
			o := harness.Try(t, cmd)
			if want := strings.Join(append(tt.stdout, ""), "\n"); o.Status != 0 || o.Stdout != want {
				t.Errorf("exit status %d, standard output\n%swant\n%s", o.Status, o.Stdout, want)
			}
			lines := strings.Split(strings.TrimSpace(o.Stderr), "\n")
			if o.Stderr == "" {
				lines = nil
			}
			if len(lines) != len(tt.stderr) {
				t.Fatalf("standard error has %d lines, want %d:\n%s", len(lines), len(tt.stderr), o.Stderr)
			}
			for i, part := range tt.stderr {
				if !strings.Contains(lines[i], part) {
					t.Errorf("standard error\n%s\nwant %q", lines[i], part)
				}
			}
		})
	}
}

// The protocol goes by rpm's version.
func TestProtocolByVersion(t *testing.T) {
	needs(t, "rpm2cpio", "cpio", "xz", "objcopy")
	tr := unpackBuild(t, "1.3")
	path, token := tr.modules("vmlinux.xz"), tr.token(t)
	single := token + "\n" + fingerprint.ReleaseToken("5.15.12-1-default") + "\n"
	multi := ";" + path + "\n" + single
	for version, want := range map[string]string{
		"": single, "4.14.3": single, "4.19.1.1": single, "4.20": multi, "4.20.0": multi, "4.20.90": multi, "5.99.91": multi, "6.0.1": multi,
	} {
		cmd := exec.Command(program, "provides", "--package", "kernel-default", "--rpm", version)
		cmd.Env = append(os.Environ(), "RPM_BUILD_ROOT="+string(tr))
		cmd.Stdin = strings.NewReader(path + "\n")
		if o := harness.Try(t, cmd); o.Stdout != want {
			t.Errorf("rpm %q: %q, want %q", version, o.Stdout, want)
		}
	}
}
