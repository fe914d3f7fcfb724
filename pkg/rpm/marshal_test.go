// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packages returns every package of the repository.
func packages(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/*.rpm", "../../testdata/incident/*/*.rpm"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list...)
	}
	if len(all) == 0 {
		t.Fatal("no packages found")
	}
	return all
}

// TestMarshalSame gives the headers of every package back, and of those in the
// directory that OBS_BTF_GUARD_RPMS names.
func TestMarshalSame(t *testing.T) {
	all := packages(t)
	if dir := os.Getenv("OBS_BTF_GUARD_RPMS"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "*.rpm"))
		all = append(all, more...)
	}
	for _, path := range all {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		h, err := readHeader(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := h.blob.rewritable(headerKind); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := h.sig.rewritable(signatureKind); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestRefuseLayout has headers that rpm reads and never writes.
func TestRefuseLayout(t *testing.T) {
	for _, tt := range []struct {
		name string
		pkg  testPackage
		err  string
	}{
		{"tags not in order", testPackage{header: func(e []testEntry) []testEntry {
			slices.Reverse(e[:2])
			return e
		}}, "header: tag 1000 (NAME) behind tag 1001 (VERSION): not in ascending order"},
		{"bytes of no tag", testPackage{header: replace(testEntry{tagName, typeString, 1, []byte("kernel-default\x00hidden\x00")})},
			"header: laid out otherwise than rpm does, at byte 15 of "},
		{"alignment not zero", testPackage{
			header: func(e []testEntry) []testEntry { return append(e, str(9001, "a"), i32(9002, 7)) },
			headerRaw: func(b []byte) []byte {
				return bytes.Replace(b, []byte("a\x00\x00\x00\x00\x00\x00\x07"), []byte("a\x00\x00x\x00\x00\x00\x07"), 1)
			},
		}, "header: laid out otherwise than rpm does"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pkg := tt.pkg.bytes(t)
			if _, err := NewReader(bytes.NewReader(pkg)); err != nil {
				t.Fatalf("not even read: %v", err)
			}
			_, _, err := rewriteBytes(pkg, addToken)
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestFieldListSet(t *testing.T) {
	var l fieldList
	for _, f := range []field{
		stringArray(1047, []string{"a"}), stringArray(1000, []string{"b"}), stringArray(1050, []string{"c"}),
		int32Array(1048, []uint32{1}), stringArray(1047, []string{"d", "e"}), // replaces
		int32Array(1050, nil), int32Array(1051, nil), // removes, and what is not there
	} {
		l.set(f)
	}
	var tags []tag
	for _, f := range l {
		tags = append(tags, f.tag)
	}
	if !slices.Equal(tags, []tag{1000, 1047, 1048}) || string(l[1].data) != "d\x00e\x00" || l[1].count != 2 {
		t.Errorf("%v", l)
	}
}
