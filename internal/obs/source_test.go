// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
)

const (
	conf       = "btf-guard.conf"
	confSource = topdir + "/SOURCES/" + conf
	confOther  = topdir + "/OTHER/" + conf
)

func TestSource(t *testing.T) {
	for _, tc := range []struct {
		name, ask string
		lay       func(r tree)
		want      string
		err       string // a part of it
		absent    bool
	}{
		{"there", conf, func(r tree) { r.write(confSource, "warn misread\n") }, "warn misread\n", "", false},
		{"empty", conf, func(r tree) { r.write(confSource, "") }, "", "", false},
		{"absent", conf, func(tree) {}, "", "no such file", true},
		{"no SOURCES", conf, func(r tree) { r.remove(topdir + "/SOURCES") }, "", "no such file", true},
		{"FIFO", conf, func(r tree) { r.fifo(confSource) }, "", "is a FIFO, not a regular file", false},
		{"directory", conf, func(r tree) { r.mkdir(confSource) }, "", "is a directory, not a regular file", false},
		{"link out of the root", conf, func(r tree) { r.link("/etc/passwd", confSource) }, "", "is a symbolic link", false},
		{"link to a source", conf, func(r tree) {
			r.write(topdir+"/SOURCES/other.conf", "")
			r.link("other.conf", confSource)
		}, "", "is a symbolic link", false},
		{"SOURCES is a link", conf, func(r tree) {
			r.remove(topdir + "/SOURCES")
			r.link("/etc", topdir+"/SOURCES")
		}, "", "SOURCES: is a symbolic link, not a directory", false},
		{"as large as may be", conf, func(r tree) { r.write(confSource, strings.Repeat("x", obs.MaxSource)) }, strings.Repeat("x", obs.MaxSource), "", false},
		{"larger", conf, func(r tree) { r.write(confSource, strings.Repeat("x", obs.MaxSource+1)) }, "", "has 1048577 bytes or more, at most 1048576 are read", false},
		{"name that leads upwards", "../OTHER/x", func(r tree) { r.write(topdir+"/OTHER/x", "") }, "", "invalid argument", false},
		{"name with a directory", "a/b", func(r tree) { r.write(topdir+"/SOURCES/a/b", "") }, "", "invalid argument", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			tc.lay(r)
			data, err := r.find(nil).Source(tc.ask)
			switch {
			case tc.err == "" && (err != nil || string(data) != tc.want):
				t.Errorf("Source = %d bytes, %v, want %d bytes", len(data), err, len(tc.want))
			case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
				t.Errorf("Source = %d bytes, %v, want an error with %q", len(data), err, tc.err)
			}
			if got := errors.Is(err, fs.ErrNotExist); got != tc.absent {
				t.Errorf("%v: is fs.ErrNotExist: %t, want %t", err, got, tc.absent)
			}
		})
	}
}

// TestSystem reads a file of the system as a process in the root would, and
// nothing outside of it.
func TestSystem(t *testing.T) {
	const name = "/etc/obs-btf-guard.conf"
	for _, tc := range []struct {
		name   string
		lay    func(r tree)
		want   string
		err    string // a part of it
		absent bool
	}{
		{"there", func(r tree) { r.write(name, "the policy") }, "the policy", "", false},
		{"absent", func(tree) {}, "", "no such file", true},
		{"a link in the root", func(r tree) {
			r.write("usr/etc/guard.conf", "the policy")
			r.mkdir("etc")
			r.link("/usr/etc/guard.conf", name)
		}, "the policy", "", false},
		{"etc is a link", func(r tree) {
			r.write("usr/etc/obs-btf-guard.conf", "the policy")
			r.link("../../usr/etc", "etc")
		}, "the policy", "", false},
		{"a link to a file outside", func(r tree) {
			outside := filepath.Join(t.TempDir(), "secret")
			r.must(os.WriteFile(outside, []byte("secret"), 0o600))
			r.mkdir("etc")
			r.link(outside, name)
		}, "", "no such file", true},
		{"FIFO", func(r tree) {
			r.mkdir("etc")
			r.fifo(name)
		}, "", "is a FIFO, not a regular file", false},
		{"too large", func(r tree) { r.write(name, strings.Repeat("x", obs.MaxSource+1)) }, "", "at most 1048576 are read", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTree(t)
			tc.lay(r)
			data, err := r.find(nil).System(name)
			if string(data) != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("System = %.20q, %v, want %q and an error with %q", data, err, tc.want, tc.err)
			}
			if got := errors.Is(err, fs.ErrNotExist); got != tc.absent {
				t.Errorf("%v: is fs.ErrNotExist: %t, want %t", err, got, tc.absent)
			}
		})
	}
}

// TestCarrySource follows a policy from the first build of a signing build into
// the second one, for which OBS makes sources of what the first left in OTHER.
func TestCarrySource(t *testing.T) {
	first := newTree(t)
	first.write(topdir+"/OTHER/kernel-default.cpio.rsasign", "")
	first.write(confSource, "the policy")
	first.link("/victim", confOther)
	first.write("victim", "precious")
	b := first.find(nil)
	first.must(b.CarrySource(conf))
	first.must(b.CarrySource("absent.conf"))
	if data, err := os.ReadFile(first.path("victim")); err != nil || string(data) != "precious" {
		t.Errorf("another file holds %q, %v", data, err)
	}
	entries, err := os.ReadDir(first.path(topdir + "/OTHER"))
	first.must(err)
	second := newTree(t)
	second.signing()
	for _, e := range entries {
		data, err := os.ReadFile(first.path(topdir + "/OTHER/" + e.Name()))
		second.must(err)
		second.write(topdir+"/SOURCES/"+e.Name(), string(data))
	}
	data, err := second.find(nil).Source(conf)
	if err != nil || string(data) != "the policy" || len(entries) != 2 {
		t.Errorf("of %v the second build reads %q, %v", entries, data, err)
	}
}

// TestCarrySourceElsewhere leaves builds alone that are not signed, and the
// second one of those that are.
func TestCarrySourceElsewhere(t *testing.T) {
	for name, lay := range map[string]func(tree){"no signing": func(tree) {}, "second of two builds": tree.signing} {
		t.Run(name, func(t *testing.T) {
			r := newTree(t)
			lay(r)
			r.write(confSource, "the policy")
			r.must(r.find(nil).CarrySource(conf))
			if _, err := os.Lstat(r.path(confOther)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, want none", confOther, err)
			}
		})
	}
}
