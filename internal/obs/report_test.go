// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
)

const abuild = 399 // the build user's id in OBS

// TestWriteReport writes over all that a build user may have left there.
func TestWriteReport(t *testing.T) {
	const report = topdir + "/OTHER/kernel-default.btfguard"
	for _, tc := range []struct {
		name  string
		pname string
		lay   func(r tree)
		want  string // path
		err   string // a part of it
	}{
		{"new", "kernel-default", func(tree) {}, report, ""},
		{"over an older one", "kernel-default", func(r tree) { r.write(report, "the first build's") }, report, ""},
		{"no OTHER", "kernel-default", func(r tree) { r.remove(topdir + "/OTHER") }, report, ""},
		{"a link lies there", "kernel-default", func(r tree) { r.link("/victim", report) }, report, ""},
		{"a link to nothing lies there", "kernel-default", func(r tree) { r.link("/nowhere", report) }, report, ""},
		{"another name of a file lies there", "kernel-default", func(r tree) { r.must(os.Link(r.path("victim"), r.path(report))) }, report, ""},
		{"a FIFO lies there", "kernel-default", func(r tree) { r.fifo(report) }, report, ""},
		{"a directory lies there", "kernel-default", func(r tree) { r.write(report+"/file", "") }, "", "OTHER: rename"},
		{"OTHER is a link inside", "kernel-default", func(r tree) {
			r.remove(topdir + "/OTHER")
			r.link("SOURCES", topdir+"/OTHER")
		}, "", "OTHER: is a symbolic link, not a directory"},
		{"OTHER is a link outside", "kernel-default", func(r tree) {
			r.remove(topdir + "/OTHER")
			r.link(t.TempDir(), topdir+"/OTHER")
		}, "", "OTHER: is a symbolic link, not a directory"},
		{"OTHER is a FIFO", "kernel-default", func(r tree) {
			r.remove(topdir + "/OTHER")
			r.fifo(topdir + "/OTHER")
		}, "", "OTHER: is a FIFO, not a directory"},
		{"name with a path", "../../../victim", func(tree) {}, topdir + "/OTHER/_._.._.._victim.btfguard", ""},
		{"name that is no text", "a\x00b\n\xff\u202e", func(tree) {}, topdir + "/OTHER/a_b___.btfguard", ""},
		{"long name", strings.Repeat("x", 1000), func(tree) {}, topdir + "/OTHER/" + strings.Repeat("x", 200) + ".btfguard", ""},
		{"name of a flavor", "libstdc++6-32bit", func(tree) {}, topdir + "/OTHER/libstdc++6-32bit.btfguard", ""},
		{"no name", "", func(tree) {}, "", "nothing says the name of the package"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			r.write("victim", "precious")
			if os.Geteuid() == 0 {
				for _, dir := range []string{topdir, topdir + "/OTHER"} {
					r.must(os.Chown(r.path(dir), abuild, abuild))
				}
			}
			tc.lay(r)
			b := r.find(map[string]string{"PNAME": tc.pname})
			got, err := b.WriteReport([]byte("report"))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || got != "" {
					t.Errorf("WriteReport = %q, %v, want an error with %q", got, err, tc.err)
				}
			} else if err != nil || got != r.path(tc.want) {
				t.Errorf("WriteReport = %q, %v, want %s", got, err, r.path(tc.want))
			} else {
				checkReport(t, got)
			}
			if data, err := os.ReadFile(r.path("victim")); err != nil || string(data) != "precious" {
				t.Errorf("another file holds %q, %v", data, err)
			}
			if left, _ := filepath.Glob(r.path(topdir + "/OTHER/.*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func checkReport(t *testing.T, path string) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("%s: mode %v, want a regular file with 0644", path, info.Mode())
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "report" {
		t.Errorf("%s holds %q, %v", path, data, err)
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, name := range []string{path, filepath.Dir(path)} {
		var st syscall.Stat_t
		if err := syscall.Stat(name, &st); err != nil || st.Uid != abuild || st.Gid != abuild {
			t.Errorf("%s belongs to %d:%d, %v, want the build user", name, st.Uid, st.Gid, err)
		}
	}
}

// TestPreviousReports lists what a former check left, and reads it.
func TestPreviousReports(t *testing.T) {
	const name = "/kernel-default.btfguard"
	type previous struct {
		path, content string
		carried       bool
	}
	for _, tc := range []struct {
		name string
		lay  func(r tree)
		want []previous // no content where reading is an error
	}{
		{"first build ever", func(tree) {}, nil},
		{"former results", func(r tree) {
			r.write(".build.oldpackages"+name, "zero")
			r.write(".build.oldpackages/kernel-source.btfguard", "another package's")
			r.mkdir(".build.oldpackages1")
			r.write(".build.oldpackages2"+name, "two")
			r.write(".build.oldpackages10"+name, "ten")
			r.write(topdir+"/SOURCES"+name, "a source of that name")
		}, []previous{{".build.oldpackages" + name, "zero", false}, {".build.oldpackages2" + name, "two", false}, {".build.oldpackages10" + name, "ten", false}}},
		{"second of two builds", func(r tree) {
			r.signing()
			r.write(topdir+"/SOURCES"+name, "stage one")
		}, []previous{{topdir + "/SOURCES" + name, "stage one", true}}},
		{"no regular files", func(r tree) {
			r.signing()
			r.fifo(topdir + "/SOURCES" + name)
			r.mkdir(".build.oldpackages")
			r.link("/etc/passwd", ".build.oldpackages"+name)
			r.mkdir(".build.oldpackages1" + name)
		}, nil},
		{"too large", func(r tree) {
			r.write(".build.oldpackages"+name, "")
			r.must(os.Truncate(r.path(".build.oldpackages"+name), obs.MaxReport+1))
			r.write(".build.oldpackages1"+name, "small")
		}, []previous{{".build.oldpackages" + name, "", false}, {".build.oldpackages1" + name, "small", false}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			tc.lay(r)
			var got []previous
			for _, p := range r.find(map[string]string{"PNAME": "kernel-default"}).PreviousReports() {
				below, err := filepath.Rel(r.root, p.Path)
				r.must(err)
				data, err := p.Read()
				if (err != nil) != (data == nil) || err != nil && !strings.Contains(err.Error(), "at most") {
					t.Errorf("%s: %v", p.Path, err)
				}
				got = append(got, previous{below, string(data), p.Carried})
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(previous{})); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestPreviousReportExchanged reads a report in whose place something else was
// put after it was found.
func TestPreviousReportExchanged(t *testing.T) {
	const name = ".build.oldpackages/kernel-default.btfguard"
	for _, tc := range []struct {
		name string
		put  func(r tree)
		err  string
	}{
		{"a FIFO", func(r tree) { r.fifo(name) }, "is a FIFO"},
		{"a link", func(r tree) { r.link("/etc/passwd", name) }, "is a symbolic link"},
		{"nothing", func(tree) {}, "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			r.write(name, "report")
			found := r.find(map[string]string{"PNAME": "kernel-default"}).PreviousReports()
			if len(found) != 1 {
				t.Fatalf("found %d reports, want 1", len(found))
			}
			r.remove(name)
			tc.put(r)
			if data, err := found[0].Read(); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("Read = %q, %v, want an error with %q", data, err, tc.err)
			}
		})
	}
}
