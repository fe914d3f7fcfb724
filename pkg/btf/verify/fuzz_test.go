// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// FuzzModule holds that any bytes get one answer from any kernel: no panic,
// twice the same, a table where accepted, and a reason where refused unless it
// is the one refusal without words.
func FuzzModule(f *testing.F) {
	base := newBase().Table(f)
	f.Add(fixture.RawTable(f, "le64.module"), uint8(0))
	f.Add(fixture.RawTable(f, "be64.module"), uint8(9))
	for i := range uint8(len(versions)) {
		m := newBase().Split()
		own(m)
		m.Struct("s", 8)
		m.FuncProto(1)
		m.TypeTag("t", 5)
		f.Add(m.Bytes(), i)
		m.HeaderLen, m.Layout = 32, []byte{1, 2, 3, 4}
		f.Add(m.Bytes(), i)
	}
	f.Fuzz(func(t *testing.T, data []byte, version uint8) {
		r := rules(t, versions[int(version)%len(versions)])
		res := verify.Module(data, base, r)
		again := verify.Module(data, base, r)
		if res.Errno != again.Errno || !cmp.Equal(res.Lines, again.Lines) || (res.Table == nil) != (again.Table == nil) {
			t.Fatalf("two answers: %+v, %+v", res, again)
		}
		if !res.Accepted() {
			if res.Table != nil || len(res.Lines) == 0 && (res.Errno != verify.EINVAL || !r.ChainWalk) {
				t.Fatalf("refused with %d, %+v", res.Errno, res.Lines)
			}
			return
		}
		if res.Table == nil || len(res.Lines) > 0 {
			t.Fatalf("accepted without a table, or with words: %+v", res)
		}
		for typ := range res.Table.Types() {
			if typ.Kind() > r.MaxKind || typ.NameOff >= res.Table.EndString() {
				t.Fatalf("accepted [%d] %v with name %d", typ.ID, typ.Kind(), typ.NameOff)
			}
			if _, ok := res.Table.Type(btf.TypeID(typ.SizeType)); !ok && r.ChainWalk && typ.Kind().IsModifier() {
				t.Fatalf("accepted [%d] %v of [%d]", typ.ID, typ.Kind(), typ.SizeType)
			}
		}
	})
}

// FuzzWitnesses holds that any base decides every rule, whatever its types say of
// the code that will read it, and twice the same.
func FuzzWitnesses(f *testing.F) {
	f.Add(fixture.RawTable(f, "le64.base"), uint8(0))
	f.Add(fixture.RawTable(f, "be64.base"), uint8(9))
	for i, add := range []func(w writer){kindChecks, dynptrKfuncs, func(w writer) {
		w.Struct("btf_header", 32)
		w.Struct("module", 64, members("btf_data", "btf_base_data")...)
		w.Struct("bpf_verifier_log", 64, members("level")...)
		w.Enum("", 4, btftest.Enumerator{Name: "BTF_KIND_MAX", Value: 19}, btftest.Enumerator{Name: "BTF_MAX_VLEN", Value: 0xffffff})
		named(w, "bpf_ksym", 512)
		function(w, "__btf_name_valid", "btf", "offset", "dot_ok")
	}} {
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		add(w)
		f.Add(w.Bytes(), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, v uint8) {
		base, err := btf.Parse(data, nil)
		if err != nil {
			return
		}
		w := verify.Witnesses{Version: version(t, versions[int(v)%len(versions)]), Base: base}
		read := w.Read()
		if !cmp.Equal(read, w.Read()) {
			t.Fatal("two answers")
		}
		for _, d := range read.Decisions {
			if d.Value == "" || d.By == "" || d.Source == "" {
				t.Fatalf("%+v", d)
			}
		}
		verify.Base(data, base.Order, read.Rules)
	})
}
