// SPDX-License-Identifier: Apache-2.0

// Package why says why a kernel came out differently. [Compare] compares what is
// known of how two were made. [Rebuilt] gives the reasons, with what OBS says of their
// builds, which [Ask] asks for.
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
	Toolchain kernel.Toolchain // as its config says, where Config is not at hand
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
	Source State `json:"source"`
	Config State `json:"config"`

	Tools    []Difference `json:"tools"`    // compiler, linker, pahole
	Options  []Difference `json:"options"`  // of the config
	Packages []Difference `json:"packages"` // of the build root, those that make BTF first
	Other    []Difference `json:"other"`    // source, project, host, time, banner

	// SameTools are those that are known of both and equal, UnknownTools those that are
	// not known of both.
	SameTools    []string `json:"same_tools"`
	UnknownTools []string `json:"unknown_tools"`

	Trigger *Trigger `json:"trigger,omitempty"` // where OBS was asked

	roots bool          // the build roots of both are known
	made  kernel.Config // the new one's
}

// Difference is something that is not what it was; "" is not there.
type Difference struct {
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
}

// State is what became of an input, of the source or of the config.
type State string

const (
	Same    State = "same"
	changed State = "changed"
	unknown State = "unknown" // not known of both
)

// Input is something that a kernel was made with, of two kernels. Of one that is
// unknown, From or To is "".
type Input struct {
	Difference
	State State
}

// Rebuilt compares how two kernels were made. effect is what in the base changed
// with it ("which functions are kept"), "" where nothing did or it takes more words;
// cause is what the bases themselves show of why, "" where they show nothing; trigger is
// nil where OBS was not asked.
func Rebuilt(old, new Made, effect, cause string, trigger *Trigger) *Reasons {
	r := &Reasons{
		Source: unknown, Config: unknown, Trigger: trigger,
		Tools: []Difference{}, Options: []Difference{}, Packages: []Difference{}, Other: []Difference{},
		SameTools: []string{}, UnknownTools: []string{}, roots: old.Packages != nil && new.Packages != nil,
	}
	r.made = new.Config
	inputs := Compare(old, new)
	r.source(old.Source, new.Source, inputs)
	for _, in := range inputs {
		switch tool := slices.Contains(tools, in.What); {
		case tool && in.State == changed:
			r.Tools = append(r.Tools, in.Difference)
		case tool && in.State == Same:
			r.SameTools = append(r.SameTools, in.What)
		case tool:
			r.UnknownTools = append(r.UnknownTools, in.What)
		case in.State == changed:
			r.Other = append(r.Other, in.Difference)
		}
	}
	if old.Config != nil && new.Config != nil {
		r.config(old.Config, new.Config)
	}
	r.Packages = packages(old.Packages, new.Packages)
	r.Sentence = r.sentence(effect, cause)
	return r
}

var (
	tools   = []string{"compiler", "linker", "pahole"}
	sources = []string{"kernel source", "source revision"}
)

// Compare compares what two kernels were made with, each with its like. Of a tool
// whose name stands in config, banner and .comment, the first counts in which it
// differs, of those that are known of both.
func Compare(old, new Made) []Input {
	built := func(m Made) string {
		if m.Built.IsZero() {
			return ""
		}
		return m.Built.UTC().Format(time.DateTime)
	}
	a, b := old.toolchain(), new.toolchain()
	return []Input{
		input("compiler", [2]string{a.Compiler, b.Compiler}, [2]string{old.Banner.Compiler, new.Banner.Compiler}, [2]string{listed(old.Compilers), listed(new.Compilers)}),
		input("linker", [2]string{a.Linker, b.Linker}, [2]string{old.Banner.Linker, new.Banner.Linker}),
		input("pahole", [2]string{a.Pahole, b.Pahole}),
		input("kernel source", [2]string{old.Source.Hash, new.Source.Hash}),
		input("source revision", [2]string{old.Source.Revision, new.Source.Revision}),
		input("project", [2]string{old.Project, new.Project}),
		input("build host", [2]string{old.Host, new.Host}),
		input("builder", [2]string{old.Banner.Builder, new.Banner.Builder}),
		input("built", [2]string{built(old), built(new)}),
		input("banner", [2]string{old.Banner.Version, new.Banner.Version}),
	}
}

func (m Made) toolchain() kernel.Toolchain {
	if m.Config != nil {
		return m.Config.Toolchain()
	}
	return m.Toolchain
}

// input compares what is known of both, in one or more ways.
func input(what string, said ...[2]string) Input {
	in := Input{Difference{what, said[0][0], said[0][1]}, unknown}
	for _, s := range said {
		switch {
		case s[0] == "" || s[1] == "":
		case s[0] != s[1]:
			return Input{Difference{what, s[0], s[1]}, changed}
		case in.State == unknown:
			in = Input{Difference{what, s[0], s[1]}, Same}
		}
	}
	return in
}

// source says whether the source is the same, as far as is known: a commit cannot be
// compared with a digest.
func (r *Reasons) source(old, new Source, inputs []Input) {
	if old.Package != "" && old.Package == new.Package {
		r.Source = Same
	}
	for _, in := range inputs {
		switch {
		case !slices.Contains(sources, in.What):
		case in.State == changed:
			r.Source = changed
		case r.Source == unknown:
			r.Source = in.State
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
	r.Config = Same
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
