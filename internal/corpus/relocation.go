// SPDX-License-Identifier: Apache-2.0

package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Relocation is what a kernel did with one module that carries .BTF.base.
type Relocation struct {
	Kernel    string   `json:"kernel"` // uname -r
	Module    string   `json:"module"`
	From      string   `json:"from"` // the kernelrelease the module was built for, or mutant:NAME
	Accepted  bool     `json:"accepted"`
	Errno     int      `json:"errno"`
	Dmesg     []string `json:"dmesg"`
	DataFile  string   `json:"btf_file"`
	BaseFile  string   `json:"base_file"`
	Size      int      `json:"relocated_size"`  // bytes of the rewritten section
	Relocated string   `json:"relocated_fnv64"` // its FNV-1a, 64 bit, in hex

	Data     []byte `json:"-"` // .BTF
	BaseData []byte `json:"-"` // .BTF.base
}

// Relocations is the recording of modules with .BTF.base.
type Relocations struct {
	Trials []Relocation
	Bases  map[string]*btf.Table // by Relocation.Kernel
}

// LoadRelocations reads the recording, or skips the test where it is not.
func LoadRelocations(t testing.TB) Relocations {
	t.Helper()
	root := dir(t)
	packed := filepath.Join(root, "relocation", "blobs.tar.xz")
	if _, err := os.Stat(packed); err != nil {
		t.Skipf("no corpus of relocations here: %v", err)
	}
	blobs := untar(t, unxz(t, packed))
	expected, err := os.ReadFile(filepath.Join(root, "relocation", "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	r := Relocations{Bases: map[string]*btf.Table{}}
	for lines := bufio.NewScanner(bytes.NewReader(expected)); lines.Scan(); {
		var tr Relocation
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		var data, base bool
		tr.Data, data = blobs[tr.DataFile]
		tr.BaseData, base = blobs[tr.BaseFile]
		if !data || !base {
			t.Fatalf("%s or %s is not among the blobs", tr.DataFile, tr.BaseFile)
		}
		if r.Bases[tr.Kernel] == nil {
			file := filepath.Join(root, "kernel-trials", "base-"+tr.Kernel+".btf.xz")
			if r.Bases[tr.Kernel], err = btf.Parse(unxz(t, file), nil); err != nil {
				t.Fatal(err)
			}
		}
		r.Trials = append(r.Trials, tr)
	}
	return r
}
