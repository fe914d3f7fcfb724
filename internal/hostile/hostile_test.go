// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// The zeros come out again, by the decoders of the program.
func TestZeros(t *testing.T) {
	const size = 50 * mib
	for _, f := range compressions {
		t.Run(f, func(t *testing.T) {
			var d decompress.Decoder
			defer d.Close()
			packed := zeros(t, f, size)
			data, err := d.Append(nil, decompress.Format(f), packed, 4*size)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) < size || len(packed) > size/100 {
				t.Errorf("%d bytes of %d", len(data), len(packed))
			}
			for i, b := range data {
				if b != 0 {
					t.Fatalf("byte %d is %d", i, b)
				}
			}
		})
	}
}

// There are many cases, each has a name of its own, and a package without a lie is
// what the program takes: cases are about their lie.
func TestCases(t *testing.T) {
	c := New(t)
	if len(c.Cases) < 200 {
		t.Errorf("%d cases", len(c.Cases))
	}
	seen := map[string]bool{}
	for _, k := range c.Cases {
		if id := k.Kind + ": " + k.Name; seen[id] {
			t.Errorf("two cases are %s", id)
		} else {
			seen[id] = true
		}
		if len(k.Runs) == 0 {
			t.Errorf("%s: %s: nothing runs on it", k.Kind, k.Name)
		}
	}
}

// What is made is the same every time.
func TestSameAgain(t *testing.T) {
	c := New(t)
	for _, k := range c.Cases {
		switch k.Kind {
		case "header", "bomb", "table", "config", "plan", "report", "file", "history", "hook":
			continue // large; of the same functions
		}
		if k.Root && os.Geteuid() != 0 {
			continue
		}
		one, two := digest(t, k), digest(t, k)
		if one != two {
			t.Errorf("%s: %s: not the same when made again", k.Kind, k.Name)
		}
	}
}

// digest is that of all files of a case.
func digest(t *testing.T, c Case) string {
	dir := t.TempDir()
	c.Make(Dir{t, dir})
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, rel, info.Mode())
		if info.Mode().IsRegular() && info.Size() < 64*mib {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			h.Write(data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
