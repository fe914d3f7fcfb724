// SPDX-License-Identifier: Apache-2.0

// Package corpus gives tests what real kernels did with module tables. The
// recordings hold parts of distribution kernels and do not belong to the
// repository; tests skip where they are missing.
package corpus

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Trial is what a kernel did with one table.
type Trial struct {
	Kernel   string   `json:"kernel"`   // uname -r
	From     string   `json:"btf_from"` // the kernelrelease the table was built for, or mutant:NAME
	File     string   `json:"btf_file"`
	Checked  bool     `json:"btf_checked"` // false: the section was empty
	Accepted bool     `json:"btf_accepted"`
	Errno    int      `json:"btf_errno"`
	Dmesg    []string `json:"dmesg"`

	Data []byte `json:"-"`
}

// Stable names the upstream releases that the kernels are.
var Stable = map[string]string{
	"6.1.0-53-amd64":       "6.1.187",
	"6.1.0-54-amd64":       "6.1.190",
	"6.12.117+deb12-amd64": "6.12.117",
}

// Kernels is the recording of tables tried on kernels.
type Kernels struct {
	Trials []Trial
	Bases  map[string]*btf.Table // by Trial.Kernel
}

// LoadKernels reads the recording, or skips the test where it is not.
func LoadKernels(t testing.TB) Kernels {
	t.Helper()
	dir := filepath.Join(dir(t), "kernel-trials")
	blobs := untar(t, unxz(t, filepath.Join(dir, "blobs.tar.xz")))
	k := Kernels{Bases: map[string]*btf.Table{}}
	for name := range Stable {
		base, err := btf.Parse(unxz(t, filepath.Join(dir, "base-"+name+".btf.xz")), nil)
		if err != nil {
			t.Fatal(err)
		}
		k.Bases[name] = base
	}
	lines := bufio.NewScanner(bytes.NewReader(unxz(t, filepath.Join(dir, "trials.jsonl.xz"))))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var tr Trial
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		var ok bool
		if tr.Data, ok = blobs[filepath.Clean(tr.File)]; !ok {
			t.Fatalf("%s is not among the blobs", tr.File)
		}
		k.Trials = append(k.Trials, tr)
	}
	return k
}

func dir(t testing.TB) string {
	dir := os.Getenv("BTF_CORPUS")
	if dir == "" {
		// Beside the checkout: tests run in their package's folder.
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; wd != "/"; wd = filepath.Dir(wd) {
			if _, err := os.Stat(filepath.Join(wd, "go.mod")); err == nil {
				dir = filepath.Join(wd, "../shared/corpus")
				break
			}
		}
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpus of kernel trials here (BTF_CORPUS names its folder): %v", err)
	}
	return dir
}

func unxz(t testing.TB, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var d decompress.Decoder
	defer d.Close()
	data, err := d.Append(nil, decompress.Xz, packed, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func untar(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[filepath.Clean(h.Name)], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
