// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// packaged opens all modules in the packages of testdata.
func packaged(t testing.TB) (out []*kernel.Module) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(fixture.Testdata(t), "*", "*", "*.rpm"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no packages: %v", err)
	}
	var modules kernel.Loader
	defer modules.Close()
	for _, path := range paths {
		r, err := rpm.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for {
			e, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(filepath.Base(e.Path()), ".ko") {
				continue
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			m, err := modules.Open(data, e.Path())
			if err != nil {
				t.Fatalf("%s: %s: %v", path, e.Path(), err)
			}
			out = append(out, m)
		}
		r.Close()
	}
	return out
}

// TestEncode writes modules and reads them again: every field has to be as it was.
func TestEncode(t *testing.T) {
	set := map[string]bool{}
	for _, m := range packaged(t) {
		data, err := m.AppendBinary([]byte("in front"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := kernel.DecodeModule(bytes.TrimPrefix(data, []byte("in front")))
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%s: came back otherwise:\n%+v\n%+v", m.Name, got, m)
		}
		for v, i := reflect.ValueOf(*m), 0; i < v.NumField(); i++ {
			set[v.Type().Field(i).Name] = set[v.Type().Field(i).Name] || !v.Field(i).IsZero()
		}
	}
	// A field that no module here has would not have been tried.
	for name, tried := range set {
		rare := map[string]bool{"ExtVersionCRCs": true, "ExtVersionNames": true, "Signed": true, "BTFBase": true, "HasBTFBase": true, "crcSections": true}
		if !tried && !rare[name] {
			t.Errorf("no module of testdata has %s", name)
		}
	}
}

// TestEncodeRare tries what no module in testdata has.
func TestEncodeRare(t *testing.T) {
	for _, form := range forms {
		f := testELF{bits: form.bits, order: form.order, typ: elf.ET_REL, machine: form.machine}
		f.sections = []testSection{
			{name: ".modinfo", typ: elf.SHT_PROGBITS, data: []byte(testModinfo)},
			{name: "__kcrctab", typ: elf.SHT_PROGBITS, data: words(form.order, 1, 2)},
		}
		tryEncoded(t, *open(t, f))
	}
	m := *packaged(t)[0]
	m.Signed, m.HasBTFBase, m.BTFBase = true, true, []byte{}
	m.ExtVersionCRCs, m.ExtVersionNames = []byte{1, 2, 3, 4}, []byte("a\x00")
	m.BTF = nil
	tryEncoded(t, m)
}

func tryEncoded(t *testing.T, m kernel.Module) {
	t.Helper()
	data, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := kernel.DecodeModule(data)
	if err != nil || !reflect.DeepEqual(got, &m) {
		t.Errorf("error %v, came back as\n%+v\n%+v", err, got, &m)
	}
}

// FuzzDecodeModule: what is no encoded module gives an error, never a panic.
func FuzzDecodeModule(f *testing.F) {
	for _, m := range packaged(f)[:4] {
		data, err := m.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := kernel.DecodeModule(data)
		if err != nil {
			return
		}
		_, _ = m.Imports()
		_, _ = m.Exports()
		again, err := m.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := kernel.DecodeModule(again); err != nil || !reflect.DeepEqual(same, m) {
			t.Errorf("written again it is another: %v", err)
		}
	})
}
