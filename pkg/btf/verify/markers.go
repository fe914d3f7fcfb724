// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Among its types, a kernel's base has those of the code that will read the tables of
// modules. Structs and enums decide a rule both ways. A FUNC decides only if it is there:
// compilers inline and rename all but kfuncs. A missing type counts only if the
// types that come with it are there, since small and stripped bases have none of this.

// lastPatch stands for the last stable release of a series.
const lastPatch = 999

// fact is what the types of a base say about one thing. Where two types of the
// same name say different things, it is not known.
type fact[T comparable] struct {
	value       T
	known, torn bool
}

func (f *fact[T]) set(v T) {
	f.torn = f.torn || f.known && f.value != v
	f.value, f.known = v, true
}

func (f *fact[T]) get() (T, bool) { return f.value, f.known && !f.torn }

// markerTypes is what a base says of its kernel.
type markerTypes struct {
	headerSize fact[uint32] // sizeof(struct btf_header)
	kindMax    fact[uint32] // BTF_KIND_MAX
	vlenMax    fact[uint32] // BTF_MAX_VLEN, an enumerator since 7.2
	nameLen    fact[uint32] // bytes of bpf_ksym.name and kallsym_iter.name
	newLog     fact[bool]   // struct bpf_verifier_log begins with start_pos
	moduleBTF  fact[bool]   // struct module has btf_data
	moduleBase fact[bool]   // struct module has btf_base_data
	dotOK      fact[bool]   // __btf_name_valid has a parameter dot_ok
	levels     [len(levels)]fact[bool]
	signed     bool // an ENUM has the kind flag
	enum64     bool // there is an ENUM64
	printk     bool // STRUCT printk_info, since 5.10
	printkBufs bool // STRUCT printk_buffers, since 6.3

	functions map[string]bool // those of markerFunctions that are there
}

// kindChecks check the kinds that every kernel with module BTF knows. They are
// called through a table (btf_kind_operations), so no compiler does away with
// them: where all are there, that of a later kind can be missed.
var kindChecks = []string{
	"btf_int_check_meta", "btf_array_check_meta", "btf_struct_check_meta", "btf_enum_check_meta", "btf_fwd_check_meta",
	"btf_func_check_meta", "btf_func_proto_check_meta", "btf_var_check_meta", "btf_datasec_check_meta",
}

// dynptrKfuncs are the kfuncs on dynptrs that 6.5 brought (kernel/bpf/helpers.c).
// A kfunc is neither inlined nor renamed, so where all are there, a later one can
// be missed.
var dynptrKfuncs = []string{"bpf_dynptr_adjust", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly", "bpf_dynptr_size", "bpf_dynptr_clone"}

// castKfuncs are kfuncs that 6.2 brought.
var castKfuncs = []string{"bpf_cast_to_kern_ctx", "bpf_rdonly_cast", "bpf_list_pop_front"}

// The functions that show something by themselves.
const (
	funcTreeFirst   = "bpf_rbtree_first"
	funcTypeTags    = "btf_check_type_tags"
	funcFloat       = "btf_float_check_meta"
	funcDeclTag     = "btf_decl_tag_check_meta"
	funcEnum64      = "btf_enum64_check_meta"
	funcDynptrCopy  = "bpf_dynptr_copy"
	funcIterNew     = "bpf_iter_num_new"
	funcNameIsValid = "__btf_name_valid"
)

var markerFunctions = func() map[string]bool {
	m := map[string]bool{}
	for _, f := range slices.Concat(kindChecks, castKfuncs, dynptrKfuncs, []string{funcTreeFirst, funcTypeTags, funcFloat, funcDeclTag, funcEnum64, funcDynptrCopy, funcIterNew}) {
		m[f] = true
	}
	return m
}()

// all reports whether the base has each of the functions.
func (f *markerTypes) all(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !f.functions[n] })
}

// maxMarkerName is more bytes than the name of any marker has.
const maxMarkerName = 32

