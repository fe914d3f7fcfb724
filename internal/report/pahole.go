// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/obs-btf-guard/obs-btf-guard/pkg/guard"

// What versions of pahole do to tables, as far as a packager can choose them.

// paholeOf is the pahole that made a base by its config, as a number, 0 where that is not
// known, and in words.
func paholeOf(b *guard.Base) (version int, name string) {
	return b.Config.Pahole(), "pahole " + b.Config.Toolchain().Pahole
}

// reproduce says how the pahole that made a base makes the same one again. Jobs came
// with 1.22, reproducible_build with 1.27, and 1.29 needs neither.
func reproduce(b *guard.Base) string {
	version, name := paholeOf(b)
	switch {
	case version == 0:
		return "use pahole 1.29 or later, 1.27 with --btf_features=reproducible_build, or one job, -j1"
	case version >= 122 && version < 127:
		return name + " writes types in another order each time: run it with one job, -j1, or take 1.29 or later"
	case version >= 127 && version < 129:
		return name + " does so with --btf_features=reproducible_build, 1.29 and later by itself"
	}
	return name + " does so where source, configuration, compiler and the length of /proc/version stay the same"
}

// merge says how modules are made that do not repeat structs of their vmlinux. What
// keeps structs apart is mended in libbpf 1.6 (its commits "Add identical pointer
// detection to btf_dedup_is_equiv()" and "Improve BTF dedup handling of "identical" BTF
// types"), of which pahole 1.31 carries the first; 1.7 names what it does not merge
// ("Add debug messaging in dedup equivalence/identity matching").
func merge(b *guard.Base) string {
	switch version, name := paholeOf(b); {
	case version >= 131:
		return name + " made these tables, which is new enough for the cause that is known, if its libbpf is 1.6 or later. " +
			"If it is, make the BTF of one module again with pahole --verbose: from libbpf 1.7 on, \"shallow-equal but not equiv\" names the field that kept a struct apart."
	case version > 0:
		return name + " made these tables. " + ruleRemedies[guard.Duplicated]
	}
	return ruleRemedies[guard.Duplicated]
}
