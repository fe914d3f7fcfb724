// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// own adds one type with one string: 12 bytes and 2, behind a header of 24.
func own(m *btftest.Writer) { m.Typedef("t", 1) }

// TestHeaderRules holds each rule about header, sections and strings, in the
// kernel's words.
func TestHeaderRules(t *testing.T) {
	edit := func(name string, f func(h *btf.Header), wants ...want) row {
		return row{name: name, add: own, edit: f, wants: wants}
	}
	long := func(n uint32) func(m *btftest.Writer) {
		return func(m *btftest.Writer) { m.HeaderLen = n; own(m) }
	}
	const headerUnknown = "Unsupported btf_header"
	run(t, []row{
		{name: "good", add: own, wants: []want{ok("5.11")}},
		{name: "seven bytes", add: own, cut: func(b []byte) []byte { return b[:7] },
			wants: []want{plain("5.11", "hdr_len not found")}},
		edit("longer header than section", func(h *btf.Header) { h.Len = 39 }, plain("5.11", "btf_header not found")),
		edit("header length of all ones", func(h *btf.Header) { h.Len = 0xffffffff }, plain("5.11", "btf_header not found")),
		{name: "other byte order", add: own, cut: func([]byte) []byte { return swapped(t) },
			wants: []want{plain("5.11", "btf_header not found")}},
		{name: "header of 32 bytes, no layout section", add: long(32), wants: []want{ok("5.11")}},
		{name: "layout section", add: func(m *btftest.Writer) { m.Layout = make([]byte, 80); long(32)(m) },
			wants: []want{{"5.11", verify.E2BIG, headerUnknown, false}, ok("7.1")}},
		{name: "layout section that overlaps", add: func(m *btftest.Writer) { m.Layout = make([]byte, 80); long(32)(m) },
			edit:  func(h *btf.Header) { h.LayoutOff-- },
			wants: []want{{"5.11", verify.E2BIG, headerUnknown, false}, plain("7.1", "Section overlap found")}},
		{name: "longer header, zeros", add: long(40), wants: []want{ok("5.11")}},
		{name: "longer header, its last byte set", add: long(40), cut: func(b []byte) []byte { b[39] = 1; return b },
			wants: []want{{"5.11", verify.E2BIG, headerUnknown, false}}},
		edit("magic", func(h *btf.Header) { h.Magic++ }, plain("5.11", "Invalid magic")),
		edit("version", func(h *btf.Header) { h.Version = 2 }, want{"5.11", verify.ENOTSUP, "Unsupported version", false}),
		edit("flags", func(h *btf.Header) { h.Flags = 1 }, want{"5.11", verify.ENOTSUP, "Unsupported flags", false}),
		edit("magic before version", func(h *btf.Header) { h.Magic, h.Version = 0, 2 }, plain("5.11", "Invalid magic")),
		edit("version before flags", func(h *btf.Header) { h.Version, h.Flags = 2, 1 }, want{"5.11", verify.ENOTSUP, "Unsupported version", false}),
		{name: "nothing but a header", wants: []want{ok("5.11")}},
		{name: "header of four bytes", add: own, cut: func(b []byte) []byte { b[4] = 4; return b },
			wants: []want{plain("5.11", "Unsupported section found")}},

		edit("both sections too far", func(h *btf.Header) { h.TypeOff, h.StrOff = 15, 15 }, plain("5.11", "Invalid section offset")),
		edit("string section too far", func(h *btf.Header) { h.StrOff = 15 }, plain("5.11", "Invalid section offset")),
		edit("gap at the front", func(h *btf.Header) { h.TypeOff = 1 }, plain("5.11", "Unsupported section found")),
		edit("gap between", func(h *btf.Header) { h.TypeLen = 11 }, plain("5.11", "Unsupported section found")),
		edit("gap at the end", func(h *btf.Header) { h.StrLen = 1 }, plain("5.11", "Unsupported section found")),
		edit("overlap", func(h *btf.Header) { h.StrOff = 11 }, plain("5.11", "Section overlap found")),
		edit("types too long", func(h *btf.Header) { h.TypeLen = 15; h.StrOff = 14; h.StrLen = 0 }, plain("5.11", "Total section length too long")),
		edit("strings too long", func(h *btf.Header) { h.StrLen = 3 }, plain("5.11", "Total section length too long")),
		// The offsets' difference is taken as an int: 0x80000002 sorts before 1.
		edit("offset past 2 GiB", func(h *btf.Header) { h.TypeOff, h.StrOff = 0x80000002, 1 }, plain("5.11", "Invalid section offset")),

		{name: "strings first", cut: func([]byte) []byte { return stringsFirst(24) },
			wants: []want{plain("5.11", "String section is not at the end")}},
		{name: "strings first, header of 32 bytes", cut: func([]byte) []byte { return stringsFirst(32) },
			wants: []want{plain("5.11", "String section is not at the end"), ok("7.1")}},
		{name: "no strings", add: func(m *btftest.Writer) { m.Ptr(1) }, wants: []want{ok("5.11")}},
		{name: "strings without NUL", add: own, cut: func(b []byte) []byte { b[len(b)-1] = 'x'; return b },
			wants: []want{plain("5.11", "Invalid string section")}},
		{name: "first string not empty, as in every module", add: own, wants: []want{ok("5.11")}},
		{name: "16 MiB of strings", add: func(m *btftest.Writer) { m.NewString(string(make([]byte, 0xffffff))) }, wants: []want{ok("5.11")}},
		{name: "a byte more", add: func(m *btftest.Writer) { m.NewString(string(make([]byte, 0x1000000))) },
			wants: []want{plain("5.11", "Invalid string section")}},
	})
}

