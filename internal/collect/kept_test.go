// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// found is an inventory in a line.
func found(inv *guard.Inventory) string {
	return fmt.Sprintf("%d packages, %d bases, %d modules, %d problems %v", len(inv.Packages), len(inv.Bases), len(inv.Modules), len(inv.Problems), inv.Problems)
}

func readKept(t *testing.T, dir *cache.Dir, path string) string {
	t.Helper()
	s := Check(path)
	s.Cache = dir
	inv, err := Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return found(inv)
}

// keyOf is the name of a package in a cache.
func keyOf(t *testing.T, path string) string {
	t.Helper()
	r, err := rpm.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Pinned() {
		t.Fatalf("%s: not pinned", path)
	}
	return r.Package.HeaderDigest
}

// TestTakenFromCache exchanges an entry for one of a package that holds nothing: if it
// is believed, the payload was not read.
func TestTakenFromCache(t *testing.T) {
	dir := cache.New(t.TempDir(), "program")
	path := incident + kernel13
	if got, want := readKept(t, dir, path), "1 packages, 1 bases, 5 modules, 0 problems []"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	putEntry(t, dir, keyOf(t, path), keptPackage{})
	if got, want := readKept(t, dir, path), "1 packages, 0 bases, 0 modules"; got[:len(want)] != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func putEntry(t *testing.T, dir *cache.Dir, key string, p keptPackage) {
	t.Helper()
	if p.Header == nil {
		p.Header = &guard.Package{Digest: key}
	}
	w, err := dir.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(keptRest, b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedPayload: a package that was damaged after it was read is no longer the one
// that is kept, though it has the same header.
func TestDamagedPayload(t *testing.T) {
	dir := cache.New(t.TempDir(), "program")
	path := filepath.Join(t.TempDir(), "kernel.rpm")
	data, err := os.ReadFile(incident + kernel13)
	if err != nil {
		t.Fatal(err)
	}
	write := func() {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write()
	whole := readKept(t, dir, path)
	for name, damage := range map[string]func(){
		"a byte":  func() { data[len(data)-1000] ^= 0xff },
		"cut off": func() { data = data[:len(data)-100] },
		"longer":  func() { data = append(data, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			before := data
			data = bytes.Clone(data)
			damage()
			write()
			data = before
			if got, want := readKept(t, dir, path), readKept(t, nil, path); got != want || got == whole {
				t.Errorf("%s, without a cache %s", got, want)
			}
			write()
			if got := readKept(t, dir, path); got != whole {
				t.Errorf("whole again, it is %s", got)
			}
		})
	}
}

// TestDamagedEntry: whatever is wrong with an entry, the package is read, and kept
// anew.
func TestDamagedEntry(t *testing.T) {
	root := t.TempDir()
	dir := cache.New(root, "program")
	path := incident + kernel13
	want := readKept(t, nil, path)
	key := keyOf(t, path)
	entry := filepath.Join(root, "program", key+".entry")
	readKept(t, dir, path)
	good, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(){
		"empty":              func() { os.WriteFile(entry, nil, 0o600) },
		"cut off":            func() { os.WriteFile(entry, good[:len(good)/2], 0o600) },
		"a byte":             func() { bad := bytes.Clone(good); bad[len(bad)/2] ^= 1; os.WriteFile(entry, bad, 0o600) },
		"of another package": func() { putEntry(t, dir, key, keptPackage{Header: &guard.Package{Digest: "00"}}) },
		"fewer modules":      func() { putEntry(t, dir, key, keptPackage{Modules: 5}) },
		"no table":           func() { putEntry(t, dir, key, keptPackage{Images: []keptImage{{HasBTF: true}}}) },
		"bad symbols": func() {
			bad := new(kernel.Symvers)
			if bad.UnmarshalText([]byte("AAAAAgAAAAAAAAABAAAAAA==")) == nil { // it keeps what is not sorted
				t.Fatal("it is not bad")
			}
			putEntry(t, dir, key, keptPackage{Symvers: map[string]symvers{"r": {All: bad}}})
		},
		"a folder": func() { os.Remove(entry); os.Mkdir(entry, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			damage()
			for _, time := range []string{"first", "second"} {
				if got := readKept(t, dir, path); got != want {
					t.Errorf("the %s time: %s, want %s", time, got, want)
				}
			}
			os.Remove(entry)
		})
	}
}

// TestHalfIsNotKept: of a package whose modules are not wanted, or of which something
// could not be read, nothing is kept; what is kept whole serves who wants half.
func TestHalfIsNotKept(t *testing.T) {
	dir := cache.New(t.TempDir(), "program")
	path := incident + kernel13
	bases := Fingerprints([]string{path}, false)
	bases.Cache = dir
	read := func() string {
		inv, err := Read(t.Context(), bases)
		if err != nil {
			t.Fatal(err)
		}
		return found(inv)
	}
	want := read()
	if dir.Open(keyOf(t, path)) != nil {
		t.Error("kept without its modules")
	}
	readKept(t, dir, path)
	if got := read(); got != want {
		t.Errorf("from the cache %s, want %s", got, want)
	}

	c := &collector{sources: Sources{Cache: dir}}
	k := c.keep("00", guard.New)
	k.fail()
	k.end(&packageReader{collector: c, keeping: k}, new(rpm.Package), true)
	if dir.Open("00") != nil {
		t.Error("kept though something could not be read")
	}
	k = c.keep("00", guard.New)
	k.end(&packageReader{collector: c, keeping: k}, new(rpm.Package), false)
	if dir.Open("00") != nil {
		t.Error("kept though it was not read to its end")
	}
}

// TestKeptImage keeps each field of an image, whichever come to be.
func TestKeptImage(t *testing.T) {
	symbols := kernel.NewSymvers(maps.All(map[string]uint32{"printk": 1}))
	image := &kernel.Image{
		Facts: kernel.Facts{
			Kind: kernel.KindVmlinux, Wrapping: []string{"xz"}, Arch: "s390x", Bits: 64, BTFIDs: []byte{2},
			Release: "6.4.0-1-default", Banner: "Linux version", Vermagic: "6.4.0-1-default ", Config: kernel.Config{"CONFIG_SMP": "y"},
			Texts: map[string]bool{"text": true}, Exported: symbols,
		},
		Order: binary.BigEndian, BTF: []byte{1},
	}
	for _, v := range []reflect.Value{reflect.ValueOf(*image), reflect.ValueOf(image.Facts)} {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "ELF" && v.Field(i).IsZero() {
				t.Errorf("%s is not set: set it here, and see that keptImage has it", name)
			}
		}
	}
	none := kernel.NewSymvers(maps.All(map[string]uint32{}))
	for _, s := range []*kernel.Symvers{nil, none, symbols} {
		image.Exported = s
		var b bytes.Buffer
		var k keptImage
		if err := errors.Join(gob.NewEncoder(&b).Encode(keptOf(openedImage{image: image})), gob.NewDecoder(&b).Decode(&k)); err != nil {
			t.Fatal(err)
		}
		if got := k.opened([]byte{1}).image; !reflect.DeepEqual(got, image) {
			t.Errorf("%+v, want %+v", got, image)
		}
	}
}

// TestJudged: what was found is there again by its key alone, and not where an entry is
// damaged or has the name of another.
func TestJudged(t *testing.T) {
	root := t.TempDir()
	m := judged{cache.New(root, "program")}
	if got := m.Get([]byte("a")); got != nil {
		t.Errorf("%q out of nothing", got)
	}
	m.Put([]byte("a"), []byte("of a"))
	m.Put([]byte("b"), []byte("of b"))
	for key, want := range map[string]string{"a": "of a", "b": "of b", "c": ""} {
		if got := m.Get([]byte(key)); string(got) != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	entries, err := filepath.Glob(filepath.Join(root, "program", "*"))
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	if err := os.Rename(entries[0], entries[1]); err != nil {
		t.Fatal(err)
	}
	a, b := m.Get([]byte("a")), m.Get([]byte("b"))
	if a != nil && string(a) != "of a" || b != nil && string(b) != "of b" {
		t.Errorf("exchanged: %q and %q", a, b)
	}
	if err := os.Truncate(entries[1], 20); err != nil {
		t.Fatal(err)
	}
	if a, b := m.Get([]byte("a")), m.Get([]byte("b")); a != nil || b != nil {
		t.Errorf("cut off: %q and %q", a, b)
	}
}
