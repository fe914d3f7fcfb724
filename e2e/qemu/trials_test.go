// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"fmt"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/conformance/mutant"
	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// trial is a module to try and what is predicted of it.
type trial struct {
	wire.Trial
	name string
	want verify.Result
	data []byte // the kernel's copy, if it accepts the table
}

// sum is the digest of the predicted copy.
func (t trial) sum() string { return wire.Sum(t.data) }

// series collects the trials for one kernel.
type series struct {
	on      *build
	list    []trial
	skipped int // of which no answer can be predicted
}

// plain adds a module without .BTF.base.
func (s *series) plain(name string, data []byte) {
	if len(data) == 0 {
		return // not looked at
	}
	s.list = append(s.list, trial{
		Trial: wire.Trial{BTF: data}, name: name,
		want: verify.Module(data, s.on.base, s.on.rules), data: data,
	})
}

// distilled adds a module with .BTF.base.
func (s *series) distilled(name string, data, base []byte) {
	if len(data) == 0 {
		return
	}
	res := relocate.Onto(s.on.base, s.on.rules).Module(data, base)
	if res.Fault != "" {
		s.skipped++
		return
	}
	s.list = append(s.list, trial{
		Trial: wire.Trial{BTF: data, Base: base, HasBase: true}, name: name,
		want: res.Result, data: res.Data,
	})
}

// addMutants adds n tables that no toolchain wrote, some of them from real ones.
func (s *series) addMutants(t *testing.T, n int) {
	t.Helper()
	m := mutant.NewSplit(*seed, s.on.base)
	sound := small(s.on.tables(t, 150, 1))
	for i := range n {
		data := m.Random(12)
		switch i % 10 {
		case 0, 1, 2, 3, 4:
			data = m.Mutate(sound[m.Intn(len(sound))].data)
		case 5, 6:
			data = m.Mutate(data)
		case 7:
			data = m.Chains(40)
		}
		s.plain(fmt.Sprintf("mutant-%d", i), data)
	}
}

// small picks tables in which one change is likely to matter.
func small(tables []table) []table {
	var list []table
	for _, t := range tables {
		if len(t.data) < 8<<10 {
			list = append(list, t)
		}
	}
	return list
}

// distill makes the two sections of a module that an external build would have
// given it.
func distill(t *testing.T, b *build, m table) (data, base []byte) {
	t.Helper()
	split, err := btf.Parse(m.data, b.base)
	if err != nil {
		t.Fatalf("%s of %s: %v", m.module, b.krel, err)
	}
	d, err := relocate.Distill(split)
	if err != nil {
		t.Fatalf("%s of %s: %v", m.module, b.krel, err)
	}
	return d.BTF, d.Base
}

// addDistilled adds n modules of a build, distilled on their own base.
func (s *series) addDistilled(t *testing.T, from *build, n int) {
	t.Helper()
	for _, m := range from.tables(t, n, 2) {
		data, base := distill(t, from, m)
		s.distilled(fmt.Sprintf("distilled-%s-%s", from.krel, m.module), data, base)
	}
}

// addBroken adds n distilled modules of which one section is changed, or which
// have another's base.
func (s *series) addBroken(t *testing.T, from *build, n int) {
	t.Helper()
	sound := small(from.tables(t, 150, 3))
	bases := mutant.New(*seed, s.on.base.Order)
	for i := range n {
		data, base := distill(t, from, sound[bases.Intn(len(sound))])
		name := fmt.Sprintf("broken-%d", i)
		switch i % 10 {
		case 0:
			_, other := distill(t, from, sound[bases.Intn(len(sound))])
			s.distilled(name, data, other)
		case 1, 2:
			s.distilled(name, brokenSplit(t, bases.Intn(1<<30), data, base), base)
		case 3:
			s.distilled(name, data, bases.Random(6))
		default:
			s.distilled(name, data, bases.Mutate(base))
		}
	}
	data, _ := distill(t, from, sound[0])
	s.distilled("empty-base", data, nil)
}

// brokenSplit changes the module's own section.
func brokenSplit(t *testing.T, seed int, data, base []byte) []byte {
	t.Helper()
	table, err := btf.Parse(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mutant.NewSplit(uint64(seed), table).Mutate(data)
}
