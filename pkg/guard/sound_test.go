// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

type memoryMap map[string][]byte

func (m memoryMap) Get(key []byte) []byte { return m[string(key)] }
func (m memoryMap) Put(key, value []byte) { m[string(key)] = bytes.Clone(value) }

// soundBuilds are an old and a new build of one kernel, each with a module of its own and
// one that does not fit it.
func soundBuilds(t *testing.T) *Inventory {
	t.Helper()
	oldTable, newTable := kernelTable(0, 0), kernelTable(0, 0, "more")
	before, after := testBuild(t, "1.1", oldTable), testBuild(t, "1.3", newTable)
	before.Origin, before.Package.Origin = Against, Against
	inv := &Inventory{Bases: []*Base{after, before}}
	for _, b := range inv.Bases {
		b.Package.Digest, b.Package.Sealed = b.Package.NEVRA, true
		inv.Packages = append(inv.Packages, b.Package)
		for path, table := range map[string][]byte{"new.ko": driver(newTable), "old.ko": driver(oldTable), "plain.ko": nil} {
			m := testModule(b.Package, table)
			m.Path, m.Name, m.Origin = path, path, b.Origin
			inv.Modules = append(inv.Modules, m)
		}
	}
	slices.SortStableFunc(inv.Modules, func(a, b *Module) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return inv
}

func judgeAll(t *testing.T, inv *Inventory, memory Memory) *Result {
	t.Helper()
	inv.Memory = memory
	res, err := Judge(t.Context(), inv, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestSound: with a memory the result is what it is without one, the first time and the
// second, and what is remembered is not looked at again.
func TestSound(t *testing.T) {
	same := cmp.Options{
		cmpopts.IgnoreFields(Finding{}, "evidence"), cmp.AllowUnexported(Finding{}),
		cmp.Comparer(func(a, b *Module) bool { return a.Label()+a.Path == b.Label()+b.Path }),
		cmp.Comparer(func(a, b *Base) bool { return a.Label() == b.Label() }),
	}
	want := judgeAll(t, soundBuilds(t), nil)
	memory := memoryMap{}
	for _, run := range []string{"first", "second"} {
		got := judgeAll(t, soundBuilds(t), memory)
		if d := cmp.Diff(want.Findings, got.Findings, same); d != "" {
			t.Errorf("%s run:\n%s", run, d)
		}
	}
	if len(memory) != 1 { // that of the new build: the old one is only compared with
		t.Fatalf("%d groups are remembered", len(memory))
	}
	sound := 0
	for _, f := range want.Findings {
		if f.sound() {
			sound++
		}
	}
	for _, bits := range memory {
		for _, b := range bits {
			for ; b != 0; b &= b - 1 {
				sound--
			}
		}
	}
	if sound != 0 {
		t.Errorf("%d sound findings more than remembered", sound)
	}

	// A memory that says that all is in order is believed: nothing was looked at.
	lying := memoryMap{}
	for key, bits := range memory {
		lying[key] = bytes.Repeat([]byte{0xff}, len(bits))
	}
	for _, f := range judgeAll(t, soundBuilds(t), lying).Findings {
		if f.Pairing == PairBuild && f.Verdict != SameBase {
			t.Errorf("%s of %s on its own vmlinux was looked at: %s", f.Module.Path, f.Module.Label(), f.Verdict)
		}
	}
	for key := range maps.Keys(memory) {
		lying[key] = []byte{0xff, 0xff, 0xff} // of other modules
	}
	if d := cmp.Diff(want.Findings, judgeAll(t, soundBuilds(t), lying).Findings, same); d != "" {
		t.Errorf("a memory of something else:\n%s", d)
	}
}

// TestSoundOf: what is remembered holds for these packages, this kernel and what it is
// taken for, and of nothing that may change behind it.
func TestSoundOf(t *testing.T) {
	memory := memoryMap{}
	judgeAll(t, soundBuilds(t), memory)
	for key := range memory {
		memory[key] = []byte{0xff}
	}
	for name, change := range map[string]func(*Inventory){
		"another package":            func(inv *Inventory) { inv.Packages[0].Digest = "other" },
		"no digest of the payload":   func(inv *Inventory) { inv.Packages[0].Sealed = false },
		"another rule":               func(inv *Inventory) { inv.Bases[0].Rules.MaxKind-- },
		"another version":            func(inv *Inventory) { inv.Bases[0].Version = verify.Version{Major: 5, Minor: 16} },
		"a mismatch is allowed":      func(inv *Inventory) { inv.Bases[0].Allow = verify.AllowYes },
		"another file of the kernel": func(inv *Inventory) { inv.Bases[0].Path = "vmlinuz" },
		"another file of a module":   func(inv *Inventory) { inv.Modules[0].Path = "another.ko" },
		"a module more": func(inv *Inventory) {
			m := testModule(inv.Packages[0], nil)
			m.Path = "zero.ko"
			inv.Modules = append(inv.Modules, m)
		},
	} {
		inv := soundBuilds(t)
		if inv.Modules[0].Package != inv.Packages[0] {
			inv.Modules[0], inv.Modules[1] = inv.Modules[1], inv.Modules[0]
		}
		change(inv)
		looked := false
		for _, f := range judgeAll(t, inv, maps.Clone(memory)).Findings {
			looked = looked || f.Pairing == PairBuild && f.Base == inv.Bases[0] && f.Verdict != SameBase
		}
		if !looked {
			t.Errorf("%s: not looked at again", name)
		}
	}
}

// TestSoundRecorded: whether a token names the base is no matter of memory.
func TestSoundRecorded(t *testing.T) {
	memory := memoryMap{}
	judgeAll(t, soundBuilds(t), memory)
	inv := soundBuilds(t)
	b := inv.Bases[0]
	b.Package.Requires = []string{fingerprint.Token("default", b.Fingerprint.Base)}
	for _, f := range judgeAll(t, inv, memory).Findings {
		if f.Base == b && f.Pairing == PairBuild && f.Verdict == SameBase && f.Basis != Recorded {
			t.Errorf("%s rests on %s, want %s", f.Module.Path, f.Basis, Recorded)
		}
	}
}
