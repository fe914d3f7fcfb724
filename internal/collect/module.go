// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// job is a module on its way to be opened.
type job struct {
	data    *[]byte         // goes back to the pool
	modules []*guard.Module // what is known of it so far: where it is, once for each name
}

// openModules opens modules until there are no more jobs.
func (c *collector) openModules() {
	var loader kernel.Loader
	defer loader.Close()
	for j := range c.jobs {
		for _, m := range j.modules {
			opened, err := loader.Open(*j.data, m.Path)
			if err == nil {
				err = m.Describe(opened)
			}
			if err == nil {
				err = c.account(m)
			}
			if err != nil {
				m.Name = kernel.ModuleName(m.Path)
				m.Err = err
			}
			c.sources.Progress.module()
			c.addModule(m)
		}
		c.buffers.Put(j.data)
	}
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
// all its names. Memory is asked for as bytes arrive, not as size promises.
func (c *collector) send(names []*guard.Module, r io.Reader, size int64) error {
	if size > kernel.MaxModule {
		for _, m := range names {
			m.Name = kernel.ModuleName(m.Path)
			m.Err = fmt.Errorf("%d bytes, a module has at most %d", size, kernel.MaxModule)
			c.addModule(m)
		}
		return nil
	}
	data, err := c.readAll(r, size)
	if err != nil {
		return err
	}
	select {
	case c.jobs <- job{data, names}:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// readAll reads at most size bytes into a buffer of the pool.
func (c *collector) readAll(r io.Reader, size int64) (*[]byte, error) {
	data, _ := c.buffers.Get().(*[]byte)
	if data == nil {
		data = new([]byte)
	}
	buf := bytes.NewBuffer((*data)[:0])
	buf.Grow(int(min(size, 1<<20)))
	_, err := buf.ReadFrom(io.LimitReader(r, size))
	*data = buf.Bytes()
	return data, err
}

// readLooseModule reads a module that is a file of its own.
func (c *collector) readLooseModule(f file, r io.ReaderAt) error {
	m := &guard.Module{Path: f.path, Tree: f.tree, Origin: f.origin, Linked: f.link != ""}
	m.Release, _ = kernel.ReleaseFromPath(f.path)
	return c.send([]*guard.Module{m}, io.NewSectionReader(r, 0, f.size), f.size)
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
	m := &guard.Module{Path: f.path, Tree: f.tree, Origin: f.origin, Name: kernel.ModuleName(name), Raw: true, BTF: data}
	m.Release, _ = kernel.ReleaseFromPath(f.path)
	c.sources.Progress.module()
	if err := c.account(m); err != nil {
		return err
	}
	c.addModule(m)
	return nil
}
