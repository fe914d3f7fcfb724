// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// build is one unpacked kernel package.
type build struct {
	krel    string
	dir     string
	vmlinuz string
	config  string
	machine machine
	base    *btf.Table
	raw     []byte         // the base's .BTF
	version verify.Version // what it calls itself
	rules   verify.Rules   // what it says itself, under the name that -as gives it
	allow   verify.Allow
	modules []string // paths
}

// pairs reads the index that fetch-kernels.sh writes, "<series> <krel>" a line
// and the newest first, and returns the first two builds of each series.
func pairs(t *testing.T) map[string][]*build {
	t.Helper()
	work := os.Getenv("E2E_WORK_DIR")
	if work == "" {
		t.Skip("E2E_WORK_DIR is not set: e2e/qemu/run.sh does it")
	}
	dir := filepath.Join(work, cmp.Or(os.Getenv("E2E_KERNELS"), "kernels"))
	index, err := os.ReadFile(filepath.Join(dir, "index"))
	if err != nil {
		t.Skipf("no kernels: %v", err)
	}
	series := map[string][]*build{}
	for line := range strings.Lines(string(index)) {
		if f := strings.Fields(line); len(f) == 2 && len(series[f[0]]) < 2 {
			series[f[0]] = append(series[f[0]], openBuild(t, filepath.Join(dir, f[1]), f[1]))
		}
	}
	return series
}

func openBuild(t *testing.T, dir, krel string) *build {
	t.Helper()
	b := &build{krel: krel, dir: dir, vmlinuz: filepath.Join(dir, "boot", "vmlinuz-"+krel), config: filepath.Join(dir, "boot", "config-"+krel)}
	data, err := os.ReadFile(b.vmlinuz)
	if errors.Is(err, fs.ErrNotExist) { // as Debian packs 7.x
		modules := filepath.Join(dir, "usr/lib/modules", krel)
		b.vmlinuz, b.config = filepath.Join(modules, "vmlinuz"), filepath.Join(modules, "config")
		data, err = os.ReadFile(b.vmlinuz)
	}
	if err != nil {
		t.Fatal(err)
	}
	var d decompress.Decoder
	defer d.Close()
	image, err := kernel.OpenImage(bytes.NewReader(data), int64(len(data)), &d, verify.Texts()...)
	if err != nil {
		t.Fatalf("%s: %v", b.vmlinuz, err)
	}
	var ok bool
	if b.machine, ok = machines[image.Arch]; !ok {
		t.Skipf("%s: no machine for %s", krel, image.Arch)
	}
	b.raw = image.BTF
	if b.base, err = btf.Parse(b.raw, nil); err != nil {
		t.Fatalf("%s: %v", b.vmlinuz, err)
	}
	if b.version, err = verify.ParseVersion(image.Banner); err != nil {
		t.Fatalf("%s: %v", b.vmlinuz, err)
	}
	w := verify.Witnesses{Version: b.version, Base: b.base, Texts: image.Texts}
	if c := w.Read().Conflict; c != "" {
		t.Errorf("%s: %s", krel, c)
	}
	if *as != "" {
		if w.Version, err = verify.ParseVersion(*as); err != nil {
			t.Fatal(err)
		}
	}
	read := w.Read()
	b.rules = read.Rules
	b.allow = b.mismatchAllowed(t)
	if read.Allow != verify.AllowUnknown && read.Allow != b.allow {
		t.Errorf("%s: mismatches by the image %v, by the config %v", krel, read.Allow, b.allow)
	}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && kernel.ClassifyPath(path) == kernel.RoleModule {
			b.modules = append(b.modules, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(b.modules)
	return b
}

func (b *build) mismatchAllowed(t *testing.T) verify.Allow {
	t.Helper()
	text, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if on, _ := kernel.ParseConfig(text).Enabled("CONFIG_MODULE_ALLOW_BTF_MISMATCH"); on {
		return verify.AllowYes
	}
	return verify.AllowNo
}

// carrierName is a module that needs no other and does nothing.
const carrierName = "nls_iso8859_1"

// carrier reads the module that carries the tables.
func (b *build) carrier(t *testing.T) []byte {
	t.Helper()
	for _, path := range b.modules {
		if kernel.ModuleName(path) != carrierName {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		format := decompress.Detect(data)
		if format == decompress.None {
			return data
		}
		var d decompress.Decoder
		defer d.Close()
		if data, err = d.Append(nil, format, data, kernel.MaxModule); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return data
	}
	t.Fatalf("%s has no module %s", b.krel, carrierName)
	return nil
}

// table is the .BTF of a module.
type table struct {
	module string
	data   []byte
}

// tables reads n modules, spread evenly over all; skip passes over the first.
func (b *build) tables(t *testing.T, n, skip int) []table {
	t.Helper()
	var l kernel.Loader
	defer l.Close()
	var list []table
	step := max(1, len(b.modules)/n)
	for i := skip % step; i < len(b.modules) && len(list) < n; i += step {
		data, err := os.ReadFile(b.modules[i])
		if err != nil {
			t.Fatal(err)
		}
		m, err := l.Open(data, b.modules[i])
		if err != nil {
			t.Fatalf("%s: %v", b.modules[i], err)
		}
		if len(m.BTF) > 0 {
			list = append(list, table{m.Name, m.BTF})
		}
	}
	return list
}
