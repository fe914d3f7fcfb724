// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// Which package gets what, with each strength. A kernel before 5.18 has no
// CONFIG_MODULE_ALLOW_BTF_MISMATCH and refuses what does not fit.
func TestStrength(t *testing.T) {
	h := newHost(t, true)
	plain, allowing := unpackBuild(t, "1.3"), unpackBuild(t, "1.3")
	allowing.configure(t, "CONFIG_MODULE_ALLOW_BTF_MISMATCH=y")
	token := plain.token(t)
	for _, tt := range []struct {
		name    string
		tree    tree
		defines []string
		modules metadata // of packages with nothing but modules
	}{
		{"config refuses", plain, nil, metadata{requires: one(token)}},
		{"config allows", allowing, nil, metadata{recommends: one(token)}},
		{"requires, config allows", allowing, []string{"kernel_btf_strength requires"}, metadata{requires: one(token)}},
		{"recommends", plain, []string{"kernel_btf_strength recommends"}, metadata{recommends: one(token)}},
		{"none", plain, []string{"kernel_btf_strength none"}, metadata{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := h.kernel(t, tt.tree, "1.3", tt.defines...)
			metadata{provides: one(token)}.check(t, b.rpms["kernel-default"])
			tt.modules.check(t, b.rpms["kernel-default-extra"])
			tt.modules.check(t, b.rpms["dlm-kmp-default"])
			if said := b.said(); len(said) > 0 {
				t.Errorf("the generator said %q", said)
			}
		})
	}
}

// A strength that is none writes no dependency and does not fail the build; its log names
// the macro.
func TestWrongStrength(t *testing.T) {
	h := newHost(t, true)
	tr := unpackBuild(t, "1.3")
	b := h.kernel(t, tr, "1.3", "kernel_btf_strength often")
	metadata{provides: one(tr.token(t))}.check(t, b.rpms["kernel-default"])
	metadata{}.check(t, b.rpms["dlm-kmp-default"])
	said := b.said()
	if len(said) == 0 {
		t.Fatal("the log says nothing")
	}
	for _, line := range said {
		if !strings.Contains(line, "%kernel_btf_strength") || !strings.Contains(line, "often") {
			t.Errorf("the generator said %q", line)
		}
	}
}

// The old layout has the vmlinux in /boot, with the kernelrelease in its name.
func TestBootLayout(t *testing.T) {
	for _, suffix := range []string{"", ".gz", ".xz"} {
		t.Run("vmlinux-"+krel+suffix, func(t *testing.T) {
			h := newHost(t, true)
			tr := unpackBuild(t, "1.3")
			token := tr.token(t)
			boot := filepath.Join(string(tr), "boot", "vmlinux-"+krel)
			replace(t, tr.vmlinux(t), boot)
			switch suffix {
			case ".gz":
				harness.Must(t, "gzip", boot)
			case ".xz":
				harness.Must(t, "xz", boot)
			}
			if err := os.Remove(tr.modules("vmlinux.xz")); err != nil {
				t.Fatal(err)
			}
			b := h.kernel(t, tr, "1.3")
			metadata{provides: one(token)}.check(t, b.rpms["kernel-default"])
			metadata{requires: one(token)}.check(t, b.rpms["kernel-default-extra"])
			metadata{requires: one(token)}.check(t, b.rpms["dlm-kmp-default"])
		})
	}
}

// A module of another build gets no dependency, and the log says why, once.
func TestStaleModule(t *testing.T) {
	h := newHost(t, true)
	tr, older := unpackBuild(t, "1.3"), unpackBuild(t, "1.1")
	token := tr.token(t)
	const stale = "kernel/net/ipv4/tcp_bbr.ko"
	replace(t, older.modules(stale), tr.modules(stale))
	b := h.kernel(t, tr, "1.3")
	metadata{provides: one(token)}.check(t, b.rpms["kernel-default"])
	metadata{requires: one(token)}.check(t, b.rpms["kernel-default-extra"])
	metadata{}.check(t, b.rpms["dlm-kmp-default"])
	if said := b.said(); len(said) != 1 || !strings.Contains(said[0], stale) || !strings.Contains(said[0], "rejected") {
		t.Errorf("the generator said %q, want one line on %s", said, stale)
	}
}