// findMarkers goes once through the types of a base.
func findMarkers(base *btf.Table) *markerTypes {
	f := &markerTypes{functions: map[string]bool{}}
	name := func(off uint32) []byte { s, _ := base.Prefix(off, maxMarkerName); return s }
	for t := range base.Types() {
		switch t.Kind() {
		case btf.KindStruct:
			f.structType(base, t, name)
		case btf.KindEnum64:
			f.enum64 = true
		case btf.KindEnum:
			f.signed = f.signed || t.KindFlag()
			if t.NameOff == 0 || t.Vlen() < 8 {
				f.enumType(t, name)
			}
			f.level(t, name)
		case btf.KindFunc:
			switch n := name(t.NameOff); {
			case string(n) == funcNameIsValid:
				if proto, ok := base.Type(btf.TypeID(t.SizeType)); ok && proto.Kind() == btf.KindFuncProto {
					last := max(int(proto.Vlen()), 1) - 1
					f.dotOK.set(proto.Vlen() > 0 && string(name(proto.Param(last).NameOff)) == "dot_ok")
				}
			case markerFunctions[string(n)]:
				f.functions[string(n)] = true
			}
		}
	}
	return f
}

func (f *markerTypes) structType(base *btf.Table, t btf.Type, name func(uint32) []byte) {
	switch string(name(t.NameOff)) {
	case "btf_header":
		f.headerSize.set(t.SizeType)
	case "bpf_ksym", "kallsym_iter":
		for i := range int(t.Vlen()) {
			m := t.Member(i)
			if a, ok := base.Type(m.Type); ok && a.Kind() == btf.KindArray && string(name(m.NameOff)) == "name" {
				f.nameLen.set(a.Array().Len)
			}
		}
	case "module":
		data, baseData := false, false
		for i := range int(t.Vlen()) {
			switch string(name(t.Member(i).NameOff)) {
			case "btf_data":
				data = true
			case "btf_base_data":
				baseData = true
			}
		}
		f.moduleBTF.set(data)
		f.moduleBase.set(baseData)
	case "bpf_verifier_log":
		if t.Vlen() > 0 {
			f.newLog.set(string(name(t.Member(0).NameOff)) == "start_pos")
		}
	case "printk_info":
		f.printk = true
	case "printk_buffers":
		f.printkBufs = true
	}
}

func (f *markerTypes) enumType(t btf.Type, name func(uint32) []byte) {
	for i := range int(t.Vlen()) {
		switch e := t.Enumerator(i); string(name(e.NameOff)) {
		case "BTF_KIND_MAX":
			f.kindMax.set(uint32(e.Value))
		case "BTF_MAX_VLEN":
			f.vlenMax.set(uint32(e.Value))
		}
	}
}

// levels are enumerators that came with a release, in enums that user space sees:
// no compiler takes them away, and nobody adds them alone. They show of which
// release the BPF code is, for rules that have no marker.
var levels = [...]struct {
	enum, enumerator string
	since, before    Version
}{
	{"bpf_func_id", "BPF_FUNC_copy_from_user_task", Version{5, 18, 0}, Version{5, 17, lastPatch}},
	{"bpf_func_id", "BPF_FUNC_kptr_xchg", Version{5, 19, 0}, Version{5, 18, lastPatch}},
	levelToken: {"bpf_cmd", "BPF_TOKEN_CREATE", Version{6, 9, 0}, Version{6, 8, lastPatch}},
}

const levelToken = 2

// level looks for the enumerators of [levels] in their enums.
func (f *markerTypes) level(t btf.Type, name func(uint32) []byte) {
	enum := name(t.NameOff)
	for i, l := range levels {
		if string(enum) != l.enum {
			continue
		}
		there := false
		for j := range int(t.Vlen()) {
			there = there || string(name(t.Enumerator(j).NameOff)) == l.enumerator
		}
		f.levels[i].set(there)
	}
}

// readLevels takes what shows a release and no rule.
func (m *marks) readLevels(f *markerTypes) {
	for i, l := range levels {
		if there, ok := f.levels[i].get(); ok {
			m.between(there, l.since, l.before, pick(there, "", "no ")+"enumerator "+l.enumerator)
		}
	}
	if there := f.functions[funcTreeFirst]; there || f.all(castKfuncs) {
		m.between(there, Version{6, 3, 0}, Version{6, 2, lastPatch}, pick(there, "", "no ")+"kfunc "+funcTreeFirst)
	}
}

