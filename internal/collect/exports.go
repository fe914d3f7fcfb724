// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// explain takes from an image what Sources.Explain asks for: the exported symbols and
// the compilers. Without them, less can be explained.
func explain(img *kernel.Image) (ksymtab, compilers []string) {
	if img.ELF != nil {
		ksymtab, _ = img.ELF.Exports()
		compilers, _ = img.ELF.Compilers()
	}
	return ksymtab, compilers
}

// symvers is what a Module.symvers says of a kernel.
type symvers struct {
	Vmlinux []string        // the symbols of the vmlinux
	All     *kernel.Symvers // those of its modules, too
}

// parseSymvers reads a Module.symvers, compressed or not.
func parseSymvers(text []byte, d *decompress.Decoder) (symvers, error) {
	if format := decompress.Detect(text); format != decompress.None {
		var err error
		if text, err = d.Append(nil, format, text, maxConfig); err != nil {
			return symvers{}, err
		}
	}
	return symvers{kernel.ParseSymvers(string(text)), kernel.NewSymvers(kernel.SymverCRCs(string(text)))}, nil
}

// exports takes over what modules may use of a kernel, by the symvers with it, else by
// what its package provides, else by its own tables.
func (c *collector) exports(b *guard.Base, s symvers, img *kernel.Image, provides []rpm.Dependency) {
	if b.Symbols = s.All; b.Symbols == nil {
		b.Symbols = providedSymbols(provides)
	}
	if b.Symbols == nil {
		b.Symbols = img.Exported
	}
	if c.sources.explain {
		b.Exports.Symvers = s.Vmlinux
		for symbol := range kernel.Ksyms(rpm.Versions(provides)) {
			b.Exports.Provides = append(b.Exports.Provides, symbol)
		}
	}
}

// providedSymbols are the symbols that a generator of the distribution made provides
// of, nil if there are none.
func providedSymbols(provides []rpm.Dependency) *kernel.Symvers {
	if s := kernel.NewSymvers(kernel.Ksyms(rpm.Versions(provides))); s.Len() > 0 {
		return s
	}
	return nil
}
