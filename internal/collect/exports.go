// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// explain takes from an image what Sources.Explain asks for. Without it, less can
// be explained.
func explain(b *guard.Base, img *kernel.Image) {
	if img.ELF != nil {
		b.Exports.Ksymtab, _ = img.ELF.Exports()
		b.Compilers, _ = img.ELF.Compilers()
	}
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