// readTypes takes what the types of a base decide.
func (m *marks) readTypes(base *btf.Table) {
	f := findMarkers(base)
	if size, ok := f.headerSize.get(); ok {
		by := fmt.Sprintf("STRUCT btf_header of %d bytes", size)
		m.decide(fieldHeaderSize, by, func(r *Rules) { r.HeaderSize = max(size, btf.HeaderSize) })
		m.between(size >= btf.HeaderSizeLayout, Version{7, 1, 0}, Version{7, 0, lastPatch}, by)
	}
	m.readLevels(f)
	m.readKinds(f)
	m.readNames(f)
	m.readModule(f)
	m.signedAlone = f.signed && !f.enum64
	if isNew, ok := f.newLog.get(); ok {
		by := "STRUCT bpf_verifier_log without start_pos"
		if isNew {
			by = "STRUCT bpf_verifier_log begins with start_pos"
		}
		m.between(isNew, Version{6, 4, 0}, Version{6, 3, lastPatch}, by)
	}
	if f.functions[funcTypeTags] {
		by := "FUNC " + funcTypeTags
		m.decide(fieldChainWalk, by, func(r *Rules) { r.ChainWalk = true })
		m.decide(fieldTagOrder, by, func(r *Rules) { r.TagOrder = true })
		m.atLeast(Version{5, 19, 0}, by)
		m.atMost(Version{7, 1, lastPatch}, by)
	}
	if f.functions[funcIterNew] {
		// The first kfunc whose registration is checked: both are of one series.
		by := "kfunc " + funcIterNew
		m.decide(fieldKfuncCheck, by, func(r *Rules) { r.KfuncCheck = true })
		m.atLeast(Version{6, 4, 0}, by)
	}
	// The kfunc came into the same release as flagged tags, a little later.
	switch {
	case f.functions[funcDynptrCopy]:
		by := "kfunc " + funcDynptrCopy
		m.decide(fieldTagFlag, by, func(r *Rules) { r.TagFlag = true })
		m.atLeast(Version{6, 15, 0}, by)
	case f.all(dynptrKfuncs):
		by := "no kfunc " + funcDynptrCopy
		m.decide(fieldTagFlag, by, func(r *Rules) { r.TagFlag = false })
		m.atMost(Version{6, 14, lastPatch}, by)
	}
	if f.printk {
		by, size := "no STRUCT printk_buffers", 989
		if f.printkBufs {
			by, size = "STRUCT printk_buffers", 1021
		}
		m.decide(fieldLineMax, by, func(r *Rules) { r.LineMax = size })
		if !f.printkBufs {
			m.hint, m.hintBy = Version{6, 2, lastPatch}, by
		}
	}
}

