// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

// Package qemu lets real kernels judge module tables, right ones
// and wrong ones, and compares verdict, kernel log and the kernel's copy of the
// table with what packages verify and relocate predict.
package qemu

import (
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// How many trials of real modules a kernel gets.
const (
	ownModules    = 50
	otherModules  = 200
	ownDistilled  = 50
	pairDistilled = 150
)

// The mutants are the same in every run on the same kernels unless told
// otherwise.
var (
	seed      = flag.Uint64("seed", 1, "seed of the mutants")
	mutants   = flag.Int("mutants", 1500, "how many mutants of .BTF, and again of .BTF.base, a kernel gets")
	as        = flag.String("as", "", "a kernel version, such as a vendor's 5.14.0-503.el9, that the kernels are taken for")
	survivors = flag.Int("survivors", 120, "how many modules of another build a kernel gets")
	entries   = flag.Int("entries", 3000, "for how many of their functions a program is loaded")
	attached  = flag.Int("attached", 200, "to how many of them it is attached")
	verbose   = flag.Bool("failed", false, "list modules that do not load")
	recordTo  = flag.String("record", "", "a folder for what the kernels did, as a corpus holds it")
	loads     = flag.Int("loads", 50_000, "how many mutants a kernel gets by BPF_BTF_LOAD")
)

// TestKernels boots the newest kernel of each series, with the one before as the
// other build of the pair. Every answer must agree.
func TestKernels(t *testing.T) {
	all := pairs(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(all[name]) < 2 {
			t.Logf("%s: only one build", name)
			continue
		}
		t.Run(name, func(t *testing.T) { testKernel(t, all[name][0], all[name][1]) })
	}
}

func testKernel(t *testing.T, on, other *build) {
	if _, err := exec.LookPath(on.machine.qemu[0]); err != nil {
		t.Skip(err)
	}
	s := series{on: on}
	for _, m := range on.tables(t, ownModules, 0) {
		s.plain("own-"+m.module, m.data)
	}
	for _, m := range other.tables(t, otherModules, 0) {
		s.plain("other-"+m.module, m.data)
	}
	for _, order := range []string{"le64", "be64"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "tables", order+".module.btf"))
		if err != nil {
			t.Fatal(err)
		}
		s.plain("fixture-"+order, data)
	}
	s.addMutants(t, *mutants)
	if on.rules.Distilled {
		s.addDistilled(t, on, ownDistilled)
		s.addDistilled(t, other, pairDistilled)
		s.addBroken(t, other, *mutants)
	} else {
		s.addDistilled(t, other, ownDistilled) // the section is ignored
	}

	carrier, info, err := newCarrier(on.carrier(t))
	if err != nil {
		t.Fatal(err)
	}
	files := newInitramfs(t, on.machine)
	files.addConformance(t, on.machine, on.version, *loads)
	files.addTrials(t, carrier, info, s.list)
	results, err := boot(t, on.machine, on.vmlinuz, files.finish())
	if len(results) > 0 {
		reportLoads(t, results[0])
		results = results[1:]
	}
	if err != nil {
		t.Error(err)
		if len(results) < len(s.list) {
			t.Errorf("next was %s", s.list[len(results)].save(t, on))
		}
	}
	report(t, s, results)
	if *recordTo != "" {
		s.record(t, *recordTo, results)
	}
}
