// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// write makes an entry of parts of kind 1.
func write(t *testing.T, d *Dir, key string, parts ...string) {
	t.Helper()
	w, err := d.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := w.Add(1, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// read returns the parts of an entry, sorted, and the error that is not io.EOF.
func read(e *Entry) (out []string, err error) {
	defer e.Close()
	var u Unpacker
	defer u.Close()
	for {
		p, err := e.Next()
		if err == io.EOF {
			slices.Sort(out)
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := u.Unpack(p)
		if err != nil {
			return nil, err
		}
		out = append(out, string(data))
	}
}

func TestEntry(t *testing.T) {
	d := New(filepath.Join(t.TempDir(), "not yet there"), "program")
	if d.Open("aa") != nil {
		t.Fatal("there is an entry in an empty folder")
	}
	big := string(bytes.Repeat([]byte("kernel "), 1<<18))
	write(t, d, "aa", "one", "", big)
	got, err := read(d.Open("aa"))
	if err != nil || !slices.Equal(got, []string{"", big, "one"}) {
		t.Errorf("%d parts, error %v", len(got), err)
	}
	if New(d.root, "another").Open("aa") != nil {
		t.Error("an entry of another program is there")
	}
	write(t, d, "aa", "two")
	if got, err := read(d.Open("aa")); err != nil || !slices.Equal(got, []string{"two"}) {
		t.Errorf("written again, it is %q, error %v", got, err)
	}
	d.Drop("aa")
	if d.Open("aa") != nil {
		t.Error("it is there after Drop")
	}
}

func TestModes(t *testing.T) {
	d := New(filepath.Join(t.TempDir(), "cache"), "program")
	write(t, d, "aa", "one")
	for path, want := range map[string]os.FileMode{d.root: 0o700, filepath.Join(d.root, "program"): 0o700, d.path("aa") + suffix: 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestUncommitted(t *testing.T) {
	d := New(t.TempDir(), "program")
	w, err := d.Create("aa")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(1, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if d.Open("aa") != nil {
		t.Error("half an entry is there")
	}
	w.Abort()
	if left, _ := os.ReadDir(filepath.Join(d.root, "program")); len(left) > 0 {
		t.Errorf("given up, it leaves %v", left)
	}
}

func TestManyWriters(t *testing.T) {
	d := New(t.TempDir(), "program")
	w, err := d.Create("aa")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { _ = w.Add(1, []byte(fmt.Sprintf("%02d", i))) })
	}
	all.Wait()
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := read(d.Open("aa")); err != nil || len(got) != 50 || got[49] != "49" {
		t.Errorf("%q, error %v", got, err)
	}
}

// TestDamage changes each byte of an entry and cuts it off behind each: it must never
// be taken for whole and hold something else.
func TestDamage(t *testing.T) {
	d := New(t.TempDir(), "program")
	write(t, d, "aa", "one part of it", "and another")
	path := d.path("aa") + suffix
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := read(d.Open("aa"))
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(d.Open("aa")); err == nil && !slices.Equal(got, want) {
			t.Errorf("%s: read as %q", name, got)
		}
	}
	for i := range whole {
		for _, flip := range []byte{1, 0x80, 0xff} {
			data := bytes.Clone(whole)
			data[i] ^= flip
			try(fmt.Sprintf("byte %d ^ %#x", i, flip), data)
		}
		if _, err := read(func() *Entry { try("cut", whole[:i]); return d.Open("aa") }()); err == nil {
			t.Errorf("cut off behind %d bytes it is whole", i)
		}
	}
	if err := os.WriteFile(path, append(bytes.Clone(whole), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(d.Open("aa")); err == nil {
		t.Error("with a byte behind its end it is whole")
	}
}

func TestLimit(t *testing.T) {
	d := New(t.TempDir(), "program")
	old := New(d.root, "older")
	write(t, old, "a0", "of an older program")
	for i, key := range []string{"a1", "a2", "a3"} {
		write(t, d, key, key)
		at := time.Now().Add(time.Duration(i-10) * time.Minute)
		if err := os.Chtimes(d.path(key)+suffix, at, at); err != nil {
			t.Fatal(err)
		}
	}
	// a0 was used last, a1 now; so a2 has to go.
	d.Open("a1").Close()
	d.limit = 3 * 4096
	write(t, d, "a4", "a4")
	have := map[string]bool{"a0": old.Open("a0") != nil}
	for _, key := range []string{"a1", "a2", "a3", "a4"} {
		have[key] = d.Open(key) != nil
	}
	want := map[string]bool{"a0": true, "a1": true, "a2": false, "a3": false, "a4": true}
	for key := range want {
		if have[key] != want[key] {
			t.Errorf("%s: there: %v, want %v", key, have[key], want[key])
		}
	}
}

func TestLeftovers(t *testing.T) {
	d := New(t.TempDir(), "program")
	write(t, d, "aa", "one")
	for name, age := range map[string]time.Duration{"young": time.Minute, "stale": 2 * stale} {
		path := filepath.Join(d.root, "program", temporary+name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(t, d, "bb", "two")
	if _, err := os.Stat(filepath.Join(d.root, "program", temporary+"young")); err != nil {
		t.Error("what another program writes was removed")
	}
	if _, err := os.Stat(filepath.Join(d.root, "program", temporary+"stale")); err == nil {
		t.Error("what a killed program left is still there")
	}
}

func TestDefaultPath(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"cache home":          {map[string]string{"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/obs-btf-guard"},
		"home":                {map[string]string{"HOME": "/h"}, "/h/.cache/obs-btf-guard"},
		"relative cache home": {map[string]string{"XDG_CACHE_HOME": "c", "HOME": "/h"}, "/h/.cache/obs-btf-guard"},
		"none":                {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := DefaultPath(func(k string) string { return tc.env[k] }); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
