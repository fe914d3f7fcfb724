// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package conformance

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
)

// seeds are sound tables, the first with all kinds.
func seeds(t *testing.T, order binary.ByteOrder) [][]byte {
	name := "le64.base"
	if order == binary.BigEndian {
		name = "be64.base"
	}
	compiled, err := os.ReadFile(filepath.Join("..", "..", "testdata", "tables", name+".btf"))
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{allKinds(order), names(order), compiled}
}

// allKinds has a type of each kind, all of which even BPF_BTF_LOAD accepts.
func allKinds(order binary.ByteOrder) []byte {
	w := btftest.New()
	w.Order = order
	i32 := w.Int("int", 4, 1, 32)
	u8 := w.Int("unsigned char", 1, 0, 8)
	tag := w.TypeTag("user", i32)
	ptr := w.Ptr(tag)
	arr := w.Array(u8, i32, 16)
	str := w.Struct("port", 24, btftest.Member{Name: "name", Type: arr}, btftest.Member{Name: "next", Type: ptr, Offset: 128})
	w.Struct("flags", 4, btftest.Member{Name: "lo", Type: i32, Bits: 3}, btftest.Member{Name: "hi", Type: i32, Offset: 3, Bits: 5})
	w.Union("either", 24, btftest.Member{Name: "port", Type: str}, btftest.Member{Name: "byte", Type: u8})
	w.Enum("state", 4, btftest.Enumerator{Name: "OFF"}, btftest.Enumerator{Name: "ERR", Value: -1})
	w.Enum64("wide", 8, btftest.Enumerator{Name: "TOP", Value: 1 << 40})
	w.Fwd("hidden", false)
	def := w.Typedef("port_t", str)
	w.Const(def)
	w.Volatile(def)
	w.Restrict(w.Ptr(def))
	proto := w.FuncProto(i32, btftest.Param{Name: "p", Type: ptr}, btftest.Param{Name: "n", Type: i32})
	w.FuncProto(0, btftest.Param{Name: "fmt", Type: ptr}, btftest.Param{})
	fn := w.Func("port_open", proto, btftest.Global)
	w.DeclTag("kfunc", fn, 0)
	w.DeclTag("whole", str, -1)
	v := w.Var("ports", str, btftest.Global)
	w.Datasec(".data.ports", 24, btftest.Entry{Type: v, Size: 24})
	w.Float("double", 8)
	return w.Bytes()
}

// names has names at the limits of what is one.
func names(order binary.ByteOrder) []byte {
	w := btftest.New()
	w.Order = order
	i32 := w.Int("int", 4, 1, 32)
	long := bytes.Repeat([]byte("n"), 512)
	w.Struct(string(long), 4, btftest.Member{Name: "a.b", Type: i32})
	w.Typedef("\xc4rger", i32)
	v := w.Var(".dot", i32, btftest.Static)
	w.Datasec("a section with blanks \xa0", 4, btftest.Entry{Type: v, Size: 4})
	return w.Bytes()
}
