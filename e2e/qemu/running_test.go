// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/internal/running"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// replaced is how many modules lie on the disk of TestRunning.
const replaced = 60

// loadedBefore are modules that a machine has loaded before the update: libcrc32c, on which
// some depend, asks for the first when it is loaded.
var loadedBefore = []string{"crc32c_generic", "nf_conntrack", "nf_nat", "fou", "tcp_bbr"}

// TestRunning boots a build whose modules and boot image were replaced by those of
// another, as an update does where both have one kernelrelease. check --running says
// which modules on disk would fail at the next modprobe, what is loaded without BTF, from
// another file, or misread, and whether a reboot cures it.
func TestRunning(t *testing.T) {
	on, other := twoBuilds(t)
	if _, err := exec.LookPath(on.machine.qemu[0]); err != nil {
		t.Skip(err)
	}
	old, disk := t.TempDir(), t.TempDir()
	before := on.unpack(t, old, 0, loadedBefore...)
	onDisk := other.unpack(t, disk, replaced, loadedBefore...)
	late := slices.DeleteFunc(slices.Clone(onDisk), func(name string) bool {
		m := openModule(t, disk, name)
		depends, _ := m.Modinfo.Get("depends")
		return slices.Contains(before, name) || len(m.BTF) == 0 || depends != ""
	})
	if len(late) < 2 {
		t.Fatalf("%d modules that can be loaded after the update", len(late))
	}
	misread, without := late[0], late[1]

	c := new(cpio)
	tree := path.Join("lib/modules", on.krel)
	for _, d := range []string{"dev", "proc", "sys", "tmp", "boot", "lib", "lib/modules", tree, tree + "/kernel", wire.Modules} {
		c.add(d, modeDir, nil)
	}
	file := func(name, from string) {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		c.add(name, modeFile, data)
	}
	c.add("init", modeFile, goProgram(t, on.machine, "build", "-ldflags", "-s -w", "./running"))
	c.add(wire.Guard, modeFile, goProgram(t, on.machine, "build", "-ldflags", "-s -w", "../../cmd/obs-btf-guard"))
	file("boot/vmlinuz-"+on.krel, other.vmlinuz)
	file(wire.OwnImage, on.vmlinuz)
	file("boot/config-"+on.krel, filepath.Join(on.dir, "boot", "config-"+on.krel))
	for _, name := range onDisk {
		file(path.Join(tree, "kernel", name+".ko"), filepath.Join(disk, name+".ko"))
	}
	loaded := slices.Clone(before)
	for _, name := range before {
		file(path.Join(wire.Modules, name+".ko"), filepath.Join(old, name+".ko"))
	}
	loaded = append(loaded, misread)
	file(path.Join(wire.Modules, misread+".ko"), filepath.Join(disk, misread+".ko"))
	if on.allow == verify.AllowYes {
		loaded = append(loaded, without)
		c.add(path.Join(wire.Modules, without+".ko"), modeFile, refusedBTF(t, openModule(t, disk, without), filepath.Join(disk, without+".ko")))
	}
	c.add(wire.Before, modeFile, []byte(strings.Join(loaded, "\n")))

	port, err := run(t, on.machine, on.vmlinuz, c.finish(), start{})
	answers, last := readResults[wire.Asked](t, port)
	if !last.Done {
		t.Fatalf("the machine ended behind %d answers: %s %v", len(answers), last.Fatal, err)
	}
	for _, a := range answers {
		if a.Exit != 1 || a.Stderr != "" {
			t.Errorf("boot image %s, user %d, %s: exit status %d, %s", a.Boot, a.User, a.Format, a.Exit, a.Stderr)
			continue
		}
		if a.Format == "text" {
			t.Logf("boot image %s, user %d:\n%s", a.Boot, a.User, a.Stdout)
			cure := map[string]string{"replaced": "A reboot into it cures this", "kept": "A reboot into it does not cure this"}[a.Boot]
			text := strings.Join(strings.Fields(a.Stdout), " ")
			for _, want := range []string{"misread", "Loaded now", "from another file than the one on disk", "After a reboot", cure} {
				if !strings.Contains(text, want) {
					t.Errorf("boot image %s, user %d: no %q", a.Boot, a.User, want)
				}
			}
			continue
		}
		checkRunning(t, a, on, len(onDisk), before, misread, without)
	}
}

// checkRunning looks at an answer for programs.
func checkRunning(t *testing.T, a wire.Asked, on *build, onDisk int, before []string, misread, without string) {
	t.Helper()
	var doc struct {
		Summary map[string]int
		Running running.State
	}
	if err := json.Unmarshal([]byte(a.Stdout), &doc); err != nil {
		t.Fatal(err)
	}
	s := doc.Running
	if s.KernelRelease != on.krel || s.Config == "" || s.Asked != (a.User == 0) {
		t.Errorf("%s, configuration %q, asked %v", s.KernelRelease, s.Config, s.Asked)
	}
	states := map[string]running.Loaded{}
	for _, l := range s.Loaded {
		states[l.Module] = l
	}
	for _, name := range before {
		if l := states[name]; l.State != running.OtherFile && l.BTF || l.Verdict == guard.Misread {
			t.Errorf("loaded before the update: %+v", l)
		}
	}
	if l := states[misread]; l.State != running.AsOnDisk || l.Verdict != guard.Misread {
		t.Errorf("loaded after the update: %+v", l)
	}
	if l := states[without]; on.allow == verify.AllowYes && (l.State != running.WithoutBTF || l.BTF) {
		t.Errorf("refused by the kernel: %+v", l)
	}
	if len(s.Reboots) != 1 {
		t.Fatalf("%d kernels to boot", len(s.Reboots))
	}
	switch r := s.Reboots[0]; {
	case r.Modules != onDisk:
		t.Errorf("%d modules on disk, want %d", r.Modules, onDisk)
	case a.Boot == "replaced" && (!r.Fits() || r.Same):
		t.Errorf("the kernel of the same update: %+v", r)
	case a.Boot == "kept" && (r.Fits() || !r.Same):
		// The base that the modules were built on is not there any more, so that only
		// those fail which show by themselves that it is another.
		t.Errorf("the kernel that runs: %+v", r)
	}
}

// refusedBTF is a module whose .BTF no kernel takes: its first type has a name far
// behind all strings.
func refusedBTF(t *testing.T, m *kernel.Module, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, m.BTF)
	if at < 0 {
		t.Fatalf("%s: its .BTF is not in the file as it is", path)
	}
	header, types := binary.LittleEndian.Uint32(m.BTF[4:]), binary.LittleEndian.Uint32(m.BTF[8:])
	binary.LittleEndian.PutUint32(data[at+int(header+types):], 1<<30)
	return data
}
