// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
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
		"whole":   {whole, true},
		"a byte":  {append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), false},
		"cut off": {whole[:len(whole)-1], false},
		"longer":  {append(bytes.Clone(whole), 0), false},
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
