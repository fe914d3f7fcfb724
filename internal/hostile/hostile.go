// SPDX-License-Identifier: Apache-2.0

// Package hostile makes what somebody would write to do harm: packages, kernels,
// tables, build roots, answers of servers. The same every time: nothing in it is drawn
// by lot or depends on the machine.
//
// [New] lists the cases. Each has a folder of its own, calls of the program that read
// it, and a kind, which names its file in testdata/hostile: there stands what the
// program must say. cmd/obs-btf-guard's TestHostile runs them.
package hostile

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// A Case is one attack.
type Case struct {
	Kind string   // of attack: "header", "payload", ...
	Name string   // unique in its kind
	Runs []string // arguments of the program, with $DIR for the folder and $WEB for the server
	Make func(Dir)
	Then func(Dir) // nil, or what is done after the first run
	Env  []string  // of the program, beyond what every case has
	Root bool      // only root can make it
}

// Dir is the folder of a case. What cannot be made fails the test.
type Dir struct {
	testing.TB
	Path string
}

// Find lists the paths that match a pattern in the folder, of which there has to be one.
func (d Dir) Find(pattern string) []string {
	d.Helper()
	found, err := filepath.Glob(d.In(pattern))
	d.check(err)
	if len(found) == 0 {
		d.Fatalf("nothing is %s", pattern)
	}
	return found
}

// In is the path of a name in the folder.
func (d Dir) In(name string) string { return filepath.Join(d.Path, name) }

func (d Dir) check(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// Write writes a file, and the folders above it.
func (d Dir) Write(name string, data []byte) {
	d.Helper()
	d.Mkdir(filepath.Dir(name))
	d.check(os.WriteFile(d.In(name), data, 0o644))
}

// Sparse writes a file that is size bytes long and has data at its begin.
func (d Dir) Sparse(name string, data []byte, size int64) {
	d.Helper()
	d.Write(name, data)
	d.check(os.Truncate(d.In(name), size))
}

// Mkdir makes a folder and those above it.
func (d Dir) Mkdir(name string) {
	d.Helper()
	d.check(os.MkdirAll(d.In(name), 0o755))
}

// Symlink makes a link; a target in the folder begins with $DIR.
func (d Dir) Symlink(target, name string) {
	d.Helper()
	d.Mkdir(filepath.Dir(name))
	d.check(os.Symlink(strings.ReplaceAll(target, "$DIR", d.Path), d.In(name)))
}

// Fifo makes a pipe that nobody writes to.
func (d Dir) Fifo(name string) {
	d.Helper()
	d.Mkdir(filepath.Dir(name))
	d.check(syscall.Mkfifo(d.In(name), 0o644))
}

// Remove removes a file or an empty folder.
func (d Dir) Remove(name string) {
	d.Helper()
	d.check(os.Remove(d.In(name)))
}

// A Corpus is the cases and what they are made from: the parts of a kernel package
// that is as it should be.
type Corpus struct {
	Cases []Case

	incident  string // testdata/incident
	vmlinux   []byte // an ELF file
	vmlinuxXz []byte
	module    []byte // hid-apple.ko, without compression
	config    []byte
}

const (
	release = "5.15.12-1-default"
	modules = "/usr/lib/modules/" + release + "/"
	driver  = modules + "kernel/drivers/hid/hid-apple.ko"
	ours    = "kernel-default-5.15.12-1.9.x86_64.rpm"
)

// New reads the fixtures and lists the cases.
func New(t testing.TB) *Corpus {
	t.Helper()
	c := &Corpus{incident: filepath.Join(fixture.Testdata(t), "incident")}
	c.read(t, c.built("5.15.12-1.3"))
	c.headers()
	c.truncated()
	c.payloads()
	c.bombs()
	c.configs()
	c.elves()
	c.tables()
	c.idLists()
	c.names()
	c.files()
	c.hooks()
	c.policies()
	c.reports()
	c.stamps()
	c.histories()
	c.caches()
	c.repositories()
	c.services()
	c.plans()
	return c
}

// built is the path of a fixture's kernel package.
func (c *Corpus) built(build string) string {
	return filepath.Join(c.incident, build, "kernel-default-"+build+".x86_64.rpm")
}

func (c *Corpus) read(t testing.TB, pkg string) {
	t.Helper()
	_, files := fixture.Files(t, pkg)
	for _, f := range files {
		switch path.Base(f.Path) {
		case "vmlinux.xz":
			c.vmlinuxXz = f.Data
		case "hid-apple.ko":
			c.module = f.Data
		case "config":
			c.config = f.Data
		}
	}
	var d decompress.Decoder
	defer d.Close()
	var err error
	if c.vmlinux, err = d.Append(nil, decompress.Xz, c.vmlinuxXz, 1<<30); err != nil {
		t.Fatalf("%s: %v", pkg, err)
	}
}

// filled makes head, n times unit and tail, once they are needed.
func filled(head, unit string, n int, tail string) func() []byte {
	return func() []byte {
		return slices.Concat([]byte(head), bytes.Repeat([]byte(unit), n), []byte(tail))
	}
}

func bytesOf(s string) func() []byte { return func() []byte { return []byte(s) } }

func (c *Corpus) add(kind, name string, make func(Dir), runs ...string) {
	c.Cases = append(c.Cases, Case{Kind: kind, Name: name, Make: make, Runs: runs})
}

// pkg adds a package that lies alone in the folder. Without runs it is checked.
func (c *Corpus) pkg(kind, name string, p Package, runs ...string) {
	if len(runs) == 0 {
		runs = []string{"check --no-db $DIR"}
	}
	c.add(kind, name, func(d Dir) { d.Write(ours, c.bytes(d, p)) }, runs...)
}

// file adds one file that is given by its name.
func (c *Corpus) file(kind, name, file string, data func() []byte, runs ...string) {
	c.add(kind, name, func(d Dir) { d.Write(file, data()) }, runs...)
}
