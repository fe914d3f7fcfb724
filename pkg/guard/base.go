// SPDX-License-Identifier: Apache-2.0

package guard

import (
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
	if b.Release == "" {
		b.Release = img.Release
	}
	b.Arch = img.Arch
	b.Banner = img.Banner
	b.Vermagic = img.Vermagic
	b.Config = config
	b.Flavor = kernel.Flavor(b.Release)
	b.setRules(as)
	if len(img.BTF) > 0 {
		b.setTable(img)
	}
}

// setRules works out which kernel it is and how it was configured.
func (b *Base) setRules(as Assumed) {
	v := as.Kernel
	for _, said := range []string{b.Banner, b.Release} {
		if v.IsZero() && said != "" {
			v, _ = verify.ParseVersion(said)
		}
	}
	b.VersionKnown = !v.IsZero()
	b.Rules = verify.RulesFor(v)

	// What a config does not mention, the kernel was built without.
	b.IgnoresModules = b.Config != nil && !withModules(b.Config) || b.VersionKnown && !v.AtLeast(5, 11)
	b.Allow = as.Allow
	if b.Allow == verify.AllowUnknown && b.Config != nil {
		b.Allow = verify.AllowNo
		if on, _ := b.Config.Enabled("CONFIG_MODULE_ALLOW_BTF_MISMATCH"); on {
			b.Allow = verify.AllowYes
		}
	}
	if b.Allow == verify.AllowUnknown && b.VersionKnown && !v.AtLeast(5, 18) {
		b.Allow = verify.AllowNo // the option came with 5.18
	}
}

// withModules reports whether a config says that modules are built with BTF.
func withModules(c kernel.Config) bool {
	on, _ := c.Enabled("CONFIG_DEBUG_INFO_BTF_MODULES")
	return on
}

// setTable reads the base's table as its kernel does.
func (b *Base) setTable(img *kernel.Image) {
	// Whatever can be laid out has a fingerprint, even if its kernel refuses it.
	if table, _ := btf.Parse(img.BTF, nil); table != nil {
		b.Fingerprint = fingerprint.Of(table)
	}
	res := verify.Base(img.BTF, img.Order, b.Rules)
	if !res.Accepted() || res.Table == nil {
		b.Refused = &res
		b.laterAccepts = verify.Base(img.BTF, img.Order, verify.RulesFor(verify.Version{})).Accepted()
		return
	}
	b.Table = res.Table
	b.pointerSize = res.Table.PointerSize()
}
