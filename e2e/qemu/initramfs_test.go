// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// newInitramfs begins with the init program.
func newInitramfs(t *testing.T, m machine) *cpio {
	t.Helper()
	c := new(cpio)
	for _, d := range []string{"dev", "proc", "sys", "tmp"} {
		c.add(d, modeDir, nil)
	}
	c.add("init", modeFile, goProgram(t, m, "build", "-ldflags", "-s -w", "./init"))
	return c
}

// goProgram is a static program that the go command makes.
func goProgram(t *testing.T, m machine, args ...string) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	last := len(args) - 1
	args = append(append(args[:last:last], "-trimpath", "-o", program), args[last])
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+m.goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// addConformance packs the test of BPF_BTF_LOAD with the table that it reads.
// The kernels do not name their stable release in uname -r.
func (c *cpio) addConformance(t *testing.T, m machine, kernel verify.Version, mutants int) {
	t.Helper()
	table := "testdata/tables/" + m.table
	data, err := os.ReadFile(filepath.Join("..", "..", table))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"e2e", path.Dir(wire.Program), "testdata", path.Dir(table)} {
		c.add(d, modeDir, nil)
	}
	c.add(table, modeFile, data)
	c.add(wire.Program, modeFile, goProgram(t, m, "test", "-c", "-tags", "e2e", "../conformance"))
	c.add(wire.ProgramArgs, modeFile, fmt.Appendf(nil, "-test.v\n-seed=%d\n-mutants=%d\n-kernel=%v\n", *seed, mutants, kernel))
}

// addTrials packs the carrier and the trials.
func (c *cpio) addTrials(t *testing.T, carrier []byte, info wire.Carrier, trials []trial) {
	t.Helper()
	told, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	var records bytes.Buffer
	for _, tr := range trials {
		if err := wire.Write(&records, tr.Trial); err != nil {
			t.Fatal(err)
		}
	}
	c.add(wire.CarrierFile, modeFile, carrier)
	c.add(wire.CarrierInfo, modeFile, told)
	c.add(wire.TrialsFile, modeFile, records.Bytes())
}
