// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// A product with kernels of several kernelreleases, and packages whose modules
// outlive theirs.
type product struct {
	t   *testing.T
	inv *Inventory
}

const (
	spOld = "5.14.21-150400.22-default"
	spNew = "5.14.21-150400.24-default"
)

func newProduct(t *testing.T) *product { return &product{t, &Inventory{}} }

func (p *product) kernel(release, arch string, unused uint32, symbols map[string]uint32) *Base {
	b := testBuild(p.t, release, kernelTable(0, unused, "f"+strings.Repeat("x", int(unused))))
	b.Release, b.Arch, b.Flavor = release, arch, kernel.Flavor(release)
	if symbols != nil {
		b.Symbols = kernel.NewSymvers(maps.All(symbols))
	}
	p.inv.Packages = append(p.inv.Packages, b.Package)
	p.inv.Bases = append(p.inv.Bases, b)
	return b
}

// kmp adds a package with one module, named as the package is, below updates/.
func (p *product) kmp(name, version, release, arch string, needs ...kernel.Import) *Module {
	pkg := &Package{Path: name + "-" + version + ".rpm", Name: name, NEVRA: name + "-" + version + "." + arch, Source: name, Build: name + version, VersionRelease: version}
	m := testModule(pkg, driver(kernelTable(0, 0)))
	module, _, _ := strings.Cut(name, "-kmp-")
	m.Path = "/usr/lib/modules/" + release + "/updates/" + module + ".ko"
	m.Release, m.Arch, m.InTree, m.Imports = release, arch, false, needs
	p.inv.Packages = append(p.inv.Packages, pkg)
	p.inv.Modules = append(p.inv.Modules, m)
	return m
}

// own adds a module of the kernel that was added last.
func (p *product) own(name string, exports map[string]uint32, needs ...kernel.Import) {
	b := p.inv.Bases[len(p.inv.Bases)-1]
	m := testModule(b.Package, nil)
	m.Path, m.Release, m.Arch, m.Exports = "/usr/lib/modules/"+b.Release+"/kernel/"+name+".ko", b.Release, b.Arch, exports
	m.needs = kernel.NewSymvers(func(yield func(string, uint32) bool) {
		for _, i := range needs {
			if !yield(i.Symbol, i.CRC) {
				return
			}
		}
	})
	p.inv.Modules = append(p.inv.Modules, m)
}

// meets lists which package meets which kernel weakly, which does not and why, and
// what is a problem.
func (p *product) meets() []string {
	met := meet(p.inv)
	var out []string
	for _, q := range met.pairs {
		if q.pairing == PairWeak {
			out = append(out, fmt.Sprintf("%s on %s", q.module.Package.NEVRA, q.base.Release))
		}
	}
	for _, u := range met.unlinked {
		out = append(out, fmt.Sprintf("%s not on %s: %s", u.Package.NEVRA, u.Base.Release, u.Why))
	}
	for _, problem := range met.problems {
		out = append(out, problem.Error())
	}
	slices.Sort(out)
	return out
}

