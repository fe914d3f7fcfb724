// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func rewritable(t testing.TB, data []byte) *kernel.ELF {
	t.Helper()
	f, err := kernel.NewELF(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRewrite replaces a section and adds one, in all forms of ELF.
func TestRewrite(t *testing.T) {
	for _, form := range forms {
		file := testModule(form.bits, form.order, form.machine)
		// The samples have a .BTF.base already.
		for i := range file.sections {
			if file.sections[i].name == ".BTF.base" {
				file.sections[i].name = ".other"
			}
		}
		data := file.bytes()
		old := rewritable(t, data)
		replace := map[string][]byte{".BTF": []byte("another table, longer than the one before it")}
		written, err := old.Rewrite(replace, kernel.NewSection{Name: ".BTF.base", Data: []byte("a base"), Align: 4})
		if err != nil {
			t.Errorf("%s: %v", form.name, err)
			continue
		}
		again, _ := old.Rewrite(replace, kernel.NewSection{Name: ".BTF.base", Data: []byte("a base"), Align: 4})
		if !bytes.Equal(written, again) {
			t.Errorf("%s: not the same bytes the second time", form.name)
		}
		is := rewritable(t, written)
		if err := old.Same(is, ".BTF", ".BTF.base"); err != nil {
			t.Errorf("%s: %v", form.name, err)
		}
		if err := old.Same(is, ".BTF.base"); err == nil || !strings.Contains(err.Error(), "(.BTF) differs") {
			t.Errorf("%s: another .BTF: %v", form.name, err)
		}
		if err := old.Same(is, ".BTF"); err == nil || !strings.Contains(err.Error(), "(.BTF.base) is new") {
			t.Errorf("%s: a new section: %v", form.name, err)
		}
		for name, want := range map[string]string{".BTF": string(replace[".BTF"]), ".BTF.base": "a base"} {
			if got, _, err := is.Section(name); err != nil || string(got) != want {
				t.Errorf("%s: %s is %q, %v", form.name, name, got, err)
			}
		}
		// A second reader: the standard library's.
		std, err := elf.NewFile(bytes.NewReader(written))
		if err != nil {
			t.Errorf("%s: %v", form.name, err)
			continue
		}
		last := std.Sections[len(std.Sections)-1]
		if last.Name != ".BTF.base" || last.Offset%4 != 0 || last.Type != elf.SHT_PROGBITS || last.Flags != 0 {
			t.Errorf("%s: the last section is %+v", form.name, last.SectionHeader)
		}
		if symbols, err := std.Symbols(); err != nil || len(symbols) != 2 || symbols[0].Name != "ipheth_probe" {
			t.Errorf("%s: symbols %v, %v", form.name, symbols, err)
		}
	}
}

func TestRewriteRefused(t *testing.T) {
	module := func(change func(f *testELF)) []byte {
		f := testModule(64, binary.LittleEndian, elf.EM_X86_64)
		change(&f)
		return f.bytes()
	}
	base := kernel.NewSection{Name: ".new", Data: []byte("x")}
	overlapping := module(func(*testELF) {})
	// Section 2 begins where section 1 does.
	table := binary.LittleEndian.Uint64(overlapping[40:])
	copy(overlapping[table+2*64+24:][:8], overlapping[table+64+24:][:8])
	phnum := module(func(*testELF) {})
	phnum[56] = 1
	align := module(func(*testELF) {})
	binary.LittleEndian.PutUint64(align[table+64+48:], 3)
	for _, c := range []struct {
		name    string
		data    []byte
		replace string
		add     kernel.NewSection
		want    string
	}{
		{"a vmlinux", module(func(f *testELF) { f.typ = elf.ET_EXEC }), ".BTF", base, "only relocatable files are rewritten"},
		{"program headers", phnum, ".BTF", base, "1 program headers, a module has none"},
		{"overlapping sections", overlapping, ".BTF", base, "sections 1 and 2 overlap at byte"},
		{"odd alignment", align, ".BTF", base, "section 1: sh_addralign 3 is no power of two"},
		{"nothing to replace", module(func(*testELF) {}), ".gone", base, ".gone: no such section"},
		{"a name that is taken", module(func(*testELF) {}), ".BTF", kernel.NewSection{Name: ".BTF.base"}, ".BTF.base: there is such a section"},
	} {
		if _, err := rewritable(t, c.data).Rewrite(map[string][]byte{c.replace: nil}, c.add); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzRewrite holds that what was rewritten has the sections that it had, and is not
// larger than it should be.
func FuzzRewrite(f *testing.F) {
	for _, form := range forms {
		f.Add(testModule(form.bits, form.order, form.machine).bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		old, err := kernel.NewELF(data)
		if err != nil {
			return
		}
		written, err := old.Rewrite(nil, kernel.NewSection{Name: ".added", Data: []byte("x"), Align: 8})
		if err != nil {
			return
		}
		if limit := 2*len(data) + 64*1024*(1+len(data)/40); len(written) > limit {
			t.Errorf("%d bytes of %d", len(written), len(data))
		}
		is, err := kernel.NewELF(written)
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Same(is, ".added"); err != nil {
			t.Error(err)
		}
	})
}
