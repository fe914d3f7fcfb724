// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTraces boots a kernel that gives the types of trace events (Linux 7.3 and later)
// with its modules distilled. Their numbers stand in .BTF_ids: renumbered with the rest
// of the module, all name the structs of their events; left alone, they do not.
func TestTraces(t *testing.T) {
	dir := os.Getenv("E2E_TRACES")
	if dir == "" {
		t.Skip("E2E_TRACES names no kernel of 7.3 or later: see fetch-rebuild.sh")
	}
	on := openBuild(t, dir, filepath.Base(dir))
	objects := bpfObjects(t)
	plain := t.TempDir()
	named := on.traced(t)
	order := on.unpack(t, plain, len(named), named...)
	run := func(dir string) (right int, wrong []string) {
		got := survive(t, on, start{}, load(t, dir, order, ".ko"), objects)
		for name, tr := range got.traces {
			right += tr.Right
			if len(tr.Wrong) > 0 {
				wrong = append(wrong, name+": "+tr.Wrong[0])
			}
		}
		t.Logf("%d modules, %d of them with trace events: the numbers of %d events are right; in %d modules some are wrong", len(order), len(got.traces), right, len(wrong))
		return right, wrong
	}
	t.Run("distilled", func(t *testing.T) {
		right, wrong := run(distillModules(t, on, plain, "--max-growth", "100")) // pahole 1.30 repeats structs in these
		for _, w := range wrong {
			t.Error(w)
		}
		if right < 100 {
			t.Errorf("%d trace events are too few to prove anything", right)
		}
	})
	t.Run("numbers left alone", func(t *testing.T) {
		if _, err := exec.LookPath("objcopy"); err != nil {
			t.Skip(err)
		}
		left := t.TempDir()
		for _, name := range order {
			from, to := filepath.Join(plain, name+".ko"), filepath.Join(left, name+".ko")
			m := openModule(t, plain, name)
			if len(m.BTF) == 0 {
				tool(t, "cp", from, to)
				continue
			}
			data, base := distill(t, on, table{name, m.BTF})
			sections := [2]string{filepath.Join(left, "BTF"), filepath.Join(left, "BTF.base")}
			for i, section := range [][]byte{data, base} {
				if err := os.WriteFile(sections[i], section, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tool(t, "objcopy", "--update-section", ".BTF="+sections[0], "--add-section", ".BTF.base="+sections[1], from, to)
		}
		if _, wrong := run(left); len(wrong) == 0 {
			t.Error("all are right: the test proves nothing")
		} else {
			t.Log(wrong[0])
		}
	})
}

// traced names modules of harmless folders that have trace events with numbers.
func (b *build) traced(t *testing.T) (names []string) {
	t.Helper()
	for _, path := range b.modules {
		_, place, _ := strings.Cut(path, "/kernel/")
		if !strings.HasPrefix(place, "fs/") && !strings.HasPrefix(place, "net/") {
			continue
		}
		dir := t.TempDir()
		name := filepath.Base(path)
		name, _, _ = strings.Cut(name, ".")
		if err := os.WriteFile(filepath.Join(dir, name+".ko"), unpacked(t, path), 0o644); err != nil {
			t.Fatal(err)
		}
		for s, err := range openModule(t, dir, name).Symbols() {
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(s.Name, "__bpf_trace_btf_ids_") {
				names = append(names, strings.ReplaceAll(name, "-", "_"))
				break
			}
		}
	}
	return names
}
