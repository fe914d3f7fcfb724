// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/hostile"
)

// How a kernel is packed, in which order and under which names, whether it is signed
// or stripped, changes no verdict. That of a repository and of OBS is that of a folder
// is what internal/audit's TestProducts says; e2e's TestStripped strips whole kernels,
// TestSigned has rpmsign sign packages.
func TestPackingChangesNothing(t *testing.T) {
	const before = "../../testdata/incident/5.15.12-1.1"
	whole := kernelFiles(t, "../../testdata/incident/broken/kernel-default-5.15.12-1.4.x86_64.rpm",
		"../../testdata/incident/broken/kernel-default-extra-5.15.12-1.4.x86_64.rpm")
	reversed := slices.Clone(whole)
	slices.Reverse(reversed)
	var kernels, modules []hostile.File
	for _, f := range whole {
		if strings.Contains(path.Base(f.Path), ".ko") {
			modules = append(modules, f)
		} else {
			kernels = append(kernels, f)
		}
	}
	modified := func(suffix string, change func([]byte) []byte) []hostile.File {
		out := slices.Clone(whole)
		for i, f := range out {
			if strings.HasSuffix(f.Path, ".ko") {
				out[i].Path += suffix
				out[i].Content = change(f.Content)
			}
		}
		return out
	}
	packed := func(format, suffix string) []hostile.File {
		return modified(suffix, func(ko []byte) []byte { return hostile.Compress(t, format, ko) })
	}
	bare := slices.Clone(whole)
	for i, f := range bare {
		if path.Base(f.Path) == "vmlinux.xz" {
			bare[i].Content = hostile.Compress(t, "xz", withoutSymbols(t, unpacked(t, f.Content)))
		}
	}
	one := func(p hostile.Package) []hostile.Package { return []hostile.Package{p} }
	want := verdicts(t, one(hostile.Package{Files: whole}), nil, before)
	if len(want) < 20 || !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, "rejected") }) {
		t.Fatalf("the case has too little in it: %q", want)
	}
	for _, tt := range []struct {
		name     string
		packages []hostile.Package
		files    []string // what the packages are called
	}{
		{"payload of gzip", one(hostile.Package{Files: whole, Compressor: "gzip"}), nil},
		{"payload of xz", one(hostile.Package{Files: whole, Compressor: "xz"}), nil},
		{"payload of lzma", one(hostile.Package{Files: whole, Compressor: "lzma"}), nil},
		{"payload without compression", one(hostile.Package{Files: whole, Compressor: "none"}), nil},
		{"modules of gzip", one(hostile.Package{Files: packed("gzip", ".gz")}), nil},
		{"modules of xz", one(hostile.Package{Files: packed("xz", ".xz")}), nil},
		{"modules of zstd", one(hostile.Package{Files: packed("zstd", ".zst")}), nil},
		{"modules signed", one(hostile.Package{Files: modified("", signed)}), nil},
		{"modules signed, then packed", one(hostile.Package{Files: modified(".xz", func(ko []byte) []byte {
			return hostile.Compress(t, "xz", signed(ko))
		})}), nil},
		{"package signed", one(hostile.Package{Files: whole, Signed: true}), nil},
		{"vmlinux without symbols", one(hostile.Package{Files: bare}), nil},
		{"files in another order", one(hostile.Package{Files: reversed}), nil},
		{"kernel and modules in two packages", []hostile.Package{{Files: kernels}, {Name: "kernel-default-modules", Files: modules}}, nil},
		{"other way round", []hostile.Package{{Name: "kernel-default-modules", Files: modules}, {Files: kernels}}, nil},
		{"file with another name", one(hostile.Package{Files: whole}), []string{"something.rpm"}},
		{"in a folder below", one(hostile.Package{Files: whole}), []string{"x86_64/deep/er/a.rpm"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(want, verdicts(t, tt.packages, tt.files, before)); diff != "" {
				t.Errorf("-as it was packed +now\n%s", diff)
			}
		})
	}
	t.Run("named itself", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "a.rpm")
		writeFile(t, file, hostile.RPM(t, hostile.Package{Files: whole}))
		if diff := cmp.Diff(want, verdictsOn(t, file, before)); diff != "" {
			t.Errorf("-as it was packed +now\n%s", diff)
		}
	})
	// Files without a package do not show that they are of one build: what only that
	// proves is not proven, and all else is the same.
	t.Run("unpacked", func(t *testing.T) {
		dir := t.TempDir()
		for _, f := range whole {
			writeFile(t, filepath.Join(dir, f.Path), f.Content)
		}
		loose := func(list []string) (out []string) {
			for _, v := range list {
				v, _, _ = strings.Cut(v, " by ")
				out = append(out, strings.Replace(v, "unproven, warn", "same-base, ok", 1))
			}
			slices.Sort(out)
			return out
		}
		if diff := cmp.Diff(loose(want), loose(verdictsOn(t, dir, before))); diff != "" {
			t.Errorf("-as it was packed +now\n%s", diff)
		}
	})
}

