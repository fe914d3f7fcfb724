// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// toolVersions says how each tool tells its version and where testdata/README.md
// has the one that the committed files were made with.
var toolVersions = []struct{ command, inREADME string }{
	{"gcc -dumpfullversion", `gcc ([\d.]+)`},
	{"objcopy --version", `binutils ([\d.]+)`},
	{"pahole --version", `pahole ([\d.]+)`},
	{"bpftool version", `bpftool ([\d.]+)`},
	{"rpmbuild --version", `rpmbuild ([\d.]+)`},
	{"openssl version", `OpenSSL ([\d.]+)`},
	{"xz --version", `xz ([\d.]+)`},
	{"zstd --version", `zstd ([\d.]+)`},
}

// otherVersions lists the tools that differ from those of testdata/README.md.
func otherVersions(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("../testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`\d+(\.\d+)+`)
	var out []string
	for _, tool := range toolVersions {
		said := regexp.MustCompile(tool.inREADME).FindSubmatch(readme)
		if said == nil {
			t.Fatalf("testdata/README.md does not say %q", tool.inREADME)
		}
		want := strings.Trim(string(said[1]), ".")
		args := strings.Fields(tool.command)
		text, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", tool.command, err, text)
		}
		got := version.FindString(string(text))
		if got != want && !strings.HasPrefix(got, want+".") {
			out = append(out, args[0]+" "+got+" instead of "+want)
		}
	}
	return out
}

// makeFixtures runs a make.sh on a copy of the sources, as it may add to them.
func makeFixtures(t *testing.T, folder string) (out string) {
	t.Helper()
	needs(t, "gcc", "ld", "objcopy", "pahole", "bpftool", "rpmbuild", "openssl", "xz", "zstd", "gzip", "bzip2",
		"s390x-linux-gnu-gcc", "arm-linux-gnueabihf-gcc")
	if machine, _ := exec.Command("gcc", "-dumpmachine").Output(); !bytes.HasPrefix(machine, []byte("x86_64")) {
		t.Skipf("the fixtures are x86_64, gcc makes %s", machine)
	}
	source := filepath.Join(t.TempDir(), folder)
	if err := os.CopyFS(source, os.DirFS(filepath.Join("../testdata", folder))); err != nil {
		t.Fatal(err)
	}
	shared, err := os.ReadFile("../testdata/kbuild.sh") // which the scripts look for beside their folders
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(source), "kbuild.sh"), shared, 0o644); err != nil {
		t.Fatal(err)
	}
	out = t.TempDir()
	if text, err := exec.Command("bash", filepath.Join(source, "make.sh"), out).CombinedOutput(); err != nil {
		t.Fatalf("%s/make.sh: %v\n%s", folder, err, text)
	}
	return out
}

// sameFiles compares what was made with what is committed, by name and byte.
func sameFiles(t *testing.T, made, committed string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(made, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		name, _ := filepath.Rel(made, path)
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: made again it has other bytes", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n == 0 {
		t.Errorf("%s: nothing was made", committed)
	}
}

// The committed packages come out of their sources again, to the byte where the
// tools are the same, and with the same judgement where they are not.
func TestIncidentIsMadeAgain(t *testing.T) {
	made := makeFixtures(t, "incident")
	const committed = "../testdata/incident"
	if other := otherVersions(t); len(other) == 0 {
		sameFiles(t, made, committed)
	} else {
		t.Logf("bytes not compared: %s", strings.Join(other, ", "))
	}
	for _, args := range [][]string{
		{"5.15.12-1.1"},
		{"5.15.12-1.3"},
		{"5.15.12-1.3", "5.15.12-1.1"},
		{"broken"},
	} {
		t.Run(strings.Join(args, " against "), func(t *testing.T) {
			judged := func(root string) (status int, all map[string]counts) {
				line := []string{filepath.Join(root, args[0])}
				if len(args) > 1 {
					line = append(line, "--against", filepath.Join(root, args[1]))
				}
				o := guard(t, "check", line...)
				all = map[string]counts{}
				for _, pairing := range []string{"build", "rebuild", "across"} {
					all[pairing] = o.count(pairing, byVerdict)
				}
				return o.Status, all
			}
			status, got := judged(made)
			wantStatus, want := judged(committed)
			if status != wantStatus {
				t.Errorf("exit status %d, with the committed files %d", status, wantStatus)
			}
			for pairing := range want {
				t.Logf("%s: %v", pairing, got[pairing])
				if got[pairing].String() != want[pairing].String() {
					t.Errorf("%s: %v, with the committed files %v", pairing, got[pairing], want[pairing])
				}
			}
		})
	}
}

// The tables of three machines come out of their sources again.
func TestTablesAreMadeAgain(t *testing.T) {
	made := makeFixtures(t, "tables")
	if other := otherVersions(t); len(other) == 0 {
		sameFiles(t, made, "../testdata/tables")
		return
	} else {
		t.Logf("bytes not compared: %s", strings.Join(other, ", "))
	}
	tables, _ := filepath.Glob(filepath.Join(made, "*.base.btf"))
	if len(tables) != 3 {
		t.Fatalf("%d bases were made, want 3", len(tables))
	}
	for _, path := range tables {
		if module := strings.Replace(path, ".base.", ".module.", 1); exists(module) {
			o := guard(t, "check", "--base", path, module)
			if given := o.count("given", bySeverity); given["fail"] > 0 || o.Status != 0 {
				t.Errorf("%s: exit status %d, %v", filepath.Base(module), o.Status, o.count("given", byVerdict))
			}
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