// part are symbols as a vmlinux knows its own, without those of its modules.
func part(t *testing.T, symbols map[string]uint32) *kernel.Symvers {
	t.Helper()
	text, err := kernel.NewSymvers(maps.All(symbols)).MarshalText()
	s := &kernel.Symvers{}
	if err == nil {
		err = s.UnmarshalText(append([]byte("~"), text...))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func need(symbol string, crc uint32) kernel.Import { return kernel.Import{Symbol: symbol, CRC: crc} }

func TestWeak(t *testing.T) {
	symbols := map[string]uint32{"usb_submit_urb": 1, "_printk": 2}
	for name, c := range map[string]struct {
		make func(p *product)
		want []string
	}{
		"the symbols of another kernelrelease are the same": {func(p *product) {
			p.kernel(spOld, "x86_64", 0, symbols)
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew}},
		"its own kernel is not here": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew}},
		"one has another CRC": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2), need("usb_submit_urb", 7))
		}, []string{"foo-kmp-default-1-1.x86_64 not on " + spNew + ": needs symbol usb_submit_urb with CRC 00000007, there it has 00000001"}},
		"one is not there": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("gone", 2))
		}, []string{"foo-kmp-default-1-1.x86_64 not on " + spNew + ": needs symbol gone, which is not there"}},
		"a weak symbol need not be there": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", kernel.Import{Symbol: "gone", Weak: true})
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew}},
		"another flavor": {func(p *product) {
			p.kernel("5.14.21-150400.24-64kb", "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
		}, nil},
		"another architecture": {func(p *product) {
			p.kernel(spNew, "aarch64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
		}, nil},
		"modules of the kernel itself": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("kernel-default-extra", "1-1", spOld, "x86_64", need("_printk", 2)).Path = "/usr/lib/modules/" + spOld + "/kernel/drv.ko"
		}, nil},
		"the kernel's symbols are not known": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, nil)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
		}, []string{"foo-kmp-default-1-1.rpm: not checked on kernel-default-" + spNew + " (x86_64): whether its modules are linked into " + spNew +
			" is not known, since neither a symvers nor the provides of kernel-default-" + spNew + " list its symbols"}},
		"likewise, without BTF": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, nil)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64").BTF = nil
		}, nil},
		"of the kernel's symbols a part is known": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols).Symbols = part(p.t, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			p.kmp("bar-kmp-default", "1-1", spOld, "x86_64", need("_printk", 3), need("in_a_module", 1))
			p.kmp("baz-kmp-default", "1-1", spOld, "x86_64", need("in_a_module", 1))
		}, []string{
			"bar-kmp-default-1-1.x86_64 not on " + spNew + ": needs symbol _printk with CRC 00000003, there it has 00000002",
			"baz-kmp-default-1-1.rpm: not checked on kernel-default-" + spNew + " (x86_64): whether its modules are linked into " + spNew +
				" is not known, since neither a symvers nor the provides of kernel-default-" + spNew + " list its symbols",
			"foo-kmp-default-1-1.x86_64 on " + spNew,
		}},
		"a symbol of its other module": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			m := p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("foo_core", 9))
			core := *m
			core.Imports, core.Exports = nil, map[string]uint32{"foo_core": 9}
			p.inv.Modules = append(p.inv.Modules, &core)
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew, "foo-kmp-default-1-1.x86_64 on " + spNew}},
		"a symbol of another package that is linked": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("a-kmp-default", "1-1", spOld, "x86_64", need("foo_core", 9))
			p.kmp("b-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2)).Exports = map[string]uint32{"foo_core": 9}
		}, []string{"a-kmp-default-1-1.x86_64 on " + spNew, "b-kmp-default-1-1.x86_64 on " + spNew}},
		"a symbol of another package that is not linked": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("a-kmp-default", "1-1", spOld, "x86_64", need("foo_core", 9))
			p.kmp("b-kmp-default", "1-1", spOld, "x86_64", need("_printk", 3)).Exports = map[string]uint32{"foo_core": 9}
		}, []string{
			"a-kmp-default-1-1.x86_64 not on " + spNew + ": needs symbol foo_core, which is not there",
			"b-kmp-default-1-1.x86_64 not on " + spNew + ": needs symbol _printk with CRC 00000003, there it has 00000002",
		}},
		"of two versions the newest that fits": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-9", spOld, "x86_64", need("_printk", 2))
			p.kmp("foo-kmp-default", "1-10", spOld, "x86_64", need("_printk", 2))
			p.kmp("foo-kmp-default", "1-11", spOld, "x86_64", need("_printk", 3))
		}, []string{
			"foo-kmp-default-1-10.x86_64 on " + spNew,
			"foo-kmp-default-1-11.x86_64 not on " + spNew + ": needs symbol _printk with CRC 00000003, there it has 00000002",
			"foo-kmp-default-1-9.x86_64 not on " + spNew + ": foo-kmp-default-1-10.x86_64 takes its place",
		}},
		"one was built for this kernel": {func(p *product) {
			p.kernel(spNew, "x86_64", 0, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			p.kmp("foo-kmp-default", "1-2", spNew, "x86_64", need("_printk", 2))
		}, []string{"foo-kmp-default-1-1.x86_64 not on " + spNew + ": foo-kmp-default-1-2.x86_64 takes its place"}},
		"a module of the name of one in another package": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("b-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			p.kmp("a-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2)).Path = "/usr/lib/modules/" + spOld + "/updates/deeper/b.ko.xz"
		}, []string{"a-kmp-default-1-1.x86_64 not on " + spNew + ": b-kmp-default-1-1.x86_64 takes its place", "b-kmp-default-1-1.x86_64 on " + spNew}},
		"a package that has modules below kernel/, too": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			m := *p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			m.Path = "/usr/lib/modules/" + spOld + "/kernel/bar.ko"
			p.inv.Modules = append(p.inv.Modules, &m)
		}, nil},
		"a package for two kernelreleases": {func(p *product) {
			p.kernel("5.14.21-150400.26-default", "x86_64", 1, symbols)
			m := *p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			m.Path, m.Release = "/usr/lib/modules/"+spNew+"/updates/foo.ko", spNew
			p.inv.Modules = append(p.inv.Modules, &m)
		}, nil},
		"a package that was built with the kernel": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("dlm-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2)).Package.InKernel = true
		}, nil},
		"another folder": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2)).Path = "/usr/lib/modules/" + spOld + "/misc/foo.ko"
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew}},
		"a livepatch": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("kernel-livepatch-5_14_21-150400_22-default", "1-1", spOld, "x86_64", need("_printk", 2)).Path = "/usr/lib/modules/" + spOld + "/livepatch/livepatch.ko"
		}, nil},
		"a symbol of a module of the kernel": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			usb := p.kmp("kernel-default-extra", "1-1", spNew, "x86_64")
			usb.Path, usb.Exports = "/usr/lib/modules/"+spNew+"/kernel/usb.ko", map[string]uint32{"usb_x": 5}
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("usb_x", 5))
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew}},
		"a symbol that another package has instead of the kernel": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.own("usb", nil)
			p.kmp("a-kmp-default", "1-1", spOld, "x86_64", need("usb_submit_urb", 7))
			p.kmp("b-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2)).Exports = map[string]uint32{"usb_submit_urb": 7}
		}, []string{"a-kmp-default-1-1.x86_64 on " + spNew, "b-kmp-default-1-1.x86_64 on " + spNew}},
		"likewise, and the kernel's modules are not here": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kmp("a-kmp-default", "1-1", spOld, "x86_64", need("usb_submit_urb", 7))
			p.kmp("b-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2)).Exports = map[string]uint32{"usb_submit_urb": 7}
		}, []string{
			"a-kmp-default-1-1.rpm: not checked on kernel-default-" + spNew + " (x86_64): whether its modules are linked into " + spNew +
				" is not known, since the package needs symbols of another one, and it is not known whether that one is linked",
			"b-kmp-default-1-1.rpm: not checked on kernel-default-" + spNew + " (x86_64): whether its modules are linked into " + spNew +
				" is not known, since the package has another symbol usb_submit_urb than the kernel, and whether modules of the kernel need that is not known",
		}},
		"instead of a module of the kernel": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.own("adc", nil, need("mux_get", 4))
			p.kmp("mux-kmp-default", "1-1", spOld, "x86_64").Exports = map[string]uint32{"mux_get": 4, "mux_more": 5}
		}, []string{"mux-kmp-default-1-1.x86_64 on " + spNew}},
		"instead of one, with another CRC": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.own("adc", nil, need("mux_get", 4))
			p.kmp("mux-kmp-default", "1-1", spOld, "x86_64").Exports = map[string]uint32{"mux_get": 5}
		}, []string{"mux-kmp-default-1-1.x86_64 not on " + spNew + ": the kernel's own adc needs symbol mux_get with CRC 00000004, with it there is 00000005"}},
		"instead of one, without its symbol": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.own("adc", nil, need("mux_get", 4))
			p.kmp("mux-kmp-default", "1-1", spOld, "x86_64")
		}, []string{"mux-kmp-default-1-1.x86_64 not on " + spNew + ": the kernel's own adc needs symbol mux_get, which is gone with it"}},
		"instead of one and of the one that needs it": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.own("adc", nil, need("mux_get", 4))
			m := p.kmp("mux-kmp-default", "1-1", spOld, "x86_64")
			adc := *m
			m.Exports = map[string]uint32{"mux_get": 5}
			adc.Path, adc.Imports = "/usr/lib/modules/"+spOld+"/updates/adc.ko", []kernel.Import{need("mux_get", 5)}
			p.inv.Modules = append(p.inv.Modules, &adc)
		}, []string{"mux-kmp-default-1-1.x86_64 on " + spNew, "mux-kmp-default-1-1.x86_64 on " + spNew}},
		"instead of one that another package needs": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.kmp("mux-kmp-default", "1-1", spOld, "x86_64").Exports = map[string]uint32{"mux_get": 5}
			p.kmp("z-kmp-default", "1-1", spOld, "x86_64", need("mux_get", 4))
		}, []string{
			"mux-kmp-default-1-1.x86_64 not on " + spNew + ": z-kmp-default-1-1.x86_64 needs symbol mux_get with CRC 00000004, with it there is 00000005",
			"z-kmp-default-1-1.x86_64 on " + spNew,
		}},
		"a symbol of a module of the kernel that is not there any more": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.kmp("z-mux-kmp-default", "1-1", spOld, "x86_64").Path = "/usr/lib/modules/" + spOld + "/updates/mux.ko"
			p.kmp("a-kmp-default", "1-1", spOld, "x86_64", need("mux_get", 4))
		}, []string{
			"a-kmp-default-1-1.x86_64 not on " + spNew + ": needs symbol mux_get, which is not there",
			"z-mux-kmp-default-1-1.x86_64 on " + spNew,
		}},
		"RHEL does not look at the kernel's own": {func(p *product) {
			p.kernel("5.14.0-430.el9.x86_64", "x86_64", 1, map[string]uint32{"mux_get": 4})
			p.own("mux", map[string]uint32{"mux_get": 4})
			p.own("adc", nil, need("mux_get", 4))
			m := p.kmp("kmod-mux", "1-1", "5.14.0-427.el9.x86_64", "x86_64")
			m.Path, m.Exports = "/lib/modules/5.14.0-427.el9.x86_64/extra/mux.ko", map[string]uint32{"mux_get": 5}
		}, []string{"kmod-mux-1-1.x86_64 on 5.14.0-430.el9.x86_64"}},
		"RHEL does not ask for the flavor": {func(p *product) {
			p.kernel("5.14.0-430.el9.x86_64+debug", "x86_64", 1, symbols)
			p.kmp("kmod-foo", "1-1", "5.14.0-427.el9.x86_64", "x86_64", need("_printk", 2)).Path = "/lib/modules/5.14.0-427.el9.x86_64/extra/foo.ko"
		}, []string{"kmod-foo-1-1.x86_64 on 5.14.0-430.el9.x86_64+debug"}},
		"RHEL links modules one by one": {func(p *product) {
			const old = "/lib/modules/5.14.0-427.el9.x86_64/extra/"
			p.kernel("5.14.0-430.el9.x86_64", "x86_64", 1, symbols)
			a := p.kmp("kmod-foo", "1-1", "5.14.0-427.el9.x86_64", "x86_64", need("_printk", 2))
			a.Path, a.Exports = old+"a.ko", map[string]uint32{"a": 1}
			for path, i := range map[string]kernel.Import{"b.ko": need("a", 1), "c.ko": need("_printk", 3), "d.ko": need("d_core", 1), "d_core.ko": need("usb_submit_urb", 9)} {
				m := *a
				m.Path, m.Imports, m.Exports = old+path, []kernel.Import{i}, nil
				if path == "d_core.ko" {
					m.Exports = map[string]uint32{"d_core": 1}
				}
				p.inv.Modules = append(p.inv.Modules, &m)
			}
		}, []string{
			"kmod-foo-1-1.x86_64 not on 5.14.0-430.el9.x86_64: needs symbol _printk with CRC 00000003, there it has 00000002",
			"kmod-foo-1-1.x86_64 not on 5.14.0-430.el9.x86_64: needs symbol usb_submit_urb with CRC 00000009, there it has 00000001",
			"kmod-foo-1-1.x86_64 on 5.14.0-430.el9.x86_64", "kmod-foo-1-1.x86_64 on 5.14.0-430.el9.x86_64",
		}},
		"an old package under the new kernel": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			m := p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			m.Origin, m.Package.Origin = Against, Against
		}, []string{"foo-kmp-default-1-1.x86_64 on " + spNew}},
		"old on old is not what is judged": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols).Origin = Against
			m := p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
			m.Origin, m.Package.Origin = Against, Against
		}, nil},
		"somebody named the base": {func(p *product) {
			p.kernel(spNew, "x86_64", 1, symbols)
			p.kernel(spOld, "x86_64", 0, symbols).Origin = Given
			p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
		}, nil},
	} {
		p := newProduct(t)
		c.make(p)
		if got := p.meets(); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s", name, strings.Join(got, "\n"))
		}
	}
}

// TestWeakMisfit is the fault that was seen on SLE: two kernels with the same
// symbols and other bases.
func TestWeakMisfit(t *testing.T) {
	p := newProduct(t)
	symbols := map[string]uint32{"_printk": 2}
	p.kernel(spOld, "x86_64", 0, symbols)
	p.kernel(spNew, "x86_64", 3, symbols)
	p.kmp("foo-kmp-default", "1-1", spOld, "x86_64", need("_printk", 2))
	f := judgeOne(t, p.inv, PairWeak)
	if f.Severity != Fail || f.Base.Release != spNew {
		t.Errorf("%s on %s: %v", f.Verdict, f.Base.Release, f.Reasons)
	}
}
