// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/explain"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Exports are the symbols that modules may use, by what tells of them; nil where it
// does not.
type Exports struct {
	Ksymtab  []string // strings of the vmlinux, which has those of namespaces as well
	Symvers  []string // the file with it
	Provides []string // ksym(...) of its package, which has those of modules as well
}

// explain takes from an image what Sources.Explain asks for. Without it, less can
// be explained.
func (b *Base) explain(img *kernel.Image) {
	if img.ELF != nil {
		b.Exports.Ksymtab, _ = img.ELF.Exports()
		b.Compilers, _ = img.ELF.Compilers()
	}
}

// exportsOf picks what tells of the exports of both bases: only like can be held
// against like.
func exportsOf(old, new *Base) explain.Options {
	for _, by := range [][2][]string{
		{old.Exports.Ksymtab, new.Exports.Ksymtab},
		{old.Exports.Symvers, new.Exports.Symvers},
		{old.Exports.Provides, new.Exports.Provides},
	} {
		if len(by[0]) > 0 && len(by[1]) > 0 {
			return explain.Options{OldExports: by[0], NewExports: by[1]}
		}
	}
	return explain.Options{}
}

// readSymvers reads a Module.symvers, compressed or not.
func readSymvers(text []byte, d *decompress.Decoder) ([]string, error) {
	if format := decompress.Detect(text); format != decompress.None {
		var err error
		if text, err = d.Append(nil, format, text, maxConfig); err != nil {
			return nil, err
		}
	}
	return kernel.ParseSymvers(string(text)), nil
}

// provided lists the symbols of ksym(<flavor>:<symbol>) provides, which a generator
// of openSUSE makes of all symbols that a package's kernel and modules export.
func provided(provides []rpm.Dependency) []string {
	var out []string
	for _, name := range named(provides, "ksym(") {
		if _, symbol, ok := strings.Cut(strings.TrimSuffix(name, ")"), ":"); ok {
			out = append(out, symbol)
		}
	}
	return out
}
