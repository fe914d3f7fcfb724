// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/obs-btf-guard/obs-btf-guard/internal/repomd"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// notebook is a Memory that forgets nothing.
type notebook struct {
	pages    map[string]string
	recorded int // kernels
}

func (n *notebook) Recall(key string) []byte {
	if page, ok := n.pages[key]; ok {
		return []byte(page)
	}
	return nil
}

func (n *notebook) Keep(key string, value []byte) {
	if n.pages == nil {
		n.pages = map[string]string{}
	}
	n.pages[key] = string(value)
}

func (n *notebook) Record(inv *guard.Inventory, _ *guard.Result) { n.recorded += len(inv.Bases) }

// by lists where the answers of a result come from, each once.
func by(r *Result) []guard.Knowledge {
	seen := map[guard.Knowledge]bool{}
	for _, k := range r.Kernels {
		seen[k.Known] = true
	}
	for _, c := range cells(r) {
		seen[c.By] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// TestRemembered reads each package once, and says the same each time: whatever
// of them is stamped, in a folder, in a repository there and in one far away.
func TestRemembered(t *testing.T) {
	for name, stamp := range map[string]func(string) bool{
		"none stamped":    func(string) bool { return false },
		"kernels stamped": func(s string) bool { return s == oldKernel || s == newKernel },
		"modules stamped": func(s string) bool { return s == oldExtra || s == newExtra },
	} {
		t.Run(name, func(t *testing.T) {
			dir := incident(t, stamp, "5.15.12-1.1", "5.15.12-1.3")
			var fetched atomic.Int32
			files := http.FileServer(http.Dir(dir))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, ".rpm") {
					fetched.Add(1)
				}
				files.ServeHTTP(w, r)
			}))
			defer server.Close()
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(folder, "repodata")); err != nil {
				t.Fatal(err)
			}
			for _, source := range []string{server.URL, dir, folder} {
				var m notebook
				first := remembering(t, source, &m)
				if slices.Contains(by(first), guard.ByHistory) || !slices.Contains(by(first), guard.ByContent) || m.recorded < 2 {
					t.Errorf("%s: by %q, %d kernels recorded", source, by(first), m.recorded)
				}
				before := fetched.Load()
				again := remembering(t, source, &m)
				if slices.Contains(by(again), guard.ByContent) || !slices.Contains(by(again), guard.ByHistory) || fetched.Load() != before {
					t.Errorf("%s: by %q, %d fetched", source, by(again), fetched.Load()-before)
				}
				if diff := cmp.Diff(said(first), said(again)); diff != "" {
					t.Errorf("%s: %s", source, diff)
				}
				// What metadata does not tell stays unknown where that was asked for.
				res, err := Run(t.Context(), Options{Sources: []string{source}, Memory: &m, MetadataOnly: true})
				if err != nil || slices.Contains(by(res), guard.ByHistory) {
					t.Errorf("%s, metadata only: by %q, %v", source, by(res), err)
				}
			}
		})
	}
}

