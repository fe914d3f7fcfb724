// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Facts is what a module knows beside its table.
type Facts struct {
	PointerSize int // 4 or 8 bytes

	// HasFunction reports whether the module's symbol table has a function of the
	// name; nil where there is no symbol table.
	HasFunction func(name []byte) bool

	// AllFunctions says that the symbol table still has local functions. If it is false,
	// a missing function proves nothing: strip --strip-unneeded, with which many module
	// packages are built, removes local symbols.
	AllFunctions bool

	// IDs are the numbers of .BTF_ids with what they are to name, in any order: the
	// kernel's build sorts the numbers of a set and leaves the names where they
	// were.
	IDs []ID
}

// ID is one number of .BTF_ids.
type ID struct {
	Kind  btf.Kind
	Name  string
	Value btf.TypeID
}

// Examine reads every reference of a split table on the base it was parsed with. For many
// tables on one base, use a [Base].
func Examine(t *btf.Table, facts Facts) *Evidence { return (&Base{}).Examine(t, facts) }

// Examine reads every reference of a table that is split on the base.
func (b *Base) Examine(t *btf.Table, facts Facts) *Evidence {
	x := examiner{t: t, base: b, Facts: facts, arrays: map[btf.TypeID]uint64{}}
	for typ := range t.Types() {
		x.names(typ)
		x.types(typ)
		switch typ.Kind() {
		case btf.KindStruct:
			x.members(typ)
		case btf.KindFunc:
			x.function(typ)
		}
	}
	x.fewFunctions()
	if x.foreign {
		// pahole writes Rust's enums as structs that hold more than their size.
		x.drop(MemberNoFit)
	}
	x.ids()
	return &x.Evidence
}

type examiner struct {
	Evidence
	Facts
	t       *btf.Table
	base    *Base
	foreign bool                  // there are names of another language than C
	arrays  map[btf.TypeID]uint64 // bytes of the arrays seen so far, 0 for an unknown size
}

// against notes a contradiction; example is only asked for the first.
func (x *examiner) against(p Proof, example func() string) {
	if x.Against[p]++; x.Against[p] == 1 {
		x.Example[p] = example()
	}
}

// describe names a type as a person would look for it.
func (x *examiner) describe(t btf.Type) string {
	name := x.t.Name(t)
	if name == "" {
		name = "(anon)"
	}
	return fmt.Sprintf("[%d] %v %q", t.ID, t.Kind(), name)
}

func (x *examiner) names(t btf.Type) {
	for ref := range t.NameRefs() {
		switch {
		case ref.Off == 0:
		case x.base.identifiers.has(ref.Off):
			x.BaseNames++
		default:
			x.name(t, ref)
		}
	}
}

func (x *examiner) name(t btf.Type, ref btf.NameRef) {
	name, ok := x.t.Prefix(ref.Off, btf.MaxName)
	where := func() string {
		return fmt.Sprintf("the %v of %s: string offset %d gives %q", ref, x.describe(t), ref.Off, name)
	}
	switch {
	case !ok:
		x.against(NamePastEnd, where)
	case !x.t.IsStringStart(ref.Off):
		x.against(NameMidString, where)
	case mustBeIdentifier(t.Kind(), ref.Role) && !identifier(name):
		if foreign(name) {
			x.foreign = true
		} else {
			x.against(NameNoIdent, where)
		}
	case ref.Off < x.t.StartString():
		x.BaseNames++
	default:
		x.OwnNames++
		x.FirstName = x.FirstName || ref.Off == x.t.StartString()
	}
}

// mustBeIdentifier reports whether a name must be an identifier of C. Base types such as
// "long unsigned int", section names and tags need not be.
func mustBeIdentifier(k btf.Kind, role btf.Role) bool {
	if role != btf.RoleName {
		return true
	}
	switch k {
	case btf.KindInt, btf.KindFloat, btf.KindDatasec, btf.KindDeclTag, btf.KindTypeTag:
		return false
	}
	return true
}

// identifier also allows what compilers write and the kernel refuses: dots, which are in
// the names of cloned functions, and dollar signs.
func identifier(name []byte) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c == '$' || c >= 0x80
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return len(name) > 0
}

// foreign recognizes names of other languages by their punctuation, as in Rust's
// "core::option::Option<&str>" and C++'s "operator=". The kernel may refuse them, but they
// do not contradict the base.
func foreign(name []byte) bool { return bytes.ContainsAny(name, ":<>&*()[]{},#~=+-!'\"") }

func (x *examiner) types(t btf.Type) {
	for ref := range t.TypeRefs() {
		kind, ok := x.t.Kind(ref.ID)
		if !ok {
			x.against(TypePastEnd, func() string {
				return fmt.Sprintf("the %v of %s: type [%d] of %d", ref, x.describe(t), ref.ID, x.t.EndID())
			})
			continue
		}
		if p, wrong := misplaced(t.Kind(), ref.Role, kind); wrong {
			x.against(p, func() string {
				target, _ := x.t.Type(ref.ID)
				return fmt.Sprintf("the %v of %s: %s", ref, x.describe(t), x.describe(target))
			})
			continue
		}
		// A pointer or a typedef may be about nearly anything, so finding
		// anything there says nothing.
		constrained := t.Kind() == btf.KindFunc || t.Kind() == btf.KindDatasec || ref.Role == btf.RoleIndex
		if constrained && ref.ID < x.t.StartID() {
			x.BaseTypes++
		}
	}
}