// readKinds finds how many kinds the kernel knows, and how a record's info word
// is laid out.
func (m *marks) readKinds(f *markerTypes) {
	kinds := func(k btf.Kind, by string) {
		m.decide(fieldMaxKind, by, func(r *Rules) { r.MaxKind = k })
		m.decide(fieldEnumFlag, by, func(r *Rules) { r.EnumFlag = k >= btf.KindEnum64 })
		m.decide(fieldInfoMask, by, func(r *Rules) { r.InfoMask = infoMask(k) })
		m.between(k >= btf.KindFloat, Version{5, 13, 0}, Version{5, 12, lastPatch}, by)
		m.between(k >= btf.KindDeclTag, Version{5, 16, 0}, Version{5, 15, lastPatch}, by)
		m.between(k >= btf.KindTypeTag, Version{5, 17, 0}, Version{5, 16, lastPatch}, by)
		m.between(k >= btf.KindEnum64, Version{6, 0, 0}, Version{5, 19, lastPatch}, by)
	}
	if k, ok := f.kindMax.get(); ok && k >= uint32(btf.KindDatasec) && k <= uint32(btf.KindEnum64) {
		kinds(btf.Kind(k), fmt.Sprintf("enumerator BTF_KIND_MAX is %d", k))
	} else if !f.kindMax.known { // before 5.16 the kinds are macros
		whole := f.all(kindChecks)
		switch {
		case f.functions[funcEnum64]: // a backport
			kinds(btf.KindEnum64, "FUNC "+funcEnum64)
		case f.functions[funcDeclTag]: // likewise; TYPE_TAG has no check of its own
			m.atLeast(Version{5, 16, 0}, "FUNC "+funcDeclTag)
		case f.functions[funcFloat] && whole:
			kinds(btf.KindFloat, "no FUNC "+funcDeclTag)
		case f.functions[funcFloat]:
			m.atLeast(Version{5, 13, 0}, "FUNC "+funcFloat)
		case whole:
			kinds(btf.KindDatasec, "no FUNC "+funcFloat)
		}
	}
	n, ok := f.vlenMax.get()
	by := fmt.Sprintf("enumerator BTF_MAX_VLEN is %#x", n)
	switch {
	case ok && n > 0xffff:
		m.decide(fieldInfoMask, by, func(r *Rules) { r.InfoMask = 0 })
		m.atLeast(Version{7, 2, 0}, by)
	case f.kindMax.known && !f.vlenMax.known: // a macro until then
		m.atMost(Version{7, 1, lastPatch}, "no enumerator BTF_MAX_VLEN")
	}
}

// infoMask is the mask of a kernel that has one: with FLOAT the kind got its
// fifth bit.
func infoMask(k btf.Kind) uint32 {
	if k > btf.KindDatasec {
		return 0x9f00ffff
	}
	return 0x8f00ffff
}

// readNames finds what names may be.
func (m *marks) readNames(f *markerTypes) {
	if n, ok := f.nameLen.get(); ok && n >= 128 && n <= btf.MaxName {
		m.decide(fieldNameLen, fmt.Sprintf("name of STRUCT bpf_ksym has %d bytes", n), func(r *Rules) { r.NameLen = int(n) })
	}
	if dotOK, ok := f.dotOK.get(); ok {
		m.readNameCheck(f, dotOK)
	}
}

// readNameCheck is for a base that has __btf_name_valid, as kernels up to 6.11 can.
// Its dot_ok is set only for VAR and DATASEC. A section's name goes the same way as
// others until 6.8.
func (m *marks) readNameCheck(f *markerTypes, dotOK bool) {
	by, last := "FUNC "+funcNameIsValid+" without dot_ok", Version{6, 11, lastPatch}
	if dotOK {
		by, last = "FUNC "+funcNameIsValid+" has dot_ok", Version{6, 3, lastPatch}
	}
	m.atMost(last, by)
	m.decide(fieldDots, by, func(r *Rules) { r.Dots = !dotOK })
	token, known := f.levels[levelToken].get()
	if !dotOK {
		by += ", no enumerator " + levels[levelToken].enumerator
	}
	if dotOK || known && !token {
		m.decide(fieldSectionName, by, func(r *Rules) { r.SectionName = SectionIdentifier })
	}
}

// readModule finds what the module loader keeps for the BTF reader
// (find_module_sections in kernel/module/main.c).
func (m *marks) readModule(f *markerTypes) {
	data, ok := f.moduleBTF.get()
	if !ok {
		return
	}
	with := func(there bool, member string) string {
		if there {
			return "STRUCT module has " + member
		}
		return "STRUCT module has no " + member
	}
	m.decide(fieldModuleBTF, with(data, "btf_data"), func(r *Rules) { r.ModuleBTF = data })
	if data {
		m.atLeast(Version{5, 11, 0}, with(data, "btf_data"))
	}
	base, ok := f.moduleBase.get()
	if !ok || !data {
		return
	}
	by := with(base, "btf_base_data")
	m.decide(fieldDistilled, by, func(r *Rules) { r.Distilled = base })
	m.between(base, Version{6, 11, 0}, Version{6, 10, lastPatch}, by)
}
