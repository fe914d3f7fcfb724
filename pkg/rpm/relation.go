// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Kind is a kind of dependency. The zero value is Provides.
type Kind int

// The kinds that are read and written here.
const (
	Provides Kind = iota
	Requires
	Recommends
)

// String is the word of a spec file: "Provides".
func (k Kind) String() string {
	if k.valid() {
		return kinds[k].word
	}
	return fmt.Sprintf("kind %d", int(k))
}

func (k Kind) valid() bool { return k >= 0 && int(k) < len(kinds) }

// kinds says how each kind is stored in the header: three parallel arrays, and a letter
// in DEPENDSDICT (rpm lib/rpmds.cc, depTypes). generated is the
// flag that rpmbuild gives to what its generators found.
var kinds = [...]struct {
	word                 string
	letter               byte
	name, flags, version tag
	generated            uint32
}{
	Provides:   {"Provides", 'P', tagProvideName, tagProvideFlags, tagProvideVer, SenseFindProvides},
	Requires:   {"Requires", 'R', tagRequireName, tagRequireFlags, tagRequireVer, SenseFindRequires},
	Recommends: {"Recommends", 'r', tagRecommendName, tagRecommendFlag, tagRecommendVer, SenseFindRequires},
}

// A Relation is a dependency together with its kind.
type Relation struct {
	Kind Kind
	Dependency
}

// String writes a relation as a spec file does: "Provides: name = version".
func (r Relation) String() string { return r.Kind.String() + ": " + r.Dependency.String() }

// validate refuses what rpmbuild would not have written (build/parseReqs.cc,
// parseRCPOT, and build/parseSpec.cc, rpmCharCheck): names that are not one word
// or could be taken for a rich dependency, versions with other characters,
// flags besides comparison and "found by a generator".
func (r Relation) validate() error {
	if !r.Kind.valid() {
		return fmt.Errorf("%v: not a kind of dependency", r.Kind)
	}
	alnum := func(c byte) bool {
		return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if strings.HasPrefix(r.Name, "(") {
		return r.validateRich()
	}
	if r.Name == "" || !alnum(r.Name[0]) && r.Name[0] != '_' && r.Name[0] != '/' {
		return fmt.Errorf("%v: name %.128q does not begin with letter, digit, _ or /", r.Kind, r.Name)
	}
	for i := range len(r.Name) {
		if c := r.Name[i]; c <= ' ' || c == ',' || c == 0x7f {
			return fmt.Errorf("%v: name %.128q: byte %#02x at %d is not allowed", r.Kind, r.Name, c, i)
		}
	}
	for i := range len(r.Version) {
		if c := r.Version[i]; !alnum(c) && strings.IndexByte("._+%{}~^-:", c) < 0 {
			return fmt.Errorf("%v: %.128s: version %.128q: byte %#02x at %d is not allowed", r.Kind, r.Name, r.Version, c, i)
		}
	}
	if strings.Count(r.Version, "-") > 1 || strings.Count(r.Version, ":") > 1 {
		return fmt.Errorf("%v: %.128s: version %.128q is not [epoch:]version[-release]", r.Kind, r.Name, r.Version)
	}
	if (r.Version != "") != (r.Flags&senseMask != 0) {
		return fmt.Errorf("%v: %.128s: version %.128q with flags %#x: a version needs a comparison and a comparison a version", r.Kind, r.Name, r.Version, r.Flags)
	}
	if other := r.Flags &^ (senseMask | kinds[r.Kind].generated); other != 0 {
		return fmt.Errorf("%v: %.128s: flags %#x are not allowed", r.Kind, r.Name, other)
	}
	return nil
}

// isRich reports whether a dependency is a rich (boolean) one, which stands in
// parentheses.
func (d Dependency) isRich() bool { return strings.HasPrefix(d.Name, "(") }

// validateRich refuses rich dependencies whose parentheses do not match, and those
// with a version of their own (lib/rpmds.cc, rpmrichParse, has the whole grammar).
func (r Relation) validateRich() error {
	if r.Kind == Provides {
		return fmt.Errorf("%v: %.128s: a rich dependency cannot be provided", r.Kind, r.Name)
	}
	if other := r.Flags &^ kinds[r.Kind].generated; other != 0 || r.Version != "" {
		return fmt.Errorf("%v: %.128s: a rich dependency has no version of its own", r.Kind, r.Name)
	}
	depth := 0
	for i := range len(r.Name) {
		switch c := r.Name[i]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("%v: name %.128q: byte %#02x at %d is not allowed", r.Kind, r.Name, c, i)
		}
		if depth == 0 && i < len(r.Name)-1 {
			return fmt.Errorf("%v: name %.128q: it ends at byte %d of %d", r.Kind, r.Name, i, len(r.Name))
		}
	}
	if depth != 0 {
		return fmt.Errorf("%v: name %.128q: %d parentheses are not closed", r.Kind, r.Name, depth)
	}
	return nil
}

// richFeature is what a package with rich dependencies requires of rpm
// (build/rpmfc.cc and lib/rpmds.cc: rpmlibFeature).
var richFeature = Dependency{Name: "rpmlib(RichDependencies)", Flags: senseRpmlib | SenseLess | SenseEqual, Version: "4.12.0-1"}

// senseRpmlib is RPMSENSE_RPMLIB: a feature of rpm, no package.
const senseRpmlib = 1 << 24

// same says whether two dependencies of one kind are the same, no matter whether a person
// or a generator wrote them.
func (d Dependency) same(o Dependency) bool {
	const origin = SenseFindProvides | SenseFindRequires
	return d.Name == o.Name && d.Version == o.Version && d.Flags&^origin == o.Flags&^origin
}

// compareDependencies is the order in which rpm keeps and searches dependencies
// of one kind: name and version byte by byte, then flags (lib/rpmds.cc, doFind).
func compareDependencies(a, b Dependency) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), cmp.Compare(a.Flags, b.Flags))
}

// A revision is a list of dependencies of one kind, before and after an edit.
type revision struct {
	kind     Kind
	old, new []Dependency
	moved    []int // from place in old to place in new, -1 if dropped

	added, dropped []Dependency
}

func (r *revision) changed() bool { return len(r.added)+len(r.dropped) > 0 }

// revise drops from old and adds to it as e says. New dependencies go where
// rpm's binary search would put them (rpmdsMerge); the old ones keep their order.
func (e *Edit) revise(kind Kind, old []Dependency) *revision {
	r := &revision{kind: kind, old: old, moved: make([]int, len(old))}
	wanted := func(d Dependency) bool {
		return slices.ContainsFunc(e.Add, func(a Relation) bool { return a.Kind == kind && a.same(d) })
	}
	type item struct {
		Dependency
		was int // place in old, -1 if new
	}
	var items []item
	for i, d := range old {
		r.moved[i] = -1
		if e.Drop != nil && !wanted(d) && e.Drop(Relation{kind, d}) {
			r.dropped = append(r.dropped, d)
			continue
		}
		items = append(items, item{d, i})
	}
	for _, a := range e.Add {
		if a.Kind != kind || slices.ContainsFunc(items, func(i item) bool { return i.same(a.Dependency) }) {
			continue
		}
		at, _ := slices.BinarySearchFunc(items, a.Dependency, func(i item, d Dependency) int {
			return compareDependencies(i.Dependency, d)
		})
		items = slices.Insert(items, at, item{a.Dependency, -1})
		r.added = append(r.added, a.Dependency)
	}
	for i, it := range items {
		r.new = append(r.new, it.Dependency)
		if it.was >= 0 {
			r.moved[it.was] = i
		}
	}
	return r
}
