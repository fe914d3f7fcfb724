// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bit is 1 for true.
func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// TestHoldingKinds puts together what several files of a package are.
func TestHoldingKinds(t *testing.T) {
	repo, err := Open(t.Context(), "testdata/incident", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := repo.Holding(t.Context(), func(path []byte) uint8 {
		return bit(bytes.HasSuffix(path, []byte("/vmlinux.xz"))) | bit(bytes.Contains(path, []byte(".ko")))<<1
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[uint8]int{}
	for _, k := range got {
		kinds[k]++
	}
	if kinds[3] != 2 || kinds[2] == 0 || kinds[1] != 0 {
		t.Errorf("%v, want both kinds in the two kernels, and modules alone in others", kinds)
	}
}

// TestHolding finds packages by their files, in what createrepo_c wrote.
func TestHolding(t *testing.T) {
	repo, err := Open(t.Context(), "testdata/incident", Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := repo.Holding(t.Context(), func(path []byte) uint8 { return bit(bytes.HasSuffix(path, []byte("/vmlinux.xz"))) })
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range repo.Packages(t.Context(), func([]byte) bool { return false }) {
		if err != nil {
			t.Fatal(err)
		}
		if want := bit(p.Name == "kernel-default"); got[p.Checksum()] != want {
			t.Errorf("%s: %d, want %d", p.NEVRA(), got[p.Checksum()], want)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d packages, want 2", len(got))
	}
}

// TestHoldingOdd reads what createrepo_c does not write, and refuses what it is not.
func TestHoldingOdd(t *testing.T) {
	for _, tc := range []struct {
		name, text, sum string
		want            int
		err             string // a part of it
	}{
		{"escaped", `<filelists><package pkgid="A1"><file>/lib/modules/a&#38;b/x.ko</file></package></filelists>`, "", 1, ""},
		{"in CDATA", `<filelists><package pkgid="a1"><file><![CDATA[/lib/modules/a&b/x.ko]]></file></package></filelists>`, "", 1, ""},
		{"a package without id", `<filelists><package><file>/lib/modules/a&amp;b/x.ko</file></package></filelists>`, "", 0, ""},
		{"other elements", `<filelists><package pkgid="a1"><version>/lib/modules/a&amp;b/x.ko</version></package></filelists>`, "", 0, ""},
		{"another document", `<metadata/>`, "", 0, "is not the <filelists>"},
		{"cut short", `<filelists><package pkgid="a1"><file>/lib`, "", 0, "filelists.xml: line 1"},
		{"damaged", `<filelists/>`, strings.Repeat("0", 64), 0, "filelists.xml: sha256 is"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if tc.sum == "" {
				sum := sha256.Sum256([]byte(tc.text))
				tc.sum = hex.EncodeToString(sum[:])
			}
			index := fmt.Sprintf(`<repomd><data type="filelists"><checksum type="sha256">%s</checksum><location href="filelists.xml"/></data>
<data type="primary"><checksum type="sha256">%s</checksum><location href="primary.xml"/></data></repomd>`, tc.sum, tc.sum)
			for name, text := range map[string]string{"repodata/repomd.xml": index, "filelists.xml": tc.text} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			repo, err := Open(t.Context(), dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := repo.Holding(t.Context(), func(path []byte) uint8 { return bit(string(path) == "/lib/modules/a&b/x.ko") })
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("%v, want %q", err, tc.err)
			}
			if len(got) != tc.want || tc.want > 0 && got["a1"] != 1 {
				t.Errorf("%v", got)
			}
		})
	}
}