// TestStrippingChangesNothing has binutils strip the modules.
func TestStrippingChangesNothing(t *testing.T) {
	strip, err := exec.LookPath("strip")
	if err != nil {
		t.Skip("no strip of binutils here")
	}
	const before = "../../testdata/incident/5.15.12-1.1"
	whole := kernelFiles(t, "../../testdata/incident/broken/kernel-default-5.15.12-1.4.x86_64.rpm")
	want := verdicts(t, []hostile.Package{{Files: whole}}, nil, before)
	for _, how := range []string{"--strip-debug", "--strip-unneeded"} {
		t.Run(how, func(t *testing.T) {
			ko := filepath.Join(t.TempDir(), "a.ko")
			stripped, changed := slices.Clone(whole), false
			for i, f := range whole {
				if !strings.HasSuffix(f.Path, ".ko") {
					continue
				}
				if err := os.WriteFile(ko, f.Content, 0o644); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(strip, how, ko).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if stripped[i].Content, err = os.ReadFile(ko); err != nil {
					t.Fatal(err)
				}
				changed = changed || !bytes.Equal(stripped[i].Content, f.Content)
			}
			if !changed {
				t.Error("there was nothing to strip")
			}
			if diff := cmp.Diff(want, verdicts(t, []hostile.Package{{Files: stripped}}, nil, before)); diff != "" {
				t.Errorf("-as it was built +stripped\n%s", diff)
			}
		})
	}
}

// signed is a module with a signature behind it, as scripts/sign-file of the kernel
// appends one: the signature, a struct module_signature, a marker.
func signed(ko []byte) []byte {
	const size = 391
	info := [12]byte{2: 2} // PKCS#7; the rest is in the signature
	binary.BigEndian.PutUint32(info[8:], size)
	return slices.Concat(ko, bytes.Repeat([]byte{0x30}, size), info[:], []byte("~Module signature appended~\n"))
}

func unpacked(t *testing.T, xz []byte) []byte {
	t.Helper()
	var d decompress.Decoder
	defer d.Close()
	out, err := d.Append(nil, decompress.Xz, xz, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// withoutSymbols is an ELF file of 64 bits whose tables of symbols are no sections any
// more, as after strip.
func withoutSymbols(t *testing.T, data []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, cut := bytes.Clone(data), false
	const size = 64 // of a section header
	headers := f.ByteOrder.Uint64(data[0x28:])
	for i, s := range f.Sections {
		if s.Type == elf.SHT_SYMTAB || s.Name == ".strtab" {
			clear(out[headers+uint64(i)*size+4:][:size-4]) // SHT_NULL; the name stays
			cut = true
		}
	}
	if !cut {
		t.Fatal("it has no symbols")
	}
	return out
}

// kernelFiles are the files of packages.
func kernelFiles(t *testing.T, packages ...string) (out []hostile.File) {
	t.Helper()
	for _, name := range packages {
		_, files := fixture.Files(t, name)
		for _, f := range files {
			out = append(out, hostile.File{Path: f.Path, Content: f.Data})
		}
	}
	return out
}

// verdicts packs packages and checks them against a build before: which module of
// which origin came to which verdict, in which pairing.
func verdicts(t *testing.T, packages []hostile.Package, names []string, before string) []string {
	t.Helper()
	dir := t.TempDir()
	for i, p := range packages {
		name := fmt.Sprintf("%d.rpm", i)
		if i < len(names) {
			name = names[i]
		}
		writeFile(t, filepath.Join(dir, name), hostile.RPM(t, p))
	}
	return verdictsOn(t, dir, before)
}

func writeFile(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// verdictsOn checks what is in a folder.
func verdictsOn(t *testing.T, dir, before string) (out []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"obs-btf-guard", "check", "--no-db", "--format", "json", "--against", before, dir}, &stdout, &stderr); status == exitError {
		t.Fatalf("%s", stderr.String())
	}
	var report struct {
		Verdicts []struct {
			Module, Verdict, Severity, Pairing, Errno string
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	for _, v := range report.Verdicts {
		out = append(out, fmt.Sprintf("%s: %s, %s by %s", v.Module, v.Verdict, v.Severity, v.Pairing))
	}
	slices.Sort(out)
	return out
}
