// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerify checks payloads without unpacking them, and that they can still be read.
func TestVerify(t *testing.T) {
	whole, err := os.ReadFile("../../testdata/incident/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		data []byte
		ok   bool
	}{
		"whole":  {whole, true},
		"a byte": {append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.rpm")
			if err := os.WriteFile(path, tc.data, 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if !r.Pinned() {
				t.Error("not pinned")
			}
			for range 2 {
				if err := r.Verify(); (err == nil) != tc.ok {
					t.Errorf("error %v", err)
				}
			}
			files := 0
			for {
				_, err = r.Next()
				if err != nil {
					break
				}
				files++
			}
			if (err == io.EOF) != tc.ok || files == 0 {
				t.Errorf("%d files were read, and then %v", files, err)
			}
			if err := r.Verify(); err == nil {
				t.Error("no error behind the payload")
			}
		})
	}
}

// TestOtherSize: a file of another size than the headers say is not opened, whoever
// wants to see its payload.
func TestOtherSize(t *testing.T) {
	whole := readFile(t, "../../testdata/incident/5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm")
	for want, data := range map[string][]byte{
		"payload: cut short, 25242 of 25243 bytes of header and payload are there; download or build the file again": whole[:len(whole)-1],
		"payload: too long: header and payload have 25244 bytes, the signature header says 25243":                    append(bytes.Clone(whole), 0),
	} {
		path := filepath.Join(t.TempDir(), "a.rpm")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestDamaged has the digest of the payload say whose fault it is that it cannot be
// read: the file's, which differs from what was built, or that of who built it.
func TestDamaged(t *testing.T) {
	open := func(pkg []byte) error {
		path := filepath.Join(t.TempDir(), "a.rpm")
		if err := os.WriteFile(path, pkg, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			return err
		}
		defer r.Close()
		for err == nil {
			_, err = r.Next()
		}
		return err
	}
	for _, compressor := range []string{"", "gzip", "zstd"} {
		err := open(testPackage{compressor: compressor, afterwards: func(p []byte, _ int) []byte { p[len(p)-30] ^= 1; return p }}.bytes(t))
		if err == nil || !strings.HasPrefix(err.Error(), "payload: the file is damaged, payload digest is ") && !strings.HasPrefix(err.Error(), "payload: payload digest is ") {
			t.Errorf("%q, damaged: %v", compressor, err)
		}
		err = open(testPackage{compressor: compressor, archive: func(b []byte) []byte { return b[:len(b)-8] }}.bytes(t))
		if err == nil || strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "digest") {
			t.Errorf("%q, built wrong: %v", compressor, err)
		}
	}
}
