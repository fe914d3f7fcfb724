// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// build is one build of a kernel. All of a series and flavour share a
// kernelrelease, as openSUSE's rebuilds do.
type build struct {
	tree    string // it was unpacked to
	krel    string // of the package, as 6.12.0-1-cloud
	nevra   string
	rpm     string
	modules int // files

	// What other tools say of its vmlinux.
	vmlinux string
	base    string
	funcs   map[string]int // how many functions have a name
}

// fetched is the builds by kernelrelease, each oldest first: the cloud kernels of
// two series, where the last of one is packed a second time as a rebuild that
// changed nothing, and the plain kernels of the newer series.
var fetched = sync.OnceValues(fetch)

func fetch() ([]*build, error) {
	_, failed := script("install.sh")
	for _, tool := range []string{"rpm", "rpmbuild", "objcopy", "readelf", "od", "xz", "zstd", "dpkg-deb", "bpftool", "time"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, errors.Join(failed, err)
		}
	}
	work := os.Getenv("E2E_WORK_DIR")
	if work == "" {
		work = filepath.Join(os.TempDir(), "obs-btf-guard-e2e")
	}
	os.Setenv("E2E_WORK", filepath.Join(work, "tmp"))
	var out []*build
	for _, flavour := range []struct{ name, apt, dir string }{
		{"cloud", "cloud-amd64", "kernels-cloud"},
		{"default", "amd64", "kernels"},
	} {
		dir := filepath.Join(work, flavour.dir)
		index, err := script("fetch-kernels.sh", dir, flavour.apt)
		if err != nil {
			return nil, err
		}
		trees := map[string][]string{} // by series, oldest first
		var order []string
		for _, line := range slices.Backward(index) {
			series, krel, _ := strings.Cut(line, " ")
			if trees[series] == nil {
				order = append(order, series)
			}
			trees[series] = append(trees[series], filepath.Join(dir, krel))
		}
		if flavour.name == "default" {
			order = order[:1] // they are large, and the newer series is packed the same in ../
		} else {
			older := order[len(order)-1]
			trees[older] = append(trees[older], trees[older][len(trees[older])-1])
		}
		for _, series := range order {
			for i, tree := range trees[series] {
				// Names and payload of the plain kernels are those of the tests of ../,
				// so that each is packed once.
				b, err := pack(work, tree, "kernel-"+flavour.name, series+".0", fmt.Sprintf("1.%d", 2*i+1), series+".0-1-"+flavour.name)
				if err != nil {
					return nil, err
				}
				out = append(out, b)
			}
		}
	}
	return out, nil
}

// pack makes the package and asks the other tools.
func pack(work, tree, name, version, release, krel string) (*build, error) {
	b := &build{tree: tree, krel: krel, nevra: name + "-" + version + "-" + release + ".x86_64"}
	lines, err := script("package-kernel.sh", tree, filepath.Join(work, "rpms"), name, version, release, krel, "w3.zstdio")
	if err != nil {
		return nil, err
	}
	b.rpm = lines[0]
	err = filepath.WalkDir(filepath.Join(tree, "lib", "modules"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".ko") {
			b.modules++
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	b.vmlinux = filepath.Join(scratch, b.nevra)
	if _, err := script("extract-vmlinux.sh", filepath.Join(tree, "boot", "vmlinuz-"+filepath.Base(tree)), b.vmlinux); err != nil {
		return nil, err
	}
	if lines, err = script("fingerprint.sh", b.vmlinux); err != nil {
		return nil, err
	}
	for _, line := range lines {
		if digest, ok := strings.CutPrefix(line, "base "); ok {
			b.base = digest
		}
	}
	b.funcs, err = functions(b.vmlinux)
	return b, err
}

// functions counts the functions of a vmlinux by name as bpftool lists them.
func functions(vmlinux string) (map[string]int, error) {
	out, err := exec.Command("bpftool", "btf", "dump", "file", vmlinux).Output()
	if err != nil {
		return nil, fmt.Errorf("bpftool btf dump file %s: %w", vmlinux, err)
	}
	names := map[string]int{}
	function := regexp.MustCompile(`^\[\d+\] FUNC '([^']*)'`)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if m := function.FindSubmatch(lines.Bytes()); m != nil {
			names[string(m[1])]++
		}
	}
	return names, nil
}

// builds returns the builds at hand, or skips the test where none can be had.
func builds(t *testing.T) []*build {
	t.Helper()
	all, err := fetched()
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[string]bool{}
	for _, b := range all {
		distinct[b.tree] = true
	}
	if len(distinct) < 6 {
		t.Skipf("apt offers %d kernels of the series and flavours asked for, these tests need 6", len(distinct))
	}
	return all
}
