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

// kmp lays out a module as a module package's tree.
func kmp(t *testing.T, module string) tree {
	t.Helper()
	tr := tree(t.TempDir())
	replace(t, module, tr.modules("updates", filepath.Base(module)))
	return tr
}

// A module without BTF depends on no base, and there is nothing to say about it.
func TestModuleWithoutBTF(t *testing.T) {
	h := newHost(t, true)
	rpms, _ := filepath.Glob(filepath.Join(incident, "5.15.12-1.3", "ipu6-*.rpm"))
	if len(rpms) != 1 {
		t.Fatalf("packages of ipu6: %q", rpms)
	}
	b := h.build(t, "kmp.spec", "tree "+string(unpack(t, rpms...)))
	metadata{}.check(t, b.rpms["thing-kmp-default"])
	if said := b.said(); len(said) > 0 {
		t.Errorf("the generator said %q", said)
	}
}

// A module package that was built against a vmlinux: where is its kernel?
func TestModulePackage(t *testing.T) {
	newer, older := unpackBuild(t, "1.3"), unpackBuild(t, "1.1")
	token := newer.token(t)
	tr := kmp(t, newer.modules("kernel/drivers/input/joystick/xpad.ko.zst"))

	t.Run("nowhere", func(t *testing.T) {
		b := newHost(t, true).build(t, "kmp.spec", "tree "+string(tr))
		metadata{}.check(t, b.rpms["thing-kmp-default"])
		if said := b.said(); len(said) != 1 || !strings.Contains(said[0], "no vmlinux of "+krel) {
			t.Errorf("the generator said %q, want one line on the missing vmlinux", said)
		}
	})
	t.Run("named", func(t *testing.T) {
		b := newHost(t, true).build(t, "kmp.spec", "tree "+string(tr), "kernel_btf_base "+newer.vmlinux(t))
		metadata{requires: one(token)}.check(t, b.rpms["thing-kmp-default"])
	})
	t.Run("wrong one named", func(t *testing.T) {
		b := newHost(t, true).build(t, "kmp.spec", "tree "+string(tr), "kernel_btf_base "+older.vmlinux(t))
		metadata{}.check(t, b.rpms["thing-kmp-default"])
		if len(b.said()) == 0 {
			t.Error("the build log does not say why there is no token")
		}
	})
	// The files keep their times, as those that come out of an archive do.
	t.Run("named in a second build", func(t *testing.T) {
		h := newHost(t, true)
		h.build(t, "kmp.spec", "tree "+string(tr))
		b := h.build(t, "kmp.spec", "tree "+string(tr), "kernel_btf_base "+newer.vmlinux(t))
		metadata{requires: one(token)}.check(t, b.rpms["thing-kmp-default"])
	})
	t.Run("installed", func(t *testing.T) {
		needsRoot(t)
		h := newHost(t, true)
		kernel := h.kernel(t, newer, "1.3").rpms["kernel-default"]
		root := newRoot(t)
		root.must(t, "-i", kernel)
		h.setDatabase(t, filepath.Join(string(root), database))
		b := h.build(t, "kmp.spec", "tree "+string(tr))
		metadata{recommends: one(token)}.check(t, b.rpms["thing-kmp-default"])
	})
}

// A second build at the same place, of the same size and with the same times,
// must not get the answers of the first.
func TestSecondBuild(t *testing.T) {
	h := newHost(t, true)
	tr, older := unpackBuild(t, "1.3"), unpackBuild(t, "1.1")
	for _, other := range []tree{older, tr} {
		vmlinux := other.vmlinux(t)
		harness.Must(t, "sh", "-c", `cp "$1" "$2/vmlinux" && truncate -s 100000 "$2/vmlinux" && touch -d @1640789416 "$2/vmlinux" && rm "$2/vmlinux.xz"`,
			"sh", vmlinux, other.modules())
	}
	for _, module := range []string{"kernel/drivers/input/joystick/xpad.ko", "kernel/drivers/net/usb/rndis_host.ko"} {
		for _, other := range []tree{older, tr} {
			harness.Must(t, "zstd", "-q", "-d", "--rm", other.modules(module+".zst"))
			harness.Must(t, "touch", "-d", "@1640789416", other.modules(module))
		}
	}
	for _, tt := range []struct {
		name string
		tree tree
	}{{"1.1", older}, {"1.3", tr}} {
		b := h.kernel(t, tt.tree, "1.3")
		_, base, _ := strings.Cut(harness.Must(t, "../fingerprint.sh", tt.tree.modules("vmlinux")), "base ")
		token := "kernel-btf(default:" + strings.TrimSpace(base) + ")"
		metadata{provides: one(token)}.check(t, b.rpms["kernel-default"])
		metadata{requires: one(token)}.check(t, b.rpms["kernel-default-extra"])
	}
}

// setDatabase makes what is installed below a root be installed on the machine.
func (h *host) setDatabase(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(h.home, ".rpmmacros"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("%_dbpath " + path + "\n"); err != nil {
		t.Fatal(err)
	}
}
