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
	"regexp"
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
	Errno    int      `json:"btf_errno"` // 0 of a refused table: not known
	Dmesg    []string `json:"dmesg"`
	BaseFile string   `json:"base_file"`  // its .BTF.base, if it had one
	Size     int      `json:"sysfs_size"` // of what the kernel then shows in /sys/kernel/btf
	Sum      string   `json:"sysfs_fnv"`  // its FNV-1a, 64 bit, in hex; "" is not known

	Data     []byte `json:"-"`
	BaseData []byte `json:"-"`
	HasBase  bool   `json:"-"`
}

// Stable names the upstream releases that the kernels of [LoadKernels] are.
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
	k.Trials = loadTrials(t, dir, blobs)
	return k
}

func loadTrials(t testing.TB, dir string, blobs map[string][]byte) (trials []Trial) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(unxz(t, filepath.Join(dir, "trials.jsonl.xz"))))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var tr Trial
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		blob := func(name string) []byte {
			data, ok := blobs[filepath.Clean(name)]
			if !ok {
				t.Fatalf("%s is not among the blobs", name)
			}
			return data
		}
		tr.Data = blob(tr.File)
		if tr.BaseFile != "" {
			tr.BaseData, tr.HasBase = blob(tr.BaseFile), true
		}
		trials = append(trials, tr)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return trials
}

// Kernel is the recording of tables tried on one kernel.
type Kernel struct {
	Name    string // "5.15.215"
	Carrier string // the module that the tables were put into
	Allowed bool   // it allows mismatches, and says less of them
	Base    *btf.Table
	Trials  []Trial
}

// Allowed stands in the README of a kernel that allows mismatches.
const Allowed = "mismatches allowed"

// LoadEach reads the recordings of single kernels, or skips the test where there
// are none.
func LoadEach(t testing.TB) (kernels []Kernel) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(dir(t), "kernels", "*"))
	if err != nil || len(dirs) == 0 {
		t.Skipf("no recordings of single kernels here: %v", err)
	}
	for _, dir := range dirs {
		k := Kernel{Name: filepath.Base(dir)}
		if k.Base, err = btf.Parse(unxz(t, filepath.Join(dir, "base.btf.xz")), nil); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		about, err := os.ReadFile(filepath.Join(dir, "README"))
		if err != nil {
			t.Fatal(err)
		}
		if m := carrier.FindSubmatch(about); m != nil {
			k.Carrier = string(m[1])
		}
		k.Allowed = bytes.Contains(about, []byte(Allowed))
		k.Trials = loadTrials(t, dir, untar(t, unxz(t, filepath.Join(dir, "blobs.tar.xz"))))
		kernels = append(kernels, k)
	}
	return kernels
}

var carrier = regexp.MustCompile(`carrier module (\w+)`)

// Cases returns the folder with inputs of public reports, or skips the test where
// there is none.
func Cases(t testing.TB) string {
	t.Helper()
	cases := filepath.Join(dir(t), "../cases")
	if _, err := os.Stat(cases); err != nil {
		t.Skipf("no cases of public reports here: %v", err)
	}
	return cases
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