func remembering(t *testing.T, source string, m Memory) *Result {
	t.Helper()
	res, err := Run(t.Context(), Options{Sources: []string{source}, Dir: t.TempDir(), Memory: m})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestReadAgain reads anew what is not what it was, and what was not well.
func TestReadAgain(t *testing.T) {
	lay := func(t *testing.T) string {
		dir := incident(t, func(string) bool { return false }, "5.15.12-1.1", "5.15.12-1.3")
		if err := os.RemoveAll(filepath.Join(dir, "repodata")); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, tc := range map[string]struct {
		change func(t *testing.T, dir string, m *notebook)
		exit   int
	}{
		"a package more": {func(t *testing.T, dir string, _ *notebook) {
			data, err := os.ReadFile("../../testdata/incident/broken/kernel-default-extra-5.15.12-1.4.x86_64.rpm")
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "more.rpm"), data, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, 1},
		"a kernel less": {func(t *testing.T, dir string, _ *notebook) {
			if err := os.Remove(filepath.Join(dir, oldKernel+".rpm")); err != nil {
				t.Fatal(err)
			}
		}, 1},
		"one cut short": {func(t *testing.T, dir string, _ *notebook) {
			path := filepath.Join(dir, newKernel+".rpm")
			info, err := os.Stat(path)
			if err == nil {
				err = os.Truncate(path, info.Size()-100)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, 2},
		"a byte of one another": {func(t *testing.T, dir string, _ *notebook) {
			path := filepath.Join(dir, newExtra+".rpm")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)-200] ^= 0xff
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}, 2},
		"pages torn": {func(_ *testing.T, _ string, m *notebook) {
			for key, page := range m.pages {
				m.pages[key] = page[:len(page)/2]
			}
		}, 1},
		"pages of others": {func(_ *testing.T, _ string, m *notebook) {
			for key, page := range m.pages {
				page = strings.ReplaceAll(page, `"Package":`, `"Package":9`)
				m.pages[key] = strings.ReplaceAll(page, `"Modules":`, `"Modules":9`)
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := lay(t)
			var m notebook
			remembering(t, dir, &m)
			tc.change(t, dir, &m)
			res := remembering(t, dir, &m)
			if slices.Contains(by(res), guard.ByHistory) || res.Exit(DefaultFailOn) != tc.exit {
				t.Errorf("by %q, exit %d, want %d", by(res), res.Exit(DefaultFailOn), tc.exit)
			}
			fresh := remembering(t, dir, nil)
			if diff := cmp.Diff(said(fresh), said(res)); diff != "" {
				t.Error(diff)
			}
			// What went wrong is said each time.
			if again := remembering(t, dir, &m); again.Exit(DefaultFailOn) != tc.exit {
				t.Errorf("again: exit %d, want %d", again.Exit(DefaultFailOn), tc.exit)
			}
		})
	}
}

// TestExchanged takes nothing of a package whose checksum another file had.
func TestExchanged(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.3")
	var m notebook
	remembering(t, dir, &m)
	for key, page := range m.pages {
		if strings.HasPrefix(key, "package ") {
			m.pages[key] = strings.Replace(page, "header:", "header:00", 1)
		} else {
			delete(m.pages, key)
		}
	}
	res := remembering(t, dir, &m)
	if res.Exit(nil) != 2 || !strings.Contains(strings.Join(said(res), "\n"), "the package changed while it was read; run the audit again") {
		t.Errorf("exit %d, %q", res.Exit(nil), said(res))
	}
	again, fresh := remembering(t, dir, &m), remembering(t, dir, nil)
	if diff := cmp.Diff(said(fresh), said(again)); diff != "" {
		t.Error(diff)
	}
}

// TestFailedEarlier keeps nothing of a kernelrelease whose modules failed to be
// read for another one: next time they are there.
func TestFailedEarlier(t *testing.T) {
	dir := incident(t, func(string) bool { return false }, "5.15.12-1.1", "5.15.12-1.3")
	if err := errors.Join(os.Remove(filepath.Join(dir, oldKernel+".rpm")), os.RemoveAll(filepath.Join(dir, "repodata"))); err != nil {
		t.Fatal(err)
	}
	repository(t, dir,
		listed{name: "kernel-default", version: "5.15.12", release: "1.3", file: newKernel + ".rpm", uname: "5.15.12-1-default"},
		listed{name: "kernel-default-extra", version: "5.15.12", release: "1.1", file: oldExtra + ".rpm"})
	var gone atomic.Bool
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() && strings.Contains(r.URL.Path, "extra") {
			http.NotFound(w, r)
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	var m notebook
	first := remembering(t, server.URL, &m)
	for key, page := range m.pages {
		switch {
		case !strings.HasPrefix(key, "package "):
			delete(m.pages, key)
		case strings.Contains(key, "extra"):
			m.pages[key] = strings.Replace(page, `"Modules":[`, `"Modules":["0-other",`, 1)
		}
	}
	gone.Store(true)
	if res := remembering(t, server.URL, &m); res.Exit(nil) != 2 {
		t.Errorf("%q", said(res))
	}
	gone.Store(false)
	res := remembering(t, server.URL, &m)
	if res.Exit(DefaultFailOn) != 1 || res.Findings[0].Kind != guard.Stale || first.Findings[0].Kind != guard.Stale {
		t.Errorf("%q, before %q", said(res), said(first))
	}
}

// TestRepositoryAgain reads the metadata of a repository once, and only its index while
// that names the same metadata.
func TestRepositoryAgain(t *testing.T) {
	for name, local := range map[string]bool{"on the web": false, "in a folder": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../repomd/testdata/incident")); err != nil {
				t.Fatal(err)
			}
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
			}))
			defer server.Close()
			source := server.URL
			if local {
				source = dir
			}
			var m notebook
			run := func(requests int) string {
				t.Helper()
				asked = nil
				res, err := Run(t.Context(), Options{Sources: []string{source}, Memory: &m, MetadataOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				if !local && len(asked) != requests {
					t.Errorf("asked for %q, want %d requests", asked, requests)
				}
				return strings.Join(said(res), "\n") + fmt.Sprintf("\n%+v %q", res.Sources, res.Notes)
			}
			first := run(3)
			if !strings.Contains(first, "Packages:6") {
				t.Error(first)
			}
			if local {
				// Then it need not be there: it is not read.
				for _, pattern := range []string{"*-primary.xml.gz", "*-filelists.xml.gz"} {
					files, _ := filepath.Glob(filepath.Join(dir, "repodata", pattern))
					for _, f := range files {
						if err := os.Rename(f, f+".away"); err != nil {
							t.Fatal(err)
						}
						defer os.Rename(f+".away", f)
					}
				}
			}
			if again := run(1); again != first {
				t.Errorf("at first\n%s\nthen\n%s", first, again)
			}
			if local {
				return
			}
			// What somebody else wrote there is no reason to fail.
			for key := range m.pages {
				m.pages[key] = `{"Entries": [{"Package": null}]}`
			}
			if again := run(3); again != first {
				t.Errorf("at first\n%s\nthen\n%s", first, again)
			}
			// Other metadata is read.
			index := filepath.Join(dir, "repodata", "repomd.xml")
			text, err := os.ReadFile(index)
			if err != nil {
				t.Fatal(err)
			}
			broken := strings.Replace(string(text), "30bc222a7ccfaa0f70a6a9a2c569eae4cb0a94bf10aea36f3339531f9f07001c</checksum>", strings.Repeat("0", 64)+"</checksum>", 1)
			if err := os.WriteFile(index, []byte(broken), 0o600); err != nil || broken == string(text) {
				t.Fatal(err)
			}
			if other := run(2); !strings.Contains(other, "problem") {
				t.Errorf("metadata with another checksum: %s", other)
			}
		})
	}
}

// TestKnownBounded forgets a repository whose dependencies are too many to be kept.
func TestKnownBounded(t *testing.T) {
	var k repositoryKnown
	p := &repomd.Package{Package: rpm.Package{Requires: []rpm.Dependency{{Name: strings.Repeat("x", maxNames/2)}}}}
	for range 4 {
		k.add(repositoryEntry{p, 0})
	}
	if !k.tooLarge || k.Entries != nil {
		t.Errorf("%d entries", len(k.Entries))
	}
}