// kernel-default-base repeats kernel-default's Provides. Its own vmlinux is the
// same, so the token is right, and it depends on nothing but itself.
func TestBasePackage(t *testing.T) {
	h := newHost(t, true)
	tr := unpackBuild(t, "1.3")
	token := tr.token(t)
	kernel := h.kernel(t, tr, "1.3").rpms["kernel-default"]
	b := h.build(t, "kernel-default-base.spec", "tree "+string(tr), "kversion 5.15.12", "rebuild 1.3",
		"copied "+copiedProvides(t, kernel))
	metadata{provides: one(token)}.check(t, b.rpms["kernel-default-base"])
	if o := guard(t, "stamp", "--verify", b.rpms["kernel-default-base"]); o.Status != 0 {
		t.Errorf("stamp --verify: exit status %d\n%s", o.Status, o.All())
	}
}

// Repeated from another kernel-default than the one whose files are packed, the
// token is wrong: the right one stands beside it and --verify tells.
func TestBasePackageOfAnotherBuild(t *testing.T) {
	h := newHost(t, true)
	tr, older := unpackBuild(t, "1.3"), unpackBuild(t, "1.1")
	right, wrong := tr.token(t), older.token(t)
	kernel := h.kernel(t, older, "1.1").rpms["kernel-default"]
	b := h.build(t, "kernel-default-base.spec", "tree "+string(tr), "kversion 5.15.12", "rebuild 1.3",
		"copied "+copiedProvides(t, kernel))
	rpm := b.rpms["kernel-default-base"]
	got := strings.Join(tokens(t, rpm, "provides"), " ")
	if !strings.Contains(got, right) || !strings.Contains(got, wrong) {
		t.Errorf("provides %s, want %s and %s", got, right, wrong)
	}
	o := guard(t, "stamp", "--verify", rpm)
	if o.Status != 1 || !strings.Contains(o.Stdout, "wrong   Provides: "+wrong) {
		t.Errorf("stamp --verify: exit status %d\n%s", o.Status, o.All())
	}
	if o := guard(t, "stamp", rpm); o.Status != 0 {
		t.Errorf("stamp: exit status %d\n%s", o.Status, o.All())
	}
	metadata{provides: one(right)}.check(t, rpm)
}

// copiedProvides writes a package's Provides as lines of a spec, but for its own
// name and for what openSUSE's spec for -base leaves out.
func copiedProvides(t *testing.T, rpm string) string {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(harness.Must(t, "rpm", "-qp", "--nosignature", "--provides", rpm)) {
		name, _, _ := strings.Cut(line, "(")
		if name != "ksym" && name != "kmod" && name != "firmware" && !strings.HasPrefix(line, "kernel-default = ") {
			lines.WriteString("Provides: " + line)
		}
	}
	path := filepath.Join(t.TempDir(), "provides")
	writeFile(t, path, lines.String())
	return path
}

// Both layouts at once, as the links in /boot become files: one base, one token.
func TestTwoCopiesOfVmlinux(t *testing.T) {
	h := newHost(t, true)
	tr := unpackBuild(t, "1.3")
	token := tr.token(t)
	replace(t, tr.modules("vmlinux.xz"), filepath.Join(string(tr), "boot", "vmlinux-"+krel+".xz"))
	b := h.kernel(t, tr, "1.3")
	metadata{provides: one(token)}.check(t, b.rpms["kernel-default"])
	metadata{requires: one(token)}.check(t, b.rpms["kernel-default-extra"])
}

// Nothing that can be wrong with a vmlinux or a module fails a build.
func TestNeverFails(t *testing.T) {
	h := newHost(t, true)
	for name, damage := range map[string]func(t *testing.T, tr tree){
		"no vmlinux": func(t *testing.T, tr tree) {
			if err := os.Remove(tr.modules("vmlinux.xz")); err != nil {
				t.Fatal(err)
			}
		},
		"vmlinux cut short": func(t *testing.T, tr tree) { harness.Must(t, "truncate", "-s", "5000", tr.modules("vmlinux.xz")) },
		"empty module": func(t *testing.T, tr tree) {
			harness.Must(t, "truncate", "-s", "0", tr.modules("kernel/net/ipv4/tcp_bbr.ko"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := unpackBuild(t, "1.3")
			damage(t, tr)
			b := h.kernel(t, tr, "1.3")
			metadata{}.check(t, b.rpms["dlm-kmp-default"])
			if len(b.said()) == 0 {
				t.Error("the build log does not say why there is no token")
			}
			t.Logf("%d lines in the log, the first: %s", len(b.said()), first(b.said()))
		})
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
