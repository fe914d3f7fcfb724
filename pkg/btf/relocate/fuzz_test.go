// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
)

// FuzzRelocate relocates two sections, distills what comes of it, and holds that
// every outcome is one of the documented three.
func FuzzRelocate(f *testing.F) {
	running := fixture(f, "le64").Base()
	for _, name := range []string{"le64", "be64"} {
		d, err := relocate.Distill(fixture(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(d.BTF, d.Base)
		f.Add(d.BTF[:len(d.BTF)-9], d.Base)
	}
	for _, t := range []func(*btftest.Writer){
		func(w *btftest.Writer) { w.Struct("list_head", 16) },
		func(w *btftest.Writer) { w.Fwd("device", false) },
		func(w *btftest.Writer) { w.Enum("state", 4) },
	} {
		btfData, baseData := pair(btftest.New(), t)
		f.Add(btfData, baseData)
	}
	loop := btftest.New()
	loop.Int("int", 4, 1, 32)
	m := loop.Split()
	m.Array(2, 1, 1)
	m.Struct("s", 8, member("m", 2), member("n", 99))
	f.Add(m.Bytes(), loop.Bytes())
	f.Add(btftest.New().Split().Bytes(), btftest.New().Bytes())

	f.Fuzz(func(t *testing.T, btfData, baseData []byte) {
		got := relocate.Onto(running, latest).Module(btfData, baseData)
		switch {
		case got.Accepted():
			if got.Table == nil || len(got.Data) != len(btfData) || got.Table.Base() != running || got.Fault != "" {
				t.Fatalf("accepted: %+v", got)
			}
		case got.Table != nil || got.Data != nil || (got.Errno == relocate.EFAULT) != (got.Fault != ""):
			t.Fatalf("refused: %+v", got)
		}
		table := got.Table
		if table == nil {
			var err error
			if table, err = btf.Parse(btfData, running); err != nil {
				return
			}
		}
		distilledTwice(t, table)
	})
}

// distilledTwice holds that distilling gives the same bytes each time, and that
// they can be laid out.
func distilledTwice(t *testing.T, module *btf.Table) {
	d, err := relocate.Distill(module)
	if err != nil {
		return
	}
	again, err := relocate.Distill(module)
	if err != nil || !bytes.Equal(again.BTF, d.BTF) || !bytes.Equal(again.Base, d.Base) {
		t.Fatalf("second time: %v", err)
	}
	base, err := btf.Parse(d.Base, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := btf.Parse(d.BTF, base); err != nil {
		t.Fatal(err)
	}
	own := relocate.Onto(module.Base(), latest)
	_ = d.Check(own) // any table, but no panic
	// Distill has checked the ids, so only an array of itself is left.
	if res := own.Module(d.BTF, d.Base); res.Fault != "" && !strings.Contains(res.Fault, "in circles") {
		t.Fatal(res.Fault)
	}
}
