// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestConfigBeside looks for a config beside a vmlinux that somebody named, and
// beside one of a build root.
func TestConfigBeside(t *testing.T) {
	const text = "CONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n"
	for _, tc := range []struct {
		name, release string
		lay           func(dir string) error // boot/ is where the vmlinux lies
		named, root   bool                   // the config is read
		err           string                 // a part of it
	}{
		{"none", "6.1", func(string) error { return nil }, false, false, ""},
		{"of its kernelrelease", "6.1", func(dir string) error { return os.WriteFile(dir+"/boot/config-6.1", []byte(text), 0o644) }, true, true, ""},
		{"of none", "6.1", func(dir string) error { return os.WriteFile(dir+"/boot/config", []byte(text), 0o644) }, true, true, ""},
		{"a link out of the folder", "6.1", func(dir string) error { return os.Symlink("../config", dir+"/boot/config-6.1") }, true, false, ""},
		{"a link behind a link", "6.1", func(dir string) error {
			if err := os.Symlink("../config", dir+"/boot/other"); err != nil {
				return err
			}
			return os.Symlink("other", dir+"/boot/.config")
		}, true, false, ""},
		{"a FIFO", "6.1", func(dir string) error { return syscall.Mkfifo(dir+"/boot/config", 0o644) }, false, false, ""},
		{"a kernelrelease that leads elsewhere", "x/../../config", func(dir string) error { return os.Mkdir(dir+"/boot/config-x", 0o755) }, false, false, ""},
		{"too large", "6.1", func(dir string) error {
			if err := os.WriteFile(dir+"/boot/config", nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(dir+"/boot/config", maxConfig+1)
		}, false, false, "boot/config: more than 8388608 bytes"},
	} {
		for origin, want := range map[guard.Origin]bool{guard.Given: tc.named, guard.Installed: tc.root} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(dir+"/boot", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := tc.lay(dir); err != nil {
				t.Fatal(err)
			}
			config, err := configBeside(file{path: dir + "/boot/vmlinux", origin: origin}, tc.release)
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s, origin %v: %v, want %q", tc.name, origin, err, tc.err)
			}
			if on, _ := config.Enabled("CONFIG_MODULE_ALLOW_BTF_MISMATCH"); on != want {
				t.Errorf("%s, origin %v: read %t, want %t", tc.name, origin, on, want)
			}
		}
	}
}

// TestExplained keeps what Sources.Explain asks for, and reads nothing for it
// otherwise.
func TestExplained(t *testing.T) {
	dir := t.TempDir()
	vmlinux := btftest.New()
	vmlinux.Int("int", 4, 1, 32)
	for name, data := range map[string][]byte{
		"vmlinux":        vmlinux.Bytes(),
		"Module.symvers": []byte("0x1\tusb_register\tvmlinux\tEXPORT_SYMBOL\t\n0x2\tipheth_open\tipheth\tEXPORT_SYMBOL\t\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		path    string
		explain bool
		want    string
	}{
		{filepath.Join(dir, "vmlinux"), true, "usb_register"},
		{filepath.Join(dir, "vmlinux"), false, ""},
		{incident + kernel11, false, ""},
	} {
		inv, err := Read(t.Context(), Sources{Against: []string{tc.path}, explain: tc.explain})
		if err != nil || len(inv.Bases) != 1 {
			t.Fatalf("%s: %v, %+v", tc.path, err, inv)
		}
		if got := strings.Join(inv.Bases[0].Exports.Symvers, " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.path, got, tc.want)
		}
	}
	// The fixture has no __ksymtab_strings, but a symvers.gz.
	inv, err := Read(t.Context(), Sources{Paths: []string{incident + kernel11}, explain: true})
	if err != nil || !slices.Contains(inv.Bases[0].Exports.Symvers, "usb_alloc_urb") {
		t.Errorf("%v, %q", err, inv.Bases[0].Exports.Symvers)
	}
	// Its provides tell the same.
	symvers := slices.Sorted(slices.Values(inv.Bases[0].Exports.Symvers))
	if provides := slices.Sorted(slices.Values(inv.Bases[0].Exports.Provides)); !slices.Equal(symvers, provides) {
		t.Errorf("symvers %q, provides %q", symvers, provides)
	}

	// One that cannot be read is said; the kernel counts all the same.
	if err := os.WriteFile(filepath.Join(dir, "symvers.gz"), []byte{0x1f, 0x8b, 8, 0, 0}, 0o644); err != nil {
		t.Fatal(err)
	}
	inv, err = Read(t.Context(), Sources{Against: []string{filepath.Join(dir, "vmlinux")}, explain: true})
	if err != nil || len(inv.Bases) != 1 || len(inv.Problems) != 1 || !strings.Contains(inv.Problems[0].Error(), "vmlinux: symvers beside it: ") {
		t.Errorf("%v, %+v", err, inv.Problems)
	}
}
