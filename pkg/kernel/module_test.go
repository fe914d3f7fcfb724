// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

const modulePath = "/usr/lib/modules/" + testRelease + "/kernel/drivers/net/usb/ip-heth.ko.zst"

func TestLoader(t *testing.T) {
	var loader kernel.Loader
	defer loader.Close()
	for _, form := range forms {
		file := testModule(form.bits, form.order, form.machine).bytes()
		wrapped := map[string][]byte{"plain": file, "signed": signed(file)}
		for format := range compressors {
			wrapped[format] = compress(format, signed(file))
		}
		for name, data := range wrapped {
			t.Run(form.name+" "+name, func(t *testing.T) {
				m, err := loader.Open(data, modulePath)
				if err != nil {
					t.Fatal(err)
				}
				if m.Bits != form.bits || m.Order != form.order || m.Arch != form.arch {
					t.Errorf("%d bits, %v, %s", m.Bits, m.Order, m.Arch)
				}
				checkModule(t, m, name != "plain")
			})
		}
	}
}

func checkModule(t *testing.T, m *kernel.Module, signed bool) {
	t.Helper()
	if m.Name != "ip_heth" || m.Release != testRelease || m.Vermagic != testRelease+" SMP preempt mod_unload modversions " {
		t.Errorf("name %q, release %q, vermagic %q", m.Name, m.Release, m.Vermagic)
	}
	if !m.InTree() || m.Signed != signed {
		t.Errorf("in tree %v, signed %v", m.InTree(), m.Signed)
	}
	if !m.HasBTF || !bytes.Equal(m.BTF, testBTF(m.Order, 3)) {
		t.Errorf("BTF %v, %d bytes", m.HasBTF, len(m.BTF))
	}
	if !m.HasBTFBase || len(m.BTFBase) != 0 {
		t.Errorf(".BTF.base %v, %d bytes, want an empty one", m.HasBTFBase, len(m.BTFBase))
	}
	if !bytes.Equal(m.BTFIDs, []byte{7, 0, 0, 0}) {
		t.Errorf(".BTF_ids % x", m.BTFIDs)
	}
	var names []string
	for s, err := range m.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	if want := []string{"ipheth_probe", "ipheth_open"}; !slices.Equal(names, want) {
		t.Errorf("symbols %q, want %q", names, want)
	}
}

// A module must outlive the buffers it was read from.
func TestLoaderCopies(t *testing.T) {
	var loader kernel.Loader
	defer loader.Close()
	file := testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes()
	packed := compress("zstd", file)
	plain := must(loader.Open(file, modulePath))
	unpacked := must(loader.Open(packed, modulePath))
	clear(file)
	clear(packed)
	if _, err := loader.Open(compress("zstd", file), modulePath); err == nil {
		t.Error("a file of zeros is a module")
	}
	checkModule(t, plain, false)
	checkModule(t, unpacked, false)
}

func TestOpenModule(t *testing.T) {
	file := testModule(64, binary.LittleEndian, elf.EM_X86_64)
	m, err := kernel.OpenModule(compress("xz", file.bytes()), modulePath)
	if err != nil {
		t.Fatal(err)
	}
	checkModule(t, m, false)

	// What an external module of an old kernel looks like.
	file.sections = file.sections[:2]
	file.sections[1].data = []byte("license=GPL\x00vermagic=3.12.74 SMP ")
	if m, err = kernel.OpenModule(file.bytes(), "/tmp/nvidia-uvm.ko.xz"); err != nil {
		t.Fatal(err)
	}
	if m.Name != "nvidia_uvm" || m.Release != "3.12.74" || m.InTree() || m.HasBTF || m.HasBTFBase || m.BTF != nil {
		t.Errorf("%+v", m)
	}
	for s, err := range m.Symbols() {
		t.Errorf("symbol %v, %v", s, err)
	}
}

func TestModinfo(t *testing.T) {
	info := kernel.Modinfo(testModinfo)
	var keys []string
	for key := range info.All() {
		keys = append(keys, key)
	}
	if want := []string{"license", "alias", "alias", "depends", "intree", "name", "vermagic"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	if v, ok := info.Get("alias"); !ok || v != "usb:v05ACp1290d*" {
		t.Errorf("alias %q, %v", v, ok)
	}
	if v, ok := info.Get("alia"); ok {
		t.Errorf("alia %q", v)
	}
}

func TestOpenModuleHostile(t *testing.T) {
	good := testModule(64, binary.LittleEndian, elf.EM_X86_64)
	file := good.bytes()
	sig := signed(file)
	noInfo := testModule(64, binary.LittleEndian, elf.EM_X86_64)
	noInfo.sections[1].name = ".modinfx"

	for _, c := range []struct {
		name      string
		file      []byte
		want      string
		notModule bool
	}{
		{"empty", nil, "not a kernel module", true},
		{"vmlinux", testVmlinux().bytes(), "not a kernel module: found vmlinux", true},
		{"twice compressed", gzipped(gzipped(file)), "not a kernel module: found compressed", true},
		{"no .modinfo", noInfo.bytes(), "no .modinfo section", true},
		{"cut short", file[:len(file)-1], "section header table (e_shoff)", false},
		{"signed and cut short", sig[:len(sig)-1], "", false},
		{"compressed and cut short", compress("zstd", file)[:50], "zstd: ", false},
		{"marker only", append(bytes.Clone(file[:18]), "~Module signature appended~\n"...), "module signature: sig_len 256, 6 bytes before it", false},
		{"sig_len", patch(sig, len(sig)-32, 0xff, 0xff, 0xff, 0xff), "module signature: sig_len 4294967295", false},
		{"sig_len into the ELF", patch(sig, len(sig)-32, 0, 0, 2, 0), "e_shnum 9 sections of 64 bytes, file has 559 bytes", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := kernel.OpenModule(c.file, modulePath)
			if c.want == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			wantError(t, err, c.want)
			if errors.Is(err, kernel.ErrNotModule) != c.notModule {
				t.Errorf("error %v: ErrNotModule %v", err, !c.notModule)
			}
		})
	}
}

func FuzzModule(f *testing.F) {
	for _, form := range forms {
		f.Add(testModule(form.bits, form.order, form.machine).bytes())
	}
	file := signed(testModule(64, binary.LittleEndian, elf.EM_X86_64).bytes())
	f.Add(file)
	for format := range compressors {
		f.Add(compress(format, file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if expands(data) {
			t.Skip("unpacks to more than a fuzz run should wait for")
		}
		var loader kernel.Loader
		defer loader.Close()
		m, err := loader.Open(data, modulePath)
		if err != nil {
			return
		}
		for range m.Symbols() {
		}
		_, _ = m.Imports()
		_, _ = m.Exports()
		if len(m.BTF) > 0 && !m.HasBTF {
			t.Error("BTF without a section")
		}
	})
}
