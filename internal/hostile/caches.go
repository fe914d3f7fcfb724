// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// entries are what the program keeps of packages, and of what it found, in a cache that
// is the case's.
const entries = "cache/obs-btf-guard/*/*.entry"

// caches are folders of kept facts in which something is not what was kept. The program
// has to read the package anew, as it did the first time.
func (c *Corpus) caches() {
	const kind = "cache"
	kernel := "kernel-default-5.15.12-1.3.x86_64.rpm"
	run := "check --db $DIR/history.db $DIR/RPMS"
	kept := func(name string, change func(d Dir, entry string)) {
		c.Cases = append(c.Cases, Case{
			Kind: kind, Name: name, Env: []string{"XDG_CACHE_HOME=$DIR/cache", "CI="},
			Make: func(d Dir) { d.copyTo(c.built("5.15.12-1.3"), "RPMS/"+kernel) },
			Then: func(d Dir) {
				for _, entry := range d.Find(entries) {
					change(d, entry)
				}
			},
			Runs: []string{run, run, run},
		})
	}
	instead := func(name string, make func(d Dir, entry string)) {
		kept(name, func(d Dir, entry string) {
			d.check(os.Remove(entry))
			rel, err := filepath.Rel(d.Path, entry)
			d.check(err)
			make(d, rel)
		})
	}
	written := func(name string, change func(data []byte) []byte) {
		kept(name, func(d Dir, entry string) {
			data, err := os.ReadFile(entry)
			d.check(err)
			d.check(os.WriteFile(entry, change(data), 0o600))
		})
	}
	kept("as it should be", func(Dir, string) {})
	instead("entry is a pipe", func(d Dir, entry string) { d.Fifo(entry) })
	instead("entry is a folder", func(d Dir, entry string) { d.Mkdir(entry + "/x") })
	instead("entry is a link to a device", func(d Dir, entry string) { d.Symlink("/dev/zero", entry) })
	instead("entry is a link to itself", func(d Dir, entry string) { d.Symlink(filepath.Base(entry), entry) })
	instead("entry is a link to outside", func(d Dir, entry string) {
		d.Write("victim", []byte("keep"))
		d.Symlink("$DIR/victim", entry)
	})
	instead("entry of 1 TiB", func(d Dir, entry string) { d.Sparse(entry, nil, 1<<40) })
	written("nothing", func([]byte) []byte { return nil })
	written("cut", func(data []byte) []byte { return data[:len(data)-20] })
	written("more behind its end", func(data []byte) []byte { return append(data, data...) })
	written("bytes turned over", func(data []byte) []byte {
		for at := 7; at < len(data); at += 211 {
			data[at] ^= 0xff
		}
		return data
	})
	written("each head turned over", func(data []byte) []byte {
		copy(data, bytes.Repeat([]byte{0xff}, 16))
		return data
	})
	frame := func(data []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			panic(err)
		}
		return w.EncodeAll(data, nil)
	}
	head := func(fields ...uint32) []byte {
		data, _ := binary.Append(nil, binary.LittleEndian, fields)
		return data
	}
	part := func(kind uint32, packed []byte, plain, number uint32) []byte {
		return append(head(kind, uint32(len(packed)), plain, number), packed...)
	}
	end := func(n uint32) []byte { return part(0, nil, 0, n) }
	for k, what := range []string{1: "modules", 2: "a table", 3: "facts", 4: "what was found"} {
		if what == "" {
			continue
		}
		kind := uint32(k)
		written(what+" of 4 GiB", func([]byte) []byte { return head(kind, 1<<32-1, 1, 0) })
		kept(what+" of 4 GiB, in a file of 1 TiB", func(d Dir, entry string) {
			d.check(os.WriteFile(entry, head(kind, 1<<32-1, 1, 0), 0o600))
			d.check(os.Truncate(entry, 1<<40))
		})
		written(what+" that is a bomb", func([]byte) []byte {
			return append(part(kind, frame(make([]byte, 256*mib)), 256*mib, 0), end(1)...)
		})
		written(what+" of 30 MiB of nothing, eight times", func([]byte) (out []byte) {
			bomb := frame(make([]byte, 30*mib))
			for n := range uint32(8) {
				out = append(out, part(kind, bomb, 30*mib, n)...)
			}
			return append(out, end(8)...)
		})
		written(what+" of junk", func([]byte) []byte {
			junk := bytes.Repeat([]byte("\xff\xff\xff\x7fjunk"), 1000)
			return append(part(kind, frame(junk), uint32(len(junk)), 0), end(1)...)
		})
	}
	written("a million parts of nothing", func([]byte) (out []byte) {
		for n := range uint32(1000000) {
			out = append(out, part(9, nil, 0, n)...)
		}
		return append(out, end(1000000)...)
	})
	c.Cases = append(c.Cases, Case{
		Kind: kind, Name: "entries exchanged", Env: []string{"XDG_CACHE_HOME=$DIR/cache", "CI="},
		Make: func(d Dir) {
			d.copyTo(c.built("5.15.12-1.3"), "RPMS/"+kernel)
			d.copyTo(c.built("5.15.12-1.1"), "OLD/kernel-default-5.15.12-1.1.x86_64.rpm")
		},
		Then: func(d Dir) {
			found := d.Find(entries)
			if len(found) < 3 {
				d.Fatalf("%q, want those of two packages and what was found of one", found)
			}
			last := found[len(found)-1]
			d.check(os.Rename(last, last+"~"))
			for i := len(found) - 1; i > 0; i-- {
				d.check(os.Rename(found[i-1], found[i]))
			}
			d.check(os.Rename(last+"~", found[0]))
		},
		Runs: []string{run + " --against $DIR/OLD", run + " --against $DIR/OLD", run + " --against $DIR/OLD"},
	})
	for _, place := range []struct {
		name string
		make func(d Dir, folder string)
	}{
		{"a file", func(d Dir, folder string) { d.Write(folder, []byte("x")) }},
		{"a pipe", func(d Dir, folder string) { d.Fifo(folder) }},
		{"a link to outside", func(d Dir, folder string) {
			d.Mkdir("outside")
			d.Symlink("$DIR/outside", folder)
		}},
		{"a link to itself", func(d Dir, folder string) { d.Symlink(filepath.Base(folder), folder) }},
	} {
		c.Cases = append(c.Cases, Case{
			Kind: kind, Name: "folder is " + place.name, Env: []string{"XDG_CACHE_HOME=$DIR/cache", "CI="},
			Make: func(d Dir) {
				d.copyTo(c.built("5.15.12-1.3"), "RPMS/"+kernel)
				place.make(d, "cache/obs-btf-guard")
			},
			Runs: []string{run, run},
		})
	}
}
