// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// A signing build packs everything twice: what a generator found is thrown away
// and found again, on modules that are signed and compressed by then.
func TestRepackage(t *testing.T) {
	tr := unpackBuild(t, "1.3")
	token := tr.token(t)
	stage1 := newHost(t, true).kernel(t, tr, "1.3")
	metadata{provides: one(token)}.check(t, stage1.rpms["kernel-default"])
	dir := t.TempDir()
	for _, rpm := range stage1.rpms {
		replace(t, rpm, filepath.Join(dir, filepath.Base(rpm)))
	}
	inner := filepath.Join(t.TempDir(), "inner.spec")
	writeFile(t, inner, innerSpec(t, stage1))
	for _, tt := range []struct {
		name          string
		guarded       bool
		kernel, extra metadata
	}{
		{"with the attribute", true, metadata{provides: one(token)}, metadata{requires: one(token)}},
		{"without", false, metadata{}, metadata{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newHost(t, tt.guarded).build(t, "repackage.spec", "stage1 "+dir, "inner "+inner)
			tt.kernel.check(t, b.rpms["kernel-default"])
			tt.extra.check(t, b.rpms["kernel-default-extra"])
			tt.extra.check(t, b.rpms["dlm-kmp-default"])
			if said := b.said(); len(said) > 0 {
				t.Errorf("the generator said %q", said)
			}
			checkRepackaged(t, b)
		})
	}
}

// checkRepackaged makes sure that the second stage did what it is here for:
// modules are compressed and signed, and what a spec file said is kept.
func checkRepackaged(t *testing.T, b *built) {
	t.Helper()
	files := strings.Fields(harness.Must(t, "rpm", "-qpl", b.rpms["kernel-default"]))
	path := filepath.Join("/usr/lib/modules", krel, "kernel/drivers/net/usb/ipheth.ko.zst")
	if !slices.Contains(files, path) {
		t.Fatalf("no %s in %q", path, files)
	}
	unpacked := unpack(t, b.rpms["kernel-default"])
	harness.Must(t, "sh", "-c", `zstd -q -dc "$1" | tail -c 28 | grep -qx '~Module signature appended~'`, "sh", filepath.Join(string(unpacked), path))
	if got := harness.Must(t, "rpm", "-qp", "--provides", b.rpms["kernel-default"]); !strings.Contains(got, "kernel-uname-r = "+krel+"\n") {
		t.Errorf("what the spec file provided is gone:\n%s", got)
	}
	if got := harness.Must(t, "rpm", "-qp", "--requires", b.rpms["kernel-default-extra"]); !strings.Contains(got, "kernel-default_x86_64 = 5.15.12-1\n") {
		t.Errorf("what the spec file required is gone:\n%s", got)
	}
	for name, rpm := range b.rpms {
		if o := guard(t, "check", rpm, b.rpms["kernel-default"]); o.Status != 0 {
			t.Errorf("check %s: exit status %d\n%s", name, o.Status, o.All())
		}
	}
}

// Flags of dependencies that nobody wrote into a spec file (rpmds.h).
const (
	findRequires = 1 << 14
	findProvides = 1 << 15
	rpmlib       = 1 << 24
	config       = 1 << 28
	generated    = findRequires | findProvides | rpmlib | config
)

// innerSpec writes the spec that makes the packages of a build again from their
// files, with the dependencies that their spec files gave them.
func innerSpec(t *testing.T, b *built) string {
	t.Helper()
	var names []string
	for name := range b.rpms {
		names = append(names, name)
	}
	slices.Sort(names)
	main := slices.Index(names, "kernel-default")
	names = append([]string{"kernel-default"}, slices.Delete(names, main, main+1)...)

	var head, files strings.Builder
	for i, name := range names {
		query := func(format string) string { return harness.Must(t, "rpm", "-qp", "--qf", format, b.rpms[name]) }
		option := ""
		if i == 0 {
			head.WriteString(query("Name: %{NAME}\nVersion: %{VERSION}\nRelease: %{RELEASE}\nLicense: %{LICENSE}\nSummary: %{SUMMARY}\n"))
		} else {
			option = " -n " + name
			head.WriteString("%package" + option + "\n" + query("Summary: %{SUMMARY}\n"))
		}
		for _, kind := range []string{"Provides", "Requires", "Recommends", "Obsoletes"} {
			tag := strings.TrimSuffix(strings.ToUpper(kind), "S")
			for line := range strings.Lines(query("[%{" + tag + "FLAGS} %{" + tag + "NAME} %{" + tag + "FLAGS:depflags} %{" + tag + "VERSION}\n]")) {
				flags, dependency, ok := strings.Cut(strings.TrimSpace(line), " ")
				bits, err := strconv.Atoi(flags)
				if ok && err == nil && bits&generated == 0 {
					fmt.Fprintf(&head, "%s: %s\n", kind, strings.Join(strings.Fields(dependency), " "))
				}
			}
		}
		head.WriteString("%description" + option + "\n" + name + "\n")
		files.WriteString("%files" + option + "\n%defattr(-,root,root)\n")
		for line := range strings.Lines(query("[%{FILENAMES}\n]")) {
			path := strings.TrimSpace(line)
			if strings.HasSuffix(path, ".ko") {
				path += ".zst"
			}
			files.WriteString(path + "\n")
		}
	}
	if strings.Contains(head.String(), "kernel-btf") {
		t.Fatalf("the generator's tokens count as written in a spec file:\n%s", &head)
	}
	if !strings.Contains(head.String(), "Requires: kernel-default_x86_64 = ") {
		t.Fatalf("what the spec file required is lost:\n%s", &head)
	}
	return head.String() + files.String() + "%changelog\n"
}
