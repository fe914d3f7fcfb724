// SPDX-License-Identifier: Apache-2.0

// Package why says why a kernel came out differently: it compares what is known of
// how two were made.
package why

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Made is what is known of how a kernel was made. What is not known is empty.
type Made struct {
	Config   kernel.Config
	Sources  []string // that the source is known by: kernel-srchash-..., revision of DISTURL
	Project  string   // of OBS, with its repository
	Host     string
	Built    time.Time
	Packages Packages // of the build root
}

// Packages are the packages of a build root by name, with version and release.
type Packages map[string]string

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
	Other    []Difference `json:"other"`    // project, host, time
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

// movers are the packages that can move BTF, by how they begin.
var movers = []string{"dwarves", "pahole", "libdwarves", "gcc", "cpp", "clang", "llvm", "lld", "binutils", "elfutils", "libdw", "libelf", "rust"}

// Rebuilt compares how two kernels were made.
func Rebuilt(old, new Made) *Reasons {
	r := &Reasons{Source: "unknown", Config: "unknown", Tools: []Difference{}, Options: []Difference{}, Packages: []Difference{}, Other: []Difference{}}
	if len(old.Sources) > 0 && len(new.Sources) > 0 {
		r.Source = "changed"
		if slices.ContainsFunc(old.Sources, func(s string) bool { return slices.Contains(new.Sources, s) }) {
			r.Source = "same"
		}
	}
	if old.Config != nil && new.Config != nil {
		r.config(old.Config, new.Config)
	}
	r.Packages = packages(old.Packages, new.Packages)
	add := func(what, from, to string) {
		if from != to && from != "" && to != "" {
			r.Other = append(r.Other, Difference{what, from, to})
		}
	}
	add("project", old.Project, new.Project)
	add("build host", old.Host, new.Host)
	if !old.Built.IsZero() && !new.Built.IsZero() {
		add("built", old.Built.UTC().Format(time.DateTime), new.Built.UTC().Format(time.DateTime))
	}
	r.Sentence = r.sentence()
	return r
}

func (r *Reasons) config(old, new kernel.Config) {
	a, b := old.Toolchain(), new.Toolchain()
	for _, t := range []Difference{{"compiler", a.Compiler, b.Compiler}, {"linker", a.Linker, b.Linker}, {"pahole", a.Pahole, b.Pahole}} {
		if t.From != t.To {
			r.Tools = append(r.Tools, t)
		}
	}
	all := maps.Clone(old)
	maps.Copy(all, new)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if from, to := old[name], new[name]; from != to && !kernel.AboutTools(name) {
			r.Options = append(r.Options, Difference{name, from, to})
		}
	}
	r.Config = "same"
	if len(r.Options) > 0 {
		r.Config = "changed"
	}
}

// packages lists what differs between two build roots, what can move BTF first.
func packages(old, new Packages) []Difference {
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

// sentence says it all at once: what is the same, and what of the rest can have
// moved the base.
func (r *Reasons) sentence() string {
	var known, unknown []string
	for _, k := range []struct{ what, is string }{{"source", r.Source}, {"config", r.Config}} {
		switch k.is {
		case "same":
			known = append(known, "same "+k.what)
		case "changed":
			known = append(known, k.what+" changed")
		default:
			unknown = append(unknown, k.what)
		}
	}
	if n := len(r.Options); n > 0 {
		known[len(known)-1] = fmt.Sprintf("config changed (%s)", first(r.Options, 3))
	}
	var moved []Difference
	for _, p := range r.Packages {
		if mover(p.What) < len(movers) {
			moved = append(moved, p)
		}
	}
	if len(moved) == 0 {
		moved = r.Tools
	}
	s := strings.Join(known, ", ")
	switch {
	case len(moved) > 0:
		if s != "" {
			s += "; "
		}
		s += first(moved, 3)
	case r.Config != "unknown" && r.Source == "same" && r.Config == "same":
		s += ", same tools as far as the config tells: look at what differs in the build root, and at a pahole that does not build reproducibly"
	case s == "":
		return "neither source nor config of both is known"
	}
	if len(unknown) > 0 {
		s += "; the " + strings.Join(unknown, " and the ") + " of both is not known"
	}
	return s
}

// first lists the first few differences.
func first(list []Difference, most int) string {
	var out []string
	for _, d := range list[:min(len(list), most)] {
		out = append(out, d.String())
	}
	s := strings.Join(out, ", ")
	if n := len(list) - most; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// maxEnv bounds a _buildenv; real ones have 100 KB.
const maxEnv = 16 << 20

// ReadBuildEnv reads the _buildenv or _buildinfo that OBS keeps with a build:
// the packages of its build root.
func ReadBuildEnv(r io.Reader) (Packages, error) {
	dec := xml.NewDecoder(io.LimitReader(r, maxEnv))
	out, root := Packages{}, false
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) && root {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if !root && e.Name.Local != "buildinfo" {
			return nil, fmt.Errorf("is a <%s>, not a <buildinfo>", e.Name.Local)
		}
		root = true
		if e.Name.Local != "bdep" {
			continue
		}
		var name, version, release string
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "name":
				name = a.Value
			case "version":
				version = a.Value
			case "release":
				release = "-" + a.Value
			}
		}
		if name != "" {
			out[name] = version + release
		}
	}
}
