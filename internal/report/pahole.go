// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/obs-btf-guard/obs-btf-guard/pkg/guard"

// What versions of pahole do to tables, as far as a packager can choose them.

// merge says how modules are made that do not repeat structs of their vmlinux. What
// keeps structs apart is mended in libbpf 1.6 (its commits "Add identical pointer
// detection to btf_dedup_is_equiv()" and "Improve BTF dedup handling of "identical" BTF
// types"), of which pahole 1.31 carries the first; 1.7 names what it does not merge
// ("Add debug messaging in dedup equivalence/identity matching").
func merge(b *guard.Base) string {
	switch version, name := b.Config.Pahole(), "pahole "+b.Config.Toolchain().Pahole; {
	case version >= 131:
		return name + " made these tables, which is new enough for the cause that is known, if its libbpf is 1.6 or later. " +
			"If it is, make the BTF of one module again with pahole --verbose: from libbpf 1.7 on, \"shallow-equal but not equiv\" names the field that kept a struct apart."
	case version > 0:
		return name + " made these tables. " + ruleRemedies[guard.Duplicated]
	}
	return ruleRemedies[guard.Duplicated]
}