// swapped is a good module of a big-endian machine.
func swapped(t *testing.T) []byte {
	w := newBase()
	w.Order = binary.BigEndian
	m := w.Split()
	own(m)
	return m.Bytes()
}

// stringsFirst is a good module but for the order of its sections.
func stringsFirst(headerLen uint32) []byte {
	m := newBase().Split()
	m.HeaderLen = headerLen
	own(m)
	data := m.Bytes(func(h *btf.Header) { h.StrOff, h.TypeOff = 0, h.StrLen })
	head, types, strs := data[:headerLen], data[headerLen:headerLen+12], data[headerLen+12:]
	return bytes.Join([][]byte{head, strs, types}, nil)
}

// TestBaseRules holds what is asked of a table without a base and of no other.
func TestBaseRules(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want want
	}{
		{"good", newBase().Bytes(), ok("6.12")},
		{"header only", btftest.New().Bytes()[:24], plain("6.12", "No data")},
		{"no strings", newBase().Bytes(func(h *btf.Header) { h.TypeLen += h.StrLen; h.StrOff += h.StrLen; h.StrLen = 0 }),
			plain("6.12", "Invalid string section")},
		{"no types", btftest.New().Bytes(), ok("6.12")},
		{"first string not empty", func() []byte {
			w := btftest.New()
			w.NewString("x")
			b := w.Bytes()
			b[24] = 'a'
			return b
		}(), plain("6.12", "Invalid string section")},
		{"ids start at 1", func() []byte {
			w := btftest.New()
			w.Fwd("", false)
			return w.Bytes()
		}(), typed("6.12", "[1] FWD (anon) |struct| |Invalid name|")},
		{"modifier past the end", func() []byte {
			w := btftest.New()
			w.Const(2)
			return w.Bytes()
		}(), want{"6.12", verify.EINVAL, "", false}},
		{"cycle", func() []byte {
			w := btftest.New()
			w.Const(1)
			return w.Bytes()
		}(), want{"6.12", verify.ELOOP, "Max chain length or cycle detected", false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, "6.12", verify.Base(tt.data, binary.LittleEndian, rules(t, "6.12")), tt.want)
		})
	}
	res := verify.Base(swapped(t), binary.BigEndian, rules(t, "6.12"))
	if res.Errno != verify.EINVAL || len(res.Lines) != 1 || res.Lines[0].Text != "BPF: Invalid string section" {
		t.Errorf("a big-endian module as a base: %+v", res)
	}
}

// TestSectionOrder is what the kernel says where two section offsets lie 1<<31
// apart, so that the difference as an int calls each smaller than the other: the
// types stay first. The bytes were found by trying on Linux 6.12 and 6.18.
func TestSectionOrder(t *testing.T) {
	data, err := hex.DecodeString("9feb010018000000000000001404000000000080a101000001")
	if err != nil {
		t.Fatal(err)
	}
	res := verify.Base(data, binary.LittleEndian, verify.RulesFor(verify.Version{Major: 6, Minor: 12}))
	if res.Errno != verify.EINVAL || len(res.Lines) != 1 || res.Lines[0].Text != "BPF: Total section length too long" {
		t.Errorf("errno %d, %v", res.Errno, res.Lines)
	}
}
