// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

// Package conformance gives wrong tables to the running kernel by BPF_BTF_LOAD
// and compares its answers, errno and words, with those that package verify
// predicts.
package conformance

import (
	"cmp"
	"encoding/binary"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/conformance/mutant"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"golang.org/x/sys/unix"
)

var (
	seed    = flag.Uint64("seed", 1, "seed of the mutants; 0 takes the clock")
	count   = flag.Int("mutants", 1_000_000, "how many mutants")
	version = flag.String("kernel", "", "version of the running kernel, if uname -r does not tell the right one")
)

// TestBTFLoad is the comparison. Every answer must agree.
func TestBTFLoad(t *testing.T) {
	order := nativeOrder()
	rules := runningRules(t)
	if rules.MaxKind < btf.KindEnum64 {
		t.Skipf("Linux %v lacks kinds that the sound tables have", rules.Version)
	}
	var kernel loader
	tables := seeds(t, order)
	if errno, log := kernel.load(tables[0]); errno == unix.EPERM || errno == unix.ENOSYS {
		t.Skipf("BPF_BTF_LOAD: %v (root or CAP_BPF is needed)", errno)
	} else if errno != 0 {
		t.Fatalf("a sound table is refused: %v\n%s", errno, log)
	}

	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (-seed repeats it), rules of Linux %v", *seed, rules.Version)
	// try returns the kernel's answer and what speaks against ours.
	try := func(data []byte) (outcome, string) {
		errno, log := kernel.load(data)
		return compare(data, order, verify.Base(data, order, rules), errno, log)
	}
	maker := mutant.New(*seed, order)
	counts := map[outcome]int{}
	failed := 0
	for n := range *count {
		data := next(maker, tables)
		got, complaint := try(data)
		counts[got]++
		if complaint == "" {
			continue
		}
		if failed++; failed <= maxReports {
			small := shrink(data, order, func(d []byte) bool { _, c := try(d); return c != "" })
			_, shortly := try(small)
			t.Errorf("mutant %d: %s\nsmallest table: %x\nwith it: %s", n, complaint, small, shortly)
		}
	}
	for _, o := range slices.SortedFunc(maps.Keys(counts), byStage) {
		t.Logf("%8d  %s %d", counts[o], o.stage, o.errno)
	}
	t.Logf("%d mutants: %d agree", *count, *count-failed)
}

// maxReports is how many disagreements are printed in full.
const maxReports = 5

// next is one more table to try.
func next(m *mutant.Maker, tables [][]byte) []byte {
	switch n := m.Intn(100); {
	case n < 65:
		return m.Mutate(tables[m.Intn(len(tables))])
	case n < 75:
		return m.Random(60)
	case n < 90:
		return m.Mutate(m.Random(20))
	default:
		return m.Chains(60)
	}
}

// runningRules are the rules of the kernel that this runs on, by its own base.
func runningRules(t *testing.T) verify.Rules {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(uts.Release[:])
	v, err := verify.ParseVersion(cmp.Or(*version, release))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("running kernel: %s", release)
	w := verify.Witnesses{Version: v}
	if data, err := os.ReadFile("/sys/kernel/btf/vmlinux"); err != nil {
		t.Logf("rules by version alone: %v", err)
	} else if w.Base, err = btf.Parse(data, nil); err != nil {
		t.Fatal(err)
	}
	return w.Read().Rules
}

func nativeOrder() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}
