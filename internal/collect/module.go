// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// job is a module on its way to be opened.
type job struct {
	data    *[]byte         // goes back to the pool
	modules []*guard.Module // what is known of it so far: where it is, once for each name
	room    int64           // that it took
	keeping *keeping        // of its package
}

// openModules opens modules until there are no more jobs.
func (c *collector) openModules() {
	var loader kernel.Loader
	defer loader.Close()
	for j := range c.jobs {
		for _, m := range j.modules {
			opened, err := loader.Open(*j.data, m.Path)
			j.keeping.add(m, opened, c.describeModule(m, opened, err))
		}
		j.keeping.arrived()
		if cap(*j.data) <= keepBuffer {
			c.buffers.Put(j.data)
		}
		c.room.give(j.room)
	}
}

// keepBuffer is the largest buffer in bytes that is kept for the next module.
const keepBuffer = 32 << 20

// describeModule adds a module with what was found in it, and reports whether that is
// all of it.
func (c *collector) describeModule(m *guard.Module, opened *kernel.Module, err error) bool {
	if err == nil {
		err = m.Describe(opened)
	}
	if err == nil {
		err = c.account(m)
	}
	c.sources.Progress.module()
	if err != nil {
		c.unread([]*guard.Module{m}, err)
		return false
	}
	c.addModule(m)
	return true
}

// Real tables have at most a few megabytes, those of all modules of a kernel some
// 70; the kernel itself takes no more than 16 MiB of strings and a million types.
const (
	maxTable  = 64 << 20 // bytes of .BTF in one module
	maxTables = 2 << 30  // bytes of .BTF in all modules of one run
)

// account keeps the tables of hostile modules from filling the memory.
func (c *collector) account(m *guard.Module) error {
	size := int64(len(m.BTF) + len(m.BTFBase))
	if size <= maxTable && c.tables.Add(size) <= maxTables {
		return nil
	}
	m.BTF, m.BTFBase = nil, nil
	if size > maxTable {
		return fmt.Errorf(".BTF: %d bytes, a table has at most %d", size, maxTable)
	}
	return fmt.Errorf(".BTF: %d bytes are too many on top of the modules before it, which leave none of %d", size, maxTables)
}

func (c *collector) addModule(m *guard.Module) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Modules = append(c.inv.Modules, m)
}

// send reads a module of size bytes from r and passes it on to be opened under
// all its names. Memory is asked for as bytes arrive, not as size promises, and no
// more than room has: packed is the size of what the module comes out of.
func (c *collector) send(names []*guard.Module, r io.Reader, size, packed int64, k *keeping) error {
	if most := decompress.Bound(packed, kernel.MaxModule); size > most {
		k.fail()
		c.unread(names, fmt.Errorf("%d bytes, a module out of %d bytes has at most %d", size, packed, most))
		return nil
	}
	c.room.take(size)
	data, err := c.readAll(r, size)
	if err != nil {
		c.room.give(size)
		return err
	}
	k.expect()
	select {
	case c.jobs <- job{data, names, size, k}:
		return nil
	case <-c.ctx.Done():
		k.arrived()
		c.room.give(size)
		return c.ctx.Err()
	}
}

// unread adds modules of which nothing is known but what is wrong with them.
func (c *collector) unread(names []*guard.Module, err error) {
	for _, m := range names {
		m.Name, m.Err = kernel.ModuleName(m.Path), err
		c.addModule(m)
	}
}

// room is what modules may have in memory that wait to be opened, shared by all
// packages of a run. One that alone is larger waits until it is alone.
type room struct {
	given *sync.Cond
	taken int64
}

func newRoom() *room { return &room{given: sync.NewCond(new(sync.Mutex))} }

const maxRoom = 128 << 20 // bytes

func (r *room) take(n int64) {
	r.given.L.Lock()
	defer r.given.L.Unlock()
	for r.taken > 0 && r.taken+n > maxRoom {
		r.given.Wait()
	}
	r.taken += n
}

func (r *room) give(n int64) {
	r.given.L.Lock()
	defer r.given.L.Unlock()
	r.taken -= n
	r.given.Broadcast()
}

// readAll reads at most size bytes into a buffer of the pool.
func (c *collector) readAll(r io.Reader, size int64) (*[]byte, error) {
	data, _ := c.buffers.Get().(*[]byte)
	if data == nil {
		room := make([]byte, 0, min(size, 1<<20))
		data = &room
	}
	var err error
	*data, err = decompress.AppendFrom((*data)[:0], r, size)
	return data, err
}

// wholeModule is the largest module in bytes that is read as a whole: with its debug
// information it has a hundred times what is needed.
const wholeModule = 4 << 20

// readLooseModule reads a module that is a file of its own.
func (c *collector) readLooseModule(f file, r io.ReaderAt) error {
	m := &guard.Module{Path: f.path, Place: f.place(), Origin: f.origin, Linked: f.link != ""}
	m.Release, _ = kernel.ReleaseFromPath(f.path)
	if f.size > wholeModule {
		opened, err := kernel.OpenPlainModule(r, f.size, f.path)
		if errors.Is(err, regular.ErrCut) {
			return err
		}
		if !errors.Is(err, kernel.ErrNotModule) {
			c.describeModule(m, opened, err)
			return nil
		}
	}
	return c.send([]*guard.Module{m}, io.NewSectionReader(r, 0, f.size), f.size, f.size, nil)
}

// readTable reads a raw table as the .BTF of a module.
func (c *collector) readTable(f file, r io.ReaderAt) error {
	if f.size > maxTable {
		return fmt.Errorf("%d bytes, a table has at most %d", f.size, maxTable)
	}
	data, err := io.ReadAll(io.NewSectionReader(r, 0, f.size))
	if err != nil {
		return err
	}
	if !c.sources.found && isBase(data) {
		return errBaseNotModule
	}
	name := filepath.Base(f.path)
	if ext := filepath.Ext(name); strings.EqualFold(ext, ".btf") || ext == ".bin" || ext == ".raw" {
		name = strings.TrimSuffix(name, ext)
	}
	m := &guard.Module{Path: f.path, Place: f.place(), Origin: f.origin, Name: kernel.ModuleName(name), Raw: true, BTF: data}
	m.Release, _ = kernel.ReleaseFromPath(f.path)
	c.sources.Progress.module()
	if err := c.account(m); err != nil {
		return err
	}
	c.addModule(m)
	return nil
}
