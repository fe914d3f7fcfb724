// SPDX-License-Identifier: Apache-2.0

package btftest_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// TestBytes holds the writer to bytes written out by hand: a test table must
// not rest on the reader that it tests.
func TestBytes(t *testing.T) {
	base := btftest.New()
	char := base.Int("char", 1, 1, 8)
	mod := base.Split()
	mod.Struct("s", 1, btftest.Member{Name: "char", Type: char, Bits: 3})

	big := btftest.NewBigEndian()
	big.HeaderLen = 32
	big.Layout = []byte{1, 2, 3, 4}
	big.Enum64("e", 8, btftest.Enumerator{Name: "v", Value: -2})

	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"base", base.Bytes(), `
			9feb 01 00 18000000  00000000 10000000  10000000 06000000
			01000000 00000001 01000000 08000001
			00 6368617200`},
		{"split", mod.Bytes(), `
			9feb 01 00 18000000  00000000 18000000  18000000 02000000
			06000000 01000084 01000000
			01000000 01000000 00000003
			7300`},
		{"big-endian with a layout section", big.Bytes(), `
			eb9f 01 00 00000020  00000000 00000018  00000018 00000005  0000001d 00000004
			00000001 93000001 00000008
			00000003 fffffffe ffffffff
			00 6500 7600 01020304`},
		{"lying header", base.Bytes(func(h *btf.Header) { h.StrLen = 7 })[:24], `
			9feb 01 00 18000000  00000000 10000000  10000000 07000000`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := hex.DecodeString(strings.Join(strings.Fields(tt.want), ""))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(tt.got, want) {
				t.Errorf("\n got %x\nwant %x", tt.got, want)
			}
		})
	}
}

// TestStrings holds that a name stands once over base and split table, unless
// NewString says otherwise.
func TestStrings(t *testing.T) {
	base := btftest.New()
	a := base.String("a")
	mod := base.Split()
	if got := mod.String("a"); got != a {
		t.Errorf("name of the base again: %d, first %d", got, a)
	}
	b := mod.String("b")
	if got := mod.String("b"); b != 3 || got != b {
		t.Errorf("own name: %d, then %d, want 3", b, got)
	}
	if got := mod.NewString("b"); got != 5 {
		t.Errorf("NewString: %d, want 5", got)
	}
}
