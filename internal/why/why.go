// SPDX-License-Identifier: Apache-2.0

// Package why says why a kernel came out differently: [Rebuilt] compares what is
// known of how two were made, what they carry themselves and what OBS says about
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

	// SameTools are those that are known of both and equal, UnknownTools those that are
	// not known of both.
	SameTools    []string `json:"same_tools"`
	UnknownTools []string `json:"unknown_tools"`

	Trigger *Trigger `json:"trigger,omitempty"` // where OBS was asked

	roots bool // the build roots of both are known
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
		SameTools: []string{}, UnknownTools: []string{}, roots: old.Packages != nil && new.Packages != nil,
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

// source compares like with like: a commit says nothing of a digest.
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

// tools compares the words of config, banner and .comment each with their like. Of
// those that know both, the first in which a tool differs counts.
func (r *Reasons) tools(old, new Made) {
	a, b := old.Config.Toolchain(), new.Config.Toolchain()
	for _, tool := range []struct {
		name string
		told [][2]string
	}{
		{"compiler", [][2]string{{a.Compiler, b.Compiler}, {old.Banner.Compiler, new.Banner.Compiler}, {listed(old.Compilers), listed(new.Compilers)}}},
		{"linker", [][2]string{{a.Linker, b.Linker}, {old.Banner.Linker, new.Banner.Linker}}},
		{"pahole", [][2]string{{a.Pahole, b.Pahole}}},
	} {
		told := slices.DeleteFunc(tool.told, func(t [2]string) bool { return t[0] == "" || t[1] == "" })
		switch i := slices.IndexFunc(told, func(t [2]string) bool { return t[0] != t[1] }); {
		case i >= 0:
			r.Tools = append(r.Tools, Difference{tool.name, told[i][0], told[i][1]})
		case len(told) > 0:
			r.SameTools = append(r.SameTools, tool.name)
		default:
			r.UnknownTools = append(r.UnknownTools, tool.name)
		}
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

// movers are the packages that can move BTF, those that make it first. Versions may be
// part of their names: gcc13, libelf1, rust1.85.
var movers = []string{"dwarves", "pahole", "libdwarves", "libbpf", "gcc", "cpp", "clang", "llvm", "libLLVM", "lld", "binutils", "elfutils", "libdw", "libelf", "rust"}

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
	i := slices.IndexFunc(movers, func(m string) bool {
		version, ok := strings.CutPrefix(name, m)
		return ok && strings.Trim(version, "0123456789.") == ""
	})
	if i < 0 {
		return len(movers)
	}
	return i
}
