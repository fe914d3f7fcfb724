// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plainModule copies a module by name and unpacks it.
func plainModule(t *testing.T, b *build, name string) string {
	t.Helper()
	for _, path := range b.files(t) {
		base := filepath.Base(path)
		if before, _, _ := strings.Cut(base, "."); before != name {
			continue
		}
		to := filepath.Join(t.TempDir(), base)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if plain, packed := strings.CutSuffix(to, ".xz"); packed {
			if out, err := exec.Command("xz", "-d", to).CombinedOutput(); err != nil {
				t.Fatalf("xz: %v\n%s", err, out)
			}
			return plain
		}
		return to
	}
	t.Fatalf("%s has no module %s", b.krel, name)
	return ""
}

// oneNote checks a module on a base, which must come to one note that is not ok, and
// returns it as "rule severity" with its lines.
func oneNote(t *testing.T, base, module string) (what, message string, log []string) {
	t.Helper()
	o := guard(t, "check", "--base", base, module)
	if len(o.Verdicts) != 1 {
		t.Fatalf("%+v", o.Verdicts)
	}
	found := 0
	for _, n := range o.Verdicts[0].Notes {
		if n.Severity != "ok" {
			found++
			what, message, log = n.Rule+" "+n.Severity, n.Message, n.Log
		}
	}
	if found != 1 {
		t.Fatalf("%+v", o.Verdicts)
	}
	return what, message, log
}

// What is noted beside the verdicts has the words that stand in the kernel's own image.
func TestNotes(t *testing.T) {
	pairs(t, func(t *testing.T, _, newer *build) {
		image, err := os.ReadFile(newer.vmlinux(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Run("vermagic", func(t *testing.T) {
			module := plainModule(t, newer, "nf_conntrack")
			data, err := os.ReadFile(module)
			if err != nil {
				t.Fatal(err)
			}
			_, magic, _ := bytes.Cut(data, []byte("\x00vermagic="))
			magic, _, _ = bytes.Cut(magic, []byte{0})
			if !bytes.Contains(image, append(magic, 0)) {
				t.Fatalf("the image has no %q", magic)
			}
			other := bytes.Replace(magic, []byte(" mod_unload "), []byte(" mod_unlaod "), 1)
			if err := os.WriteFile(module, bytes.ReplaceAll(data, magic, other), 0o666); err != nil {
				t.Fatal(err)
			}
			what, _, log := oneNote(t, newer.vmlinuz(), module)
			if want := fmt.Sprintf("nf_conntrack: version magic '%s' should be '%s'", other, magic); what != "vermagic fail" || !slices.Equal(log, []string{want}) {
				t.Errorf("%s: %q, want %q", what, log, want)
			}
			if !bytes.Contains(image, []byte("%s: version magic '%s' should be '%s'\n")) {
				t.Error("the image does not have these words")
			}
		})
		t.Run("kfuncs-lost", func(t *testing.T) {
			module := plainModule(t, newer, "nf_conntrack")
			if out, err := exec.Command("objcopy", "-R", ".BTF", module).CombinedOutput(); err != nil {
				t.Fatalf("objcopy: %v\n%s", err, out)
			}
			what, message, log := oneNote(t, newer.vmlinuz(), module)
			if what != "kfuncs-lost warn" || !strings.Contains(message, "bpf_ct_release") || len(log) != 1 {
				t.Fatalf("%s: %s %q", what, message, log)
			}
			start, feature, _ := strings.Cut(log[0], "register ")
			if !bytes.Contains(image, []byte(log[0]+"\n")) &&
				!(bytes.Contains(image, []byte(start+"register %s\n")) && bytes.Contains(image, []byte("\x00"+feature+"\x00"))) {
				t.Errorf("the image does not have the words of %q", log[0])
			}
		})
		t.Run("other-headers", func(t *testing.T) {
			for _, b := range builds(t) {
				if b.series == newer.series {
					continue
				}
				what, message, log := oneNote(t, newer.vmlinuz(), plainModule(t, b, "crc7"))
				const words = ".gnu.linkonce.this_module section size must match the kernel's built struct module size at run time"
				refuses := bytes.Contains(image, []byte("module %s: "+words+"\n"))
				want := map[bool]string{true: "other-headers fail", false: "other-headers warn"}[refuses]
				if what != want || !strings.Contains(message, "struct module has ") || (len(log) == 1) != refuses ||
					refuses && log[0] != "module crc7: "+words {
					t.Errorf("%s: %s %q, want %s", what, message, log, want)
				}
			}
		})
	})
}
