// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// readLooseImage reads a vmlinux, boot image or raw base that is a file of its
// own, and the config beside it.
func (c *collector) readLooseImage(f file, r io.ReaderAt) error {
	c.unpacking.Lock()
	defer c.unpacking.Unlock()
	var d decompress.Decoder
	defer d.Close()
	img, err := kernel.OpenImage(r, f.size, &d)
	if err != nil {
		return err
	}
	b := &Base{Path: f.path, Tree: f.tree, Origin: f.origin, boot: kernel.ClassifyPath(filepath.Join("/boot", filepath.Base(f.path))) == kernel.RoleBootImage}
	if i := slices.IndexFunc(c.sources.Installed, func(k InstalledKernel) bool { return k.Path == f.tree }); i >= 0 {
		b.Owner = c.sources.Installed[i].Owner
	}
	b.Release, _ = kernel.ReleaseFromPath(f.path)
	if b.Release == "" {
		b.Release = img.Release
	}
	config, err := configBeside(f, b.Release)
	if err != nil {
		return err
	}
	if config == nil {
		config = img.Config
	}
	if c.sources.Explain {
		b.explain(img)
		symvers, err := beside(f, "symvers-"+b.Release+".gz", "symvers.gz", "Module.symvers")
		if err == nil {
			b.Exports.Symvers, err = readSymvers(symvers, &d)
		}
		if err != nil { // it only explains
			c.problem(f.path, f.origin, fmt.Errorf("symvers beside it: %w", err))
		}
	}
	c.addBase(b, img, config)
	return nil
}

// maxConfig bounds a kernel config or symvers in bytes; real ones have 300 KB and
// 2 MB.
const maxConfig = 16 << 20

// configBeside reads the config that lies beside a vmlinux, nil if there is none.
func configBeside(vmlinux file, release string) (kernel.Config, error) {
	text, err := beside(vmlinux, "config-"+release, "config", ".config")
	if text == nil {
		return nil, err
	}
	return kernel.ParseConfig(text), nil
}

// beside reads the first of the files named that lies in the folder of a vmlinux,
// nil if there is none. A kernel that somebody names may have a link there, as from
// /boot to /usr/lib/modules/<kernelrelease>/config. One of a build root may not:
// seen from outside, the link would lead to a file of the build host.
func beside(vmlinux file, names ...string) ([]byte, error) {
	look, open := os.Stat, regular.Open
	if vmlinux.origin == Installed {
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
			return nil, fmt.Errorf("%s: %w", path, withoutPath(err))
		}
		text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, withoutPath(err))
		}
		if len(text) > maxConfig {
			return nil, fmt.Errorf("%s: more than %d bytes, which a kernel config or symvers never has", path, maxConfig)
		}
		return text, nil
	}
	return nil, nil
}

// addBase completes a base by what its image and config say and adds it.
func (c *collector) addBase(b *Base, img *kernel.Image, config kernel.Config) {
	b.Arch = img.Arch
	b.Banner = img.Banner
	b.Config = config
	b.Flavor = kernel.Flavor(b.Release)
	b.setRules(c.sources, config)
	if len(img.BTF) > 0 {
		b.setTable(img)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.Bases = append(c.inv.Bases, b)
}

// setRules works out which kernel it is and how it was configured.
func (b *Base) setRules(s Sources, config kernel.Config) {
	v := s.Kernel
	for _, said := range []string{b.Banner, b.Release} {
		if v.IsZero() && said != "" {
			v, _ = verify.ParseVersion(said)
		}
	}
	b.VersionKnown = !v.IsZero()
	b.Rules = verify.RulesFor(v)

	// What a config does not mention, the kernel was built without.
	b.IgnoresModules = config != nil && !withModules(config) || b.VersionKnown && !v.AtLeast(5, 11)
	b.Allow = s.Allow
	if b.Allow == verify.AllowUnknown && config != nil {
		b.Allow = verify.AllowNo
		if on, _ := config.Enabled("CONFIG_MODULE_ALLOW_BTF_MISMATCH"); on {
			b.Allow = verify.AllowYes
		}
	}
	if b.Allow == verify.AllowUnknown && b.VersionKnown && !v.AtLeast(5, 18) {
		b.Allow = verify.AllowNo // the option came with 5.18
	}
}

// setTable reads the base's table as its kernel does.
func (b *Base) setTable(img *kernel.Image) {
	// Whatever can be laid out has a fingerprint, even if its kernel refuses it.
	if table, _ := btf.Parse(img.BTF, nil); table != nil {
		b.Fingerprint = fingerprint.Of(table)
		b.Rules = b.Rules.Calibrate(table)
	}
	res := verify.Base(img.BTF, img.Order, b.Rules)
	if !res.Accepted() || res.Table == nil {
		b.Refused = &res
		return
	}
	b.Table = res.Table
	b.pointerSize = res.Table.PointerSize()
}