// misplaced reports whether a type of one kind cannot refer to one of another.
func misplaced(holder btf.Kind, role btf.Role, target btf.Kind) (Proof, bool) {
	switch holder {
	case btf.KindFunc:
		return FuncNoProto, target != btf.KindFuncProto
	case btf.KindDatasec:
		return EntryNoVar, target != btf.KindVar
	case btf.KindDeclTag:
		switch target {
		case btf.KindFunc, btf.KindVar, btf.KindStruct, btf.KindUnion, btf.KindTypedef:
			return 0, false
		}
		return WrongKind, true
	}
	switch target {
	case btf.KindFunc, btf.KindVar, btf.KindDatasec, btf.KindDeclTag:
		return WrongKind, true // only the kinds above name these
	case btf.KindFuncProto:
		return WrongKind, holder != btf.KindPtr && !holder.IsModifier()
	case btf.KindVoid:
		return WrongKind, role == btf.RoleMember || role == btf.RoleElem || role == btf.RoleIndex || holder == btf.KindVar
	}
	if role == btf.RoleIndex {
		return WrongKind, target != btf.KindInt && !target.IsModifier()
	}
	return 0, false
}

// members checks the layout of a struct: each member follows the one before, and all are
// inside. A struct of size 0 has what its compiler could not count: members of variable
// length. Rust lists members in the order of the source and lays them out in another; the
// kernel refuses such a struct on any base.
func (x *examiner) members(t btf.Type) {
	if t.SizeType == 0 {
		return
	}
	before, end := uint64(0), uint64(0) // where the last one begins and ends, in bits
	for i := range int(t.Vlen()) {
		m := t.Member(i)
		bits, known := x.bits(m)
		start := uint64(m.BitOffset())
		if start < before {
			return
		}
		before = start
		if start < end || known && start+bits > 8*uint64(t.SizeType) {
			x.against(MemberNoFit, func() string {
				return fmt.Sprintf("%q of %s: bits %d to %d, behind bit %d of %d",
					x.t.String(m.NameOff), x.describe(t), start, start+bits, end, 8*uint64(t.SizeType))
			})
			return
		}
		if known {
			end = start + bits
			if m.Type < x.t.StartID() {
				x.BaseTypes++
			}
		}
	}
}

// bits is how wide a member is.
func (x *examiner) bits(m btf.Member) (n uint64, known bool) {
	if n := m.BitfieldSize(); n > 0 {
		return uint64(n), true
	}
	i := uint64(m.Type)
	if i >= uint64(len(x.base.widths)) || x.PointerSize != x.base.pointerSize {
		return width(x.t, m.Type, x.PointerSize, x.arrays)
	}
	if w := x.base.widths[i].Load(); w != 0 {
		return widthOf(w)
	}
	n, known = width(x.t, m.Type, x.PointerSize, x.arrays)
	x.base.widths[i].Store(kept(n, known))
	return n, known
}

// function looks a FUNC up in the symbol table: a table describes only functions
// that the module has.
func (x *examiner) function(t btf.Type) {
	if x.HasFunction == nil {
		return
	}
	name, ok := x.t.Prefix(t.NameOff, btf.MaxName)
	if ok && (x.HasFunction(name) || x.HasFunction(bytes.TrimSuffix(name, []byte(implSuffix)))) {
		x.Functions++
		return
	}
	if x.AllFunctions {
		x.against(FuncNoSymbol, func() string { return x.describe(t) })
	}
}

// implSuffix marks a FUNC without a function of its own: since Linux 7.0
// resolve_btfids adds name_impl, with all arguments, to a kfunc some of whose
// arguments the kernel fills in (KF_IMPLICIT_ARGS).
const implSuffix = "_impl"

// fewFunctions drops the functions that were not found if most others were. On a foreign
// base nearly all names are wrong; a few missing functions come from a tool that renames or
// removes symbols.
func (x *examiner) fewFunctions() {
	if x.Against[FuncNoSymbol] <= x.Functions {
		x.drop(FuncNoSymbol)
	}
}

// ids compares the numbers of .BTF_ids with the names they stand for.
func (x *examiner) ids() {
	type what struct {
		kind btf.Kind
		name string
	}
	wanted := map[what]bool{}
	for _, id := range x.Facts.IDs {
		wanted[what{id.Kind, id.Name}] = true
	}
	names := func(id btf.TypeID) bool {
		t, ok := x.t.Type(id)
		return ok && wanted[what{t.Kind(), x.t.Name(t)}]
	}
	for _, id := range x.Facts.IDs {
		switch {
		case names(id.Value):
			x.Evidence.IDs++
		case names(btf.TypeID(bits.ReverseBytes32(uint32(id.Value)))):
			// Before Linux 6.9 resolve_btfids wrote them in the byte order of the machine
			// it ran on. They are of no use to the kernel, but made for this base.
			x.SwappedIDs++
		default:
			x.against(IDMisnamed, func() string {
				if t, ok := x.t.Type(id.Value); ok {
					return x.describe(t)
				}
				return fmt.Sprintf("type [%d] of %d", id.Value, x.t.EndID())
			})
		}
	}
}
