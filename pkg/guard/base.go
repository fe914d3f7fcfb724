// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Assumed is what is taken for granted of a kernel whatever it says itself.
type Assumed struct {
	Kernel verify.Version // zero: what each vmlinux says
	Allow  verify.Allow   // CONFIG_MODULE_ALLOW_BTF_MISMATCH; unknown: what each config says
}

// Describe takes over what the image and the config, nil where it is not known, say
// of the kernel and its table. It keeps a Release that is set.
func (b *Base) Describe(img *kernel.Image, config kernel.Config, as Assumed) {
	if b.release = img.Release; b.Release == "" {
		b.Release = img.Release
	}
	b.Arch = img.Arch
	b.Banner = img.Banner
	b.Vermagic = img.Vermagic
	b.Config = config
	b.BTF = img.BTF
	b.Flavor = cmp.Or(b.packageFlavor(), kernel.Flavor(b.Release))
	var table *btf.Table
	if len(img.BTF) > 0 {
		table, _ = btf.Parse(img.BTF, nil)
	}
	known := b.setRules(img, table, as)
	if len(img.BTF) > 0 {
		b.setTable(img, table, known)
	}
}

// packageFlavor is the flavor that the base's package names, "" where it names none.
func (b *Base) packageFlavor() string {
	if b.Package != nil {
		return b.Package.Flavor
	}
	parts := strings.Split(b.Owner, "-") // name-version-release.arch
	return kernel.PackageFlavor(strings.Join(parts[:max(0, len(parts)-2)], "-"), nil)
}

// setRules works out how the kernel reads BTF and how it was configured, and
// returns what it knew.
func (b *Base) setRules(img *kernel.Image, table *btf.Table, as Assumed) verify.Witnesses {
	v := as.Kernel
	for _, said := range []string{b.Banner, b.Release} {
		if v.IsZero() && said != "" {
			v, _ = verify.ParseVersion(said)
		}
	}
	known := verify.Witnesses{Version: v, Given: !as.Kernel.IsZero(), Base: table, Texts: img.Texts, Allow: as.Allow, AllowGiven: as.Allow != verify.AllowUnknown}
	if b.Config != nil {
		// What a config does not mention, the kernel was built without.
		known.ModuleBTF = verify.Off
		if withModules(b.Config) {
			known.ModuleBTF = verify.On
		}
		if known.Allow == verify.AllowUnknown {
			known.Allow = verify.AllowNo
			if on, _ := b.Config.Enabled("CONFIG_MODULE_ALLOW_BTF_MISMATCH"); on {
				known.Allow = verify.AllowYes
			}
		}
	}
	read := known.Read()
	b.Version, b.Rules, b.Allow, b.Decisions, b.Conflict = v, read.Rules, read.Allow, read.Decisions, read.Conflict
	b.IgnoresModules = !b.Rules.ModuleBTF
	return known
}

// withModules reports whether a config says that modules are built with BTF.
func withModules(c kernel.Config) bool {
	on, _ := c.Enabled("CONFIG_DEBUG_INFO_BTF_MODULES")
	return on
}

// buildsModulesWithBTF reports whether the modules of a kernel's build have BTF, by its
// config or, without one, by a type or text that it has only with
// CONFIG_DEBUG_INFO_BTF_MODULES.
func (b *Base) buildsModulesWithBTF() bool {
	if b.Config != nil {
		return withModules(b.Config)
	}
	return !b.IgnoresModules && slices.ContainsFunc(b.Decisions, func(d verify.Decision) bool {
		return d.Rule == verify.RuleModuleBTF && d.Source == verify.ByMarker && !strings.HasPrefix(d.By, "as Linux") // which is by another rule's marker
	})
}

// setTable reads the base's table as its kernel does. Whatever can be laid out
// has a fingerprint, even if its kernel refuses it.
func (b *Base) setTable(img *kernel.Image, table *btf.Table, known verify.Witnesses) {
	if table != nil {
		b.Fingerprint = fingerprint.Of(table)
	}
	res := verify.Base(img.BTF, img.Order, b.Rules)
	if !res.Accepted() || res.Table == nil {
		b.Refused = &res
		b.cause = causeOf(&res, table, b)
		b.laterAccepts = laterAccepts(img, known)
		return
	}
	b.Table = res.Table
	b.pointerSize = res.Table.PointerSize()
}

// laterAccepts reports whether later kernels accept a table that one refuses by
// its version alone, so that a backport of theirs would make it accept it.
func laterAccepts(img *kernel.Image, known verify.Witnesses) bool {
	if known.Version.IsZero() {
		return false
	}
	known.Version = verify.Version{}
	return verify.Base(img.BTF, img.Order, known.Read().Rules).Accepted()
}
