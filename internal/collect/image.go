// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// readLooseImage reads a vmlinux, boot image or raw base that is a file of its
// own, and the config beside it.
func (c *collector) readLooseImage(f file, r io.ReaderAt) error {
	c.unpacking.Lock()
	defer c.unpacking.Unlock()
	var d decompress.Decoder
	defer d.Close()
	img, err := kernel.OpenImage(ending{c.ctx, r}, f.size, &d, verify.Texts()...)
	if err != nil {
		return err
	}
	if int64(len(img.BTF)) == f.size && ofModule(img.BTF) {
		return errOfModule
	}
	b := &guard.Base{Path: f.path, Place: f.place(), Origin: f.origin, BootImage: namedLike(filepath.Base(f.path)) == kernel.RoleBootImage}
	if i := slices.IndexFunc(c.sources.installed, func(k InstalledKernel) bool { return k.Path == f.argument }); i >= 0 {
		b.Owner = c.sources.installed[i].Owner
	}
	b.Release, _ = kernel.ReleaseFromPath(f.path)
	if b.Release == "" {
		b.Release = img.Release
	}
	config, err := configBeside(f, b.Release)
	if err != nil { // the base can be judged without
		c.problem(f.path, f.origin, err)
	}
	if config == nil {
		config = img.Config
	}
	if c.sources.explain {
		b.Exports.Ksymtab, b.Compilers = explain(img)
	}
	if err := c.symversBeside(f, b, img, &d); err != nil { // the base can be judged without
		c.problem(f.path, f.origin, fmt.Errorf("symvers beside it: %w", err))
	}
	c.addBase(b, img, config)
	return nil
}

// maxConfig bounds a kernel config or symvers in bytes; real ones have 300 KB and
// 2 MB.
const maxConfig = 8 << 20

// configBeside reads the config that lies beside a vmlinux, nil if there is none.
func configBeside(vmlinux file, release string) (kernel.Config, error) {
	text, err := beside(vmlinux, "config-"+release, "config", ".config")
	if text == nil {
		return nil, err
	}
	return kernel.ParseConfig(text), nil
}

// symversBeside reads what modules may use of a kernel from the symvers that lies
// beside its vmlinux, if there is one.
func (c *collector) symversBeside(vmlinux file, b *guard.Base, img *kernel.Image, d *decompress.Decoder) error {
	text, err := beside(vmlinux, "symvers-"+b.Release+".gz", "symvers.gz", "symvers.xz", "Module.symvers")
	var s symvers
	if text != nil {
		s, err = parseSymvers(text, d)
	}
	c.exports(b, s, img, nil)
	return err
}

// beside reads the first of the files named that lies in the folder of a vmlinux,
// nil if there is none. A kernel that somebody names may have a link there, as from
// /boot to /usr/lib/modules/<kernelrelease>/config. One of a build root may not:
// seen from outside, the link would lead to a file of the build host.
func beside(vmlinux file, names ...string) ([]byte, error) {
	look, open := os.Stat, regular.Open
	if vmlinux.origin == guard.Installed {
		look, open = os.Lstat, regular.OpenItself
	}
	for _, name := range names {
		path := filepath.Join(filepath.Dir(vmlinux.path), name)
		if filepath.Base(path) != name { // a kernelrelease is what the image claims
			continue
		}
		if info, err := look(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		f, err := open(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, regular.WithoutPath(err))
		}
		text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, regular.WithoutPath(err))
		}
		if len(text) > maxConfig {
			return nil, fmt.Errorf("%s: more than %d bytes, which a kernel config or symvers never has", path, maxConfig)
		}
		return text, nil
	}
	return nil, nil
}

// addBase completes a base by what its image and config say and adds it.
func (c *collector) addBase(b *guard.Base, img *kernel.Image, config kernel.Config) {
	b.Describe(img, config, c.sources.Assumed)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Bases = append(c.inv.Bases, b)
}

// ending is a file that cannot be read any more once the context ends: unpacking one
// image may take many seconds.
type ending struct {
	ctx context.Context
	io.ReaderAt
}

func (e ending) ReadAt(p []byte, off int64) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.ReaderAt.ReadAt(p, off)
}
