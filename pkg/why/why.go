// SPDX-License-Identifier: Apache-2.0

// Package why says why a kernel came out differently: [Rebuilt] compares what is
// known of how two were made, what they carry themselves and what OBS tells of
// their builds, which [Ask] asks for.
package why

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Made is what is known of how a kernel was made. What is not known is empty.
type Made struct {
	Config    kernel.Config
	Banner    kernel.Banner
	Compilers []string // of its objects, by .comment
	Source    Source
	Project   string // of OBS, with its repository
	Host      string
	Built     time.Time
	Packages  map[string]string // of the build root by name, with version and release
}

// Source is what a kernel's source is known by.
type Source struct {
	Hash     string // kernel-srchash-...: the commit of openSUSE's kernel-source
	Revision string // of the DISTURL: digest of the files that OBS built from
	// Package is the digest of the source package that was made with it. Equal ones
	// are of equal sources; one that is made again is another.
	Package string
}

// Reasons is what differs between the making of two kernels. Lists are never nil.
type Reasons struct {
	Sentence string `json:"sentence"`

	// Source and Config are "same", "changed" or "unknown". Options that tools
	// decide on do not count as config.
	Source string `json:"source"`
	Config string `json:"config"`

	Tools    []Difference `json:"tools"`    // compiler, linker, pahole
	Options  []Difference `json:"options"`  // of the config
	Packages []Difference `json:"packages"` // of the build root, those that make BTF first
	Other    []Difference `json:"other"`    // source, project, host, time, banner

	Trigger *Trigger `json:"trigger,omitempty"` // where OBS was asked

	toolsOf []string // what told of the tools of both
}

// Difference is something that is not what it was; "" is not there.
type Difference struct {
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
}

func (d Difference) String() string {
	switch {
	case d.From == "":
		return d.What + " " + d.To + " is new"
	case d.To == "":
		return d.What + " " + d.From + " is gone"
	}
	return d.What + " " + d.From + " → " + d.To
}

// The states of source and config.
const (
	same    = "same"
	changed = "changed"
	unknown = "unknown"
)

// Rebuilt compares how two kernels were made. effect is what in the base changed
// with it ("which functions are kept"), "" where nothing did or it takes more words;
// trigger is nil where OBS was not asked.
func Rebuilt(old, new Made, effect string, trigger *Trigger) *Reasons {
	r := &Reasons{
		Source: unknown, Config: unknown, Trigger: trigger,
		Tools: []Difference{}, Options: []Difference{}, Packages: []Difference{}, Other: []Difference{},
	}
	r.source(old.Source, new.Source)
	r.tools(old, new)
	if old.Config != nil && new.Config != nil {
		r.config(old.Config, new.Config)
	}
	r.Packages = packages(old.Packages, new.Packages)
	r.other("project", old.Project, new.Project)
	r.other("build host", old.Host, new.Host)
	r.other("builder", old.Banner.Builder, new.Banner.Builder)
	if !old.Built.IsZero() && !new.Built.IsZero() {
		r.other("built", old.Built.UTC().Format(time.DateTime), new.Built.UTC().Format(time.DateTime))
	}
	r.other("banner", old.Banner.Version, new.Banner.Version)
	r.Sentence = r.sentence(effect)
	return r
}

// other notes what is known of both and differs.
func (r *Reasons) other(what, from, to string) {
	if from != to && from != "" && to != "" {
		r.Other = append(r.Other, Difference{what, from, to})
	}
}

// source holds like against like: a commit says nothing of a digest.
func (r *Reasons) source(old, new Source) {
	if old.Package != "" && old.Package == new.Package {
		r.Source = same
	}
	for _, s := range []Difference{{"kernel source", old.Hash, new.Hash}, {"source revision", old.Revision, new.Revision}} {
		switch {
		case s.From == "" || s.To == "":
		case s.From != s.To:
			r.Source = changed
			r.Other = append(r.Other, s)
		case r.Source == unknown:
			r.Source = same
		}
	}
}

// tools compares the words of config, banner and .comment each with their like; of
// a tool that several tell of, the first that differs counts.
func (r *Reasons) tools(old, new Made) {
	add := func(d Difference) {
		if d.From != d.To && !slices.ContainsFunc(r.Tools, func(o Difference) bool { return o.What == d.What }) {
			r.Tools = append(r.Tools, d)
		}
	}
	if old.Config != nil && new.Config != nil {
		a, b := old.Config.Toolchain(), new.Config.Toolchain()
		r.toolsOf = append(r.toolsOf, "the config")
		add(Difference{"compiler", a.Compiler, b.Compiler})
		add(Difference{"linker", a.Linker, b.Linker})
		add(Difference{"pahole", a.Pahole, b.Pahole})
	}
	if a, b := old.Banner, new.Banner; a.Compiler != "" && b.Compiler != "" {
		r.toolsOf = append(r.toolsOf, "the banner")
		add(Difference{"compiler", a.Compiler, b.Compiler})
		if a.Linker != "" && b.Linker != "" {
			add(Difference{"linker", a.Linker, b.Linker})
		}
	}
	if a, b := old.Compilers, new.Compilers; len(a) > 0 && len(b) > 0 {
		r.toolsOf = append(r.toolsOf, ".comment")
		add(Difference{"compiler", listed(a), listed(b)})
	}
}

// listed writes what compilers wrote in one order: that of linking is no matter.
func listed(compilers []string) string {
	return strings.Join(slices.Sorted(slices.Values(compilers)), ", ")
}

// config compares options. One that is not set and one that is not offered are the
// same to what is built.
func (r *Reasons) config(old, new kernel.Config) {
	value := func(c kernel.Config, name string) string {
		if v := c[name]; v != "n" {
			return v
		}
		return ""
	}
	all := maps.Clone(old)
	maps.Copy(all, new)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if from, to := value(old, name), value(new, name); from != to && !kernel.AboutTools(name) {
			r.Options = append(r.Options, Difference{name, from, to})
		}
	}
	r.Config = same
	if len(r.Options) > 0 {
		r.Config = changed
	}
}

// movers are the packages that can move BTF, by how they begin.
var movers = []string{"dwarves", "pahole", "libdwarves", "gcc", "cpp", "clang", "llvm", "lld", "binutils", "elfutils", "libdw", "libelf", "rust"}

// packages lists what differs between two build roots, what can move BTF first.
func packages(old, new map[string]string) []Difference {
	out := []Difference{}
	if old == nil || new == nil {
		return out
	}
	all := maps.Clone(old)
	maps.Copy(all, new)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if old[name] != new[name] {
			out = append(out, Difference{name, old[name], new[name]})
		}
	}
	slices.SortStableFunc(out, func(a, b Difference) int { return mover(a.What) - mover(b.What) })
	return out
}

func mover(name string) int {
	i := slices.IndexFunc(movers, func(m string) bool { return strings.HasPrefix(name, m) })
	if i < 0 {
		return len(movers)
	}
	return i
}
