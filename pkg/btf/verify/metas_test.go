// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

type writer = *btftest.Writer

// since is the answers of kernels that know a kind from one version on. Older
// ones refuse the info word, or from 5.13 on the kind.
func since(version string, kind btf.Kind, info uint32, wants ...want) []want {
	out := []want{plain("5.11", fmt.Sprintf("[4] Invalid btf_info:%x", info))}
	if version != "5.13" {
		out = append(out, plain("5.13", fmt.Sprintf("[4] Invalid kind:%d", kind)))
	}
	return append(out, wants...)
}

// wide adds the answer of kernels before 7.2 to an info word of bits they do not
// have.
func wide(info uint32, wants ...want) []want {
	return append([]want{plain("5.11", fmt.Sprintf("[4] Invalid btf_info:%x", info))}, wants...)
}

// record is a row with one record; its name, where it has one, is "n" at 10.
func record(name string, nameOff, info, sizeType uint32, extra []uint32, wants ...want) row {
	return row{name: name, wants: wants, add: func(m writer) {
		m.NewString("n")
		m.Record(nameOff, info, sizeType, extra...)
	}}
}

const (
	n    = firstString     // "n" in a record row
	past = firstString + 2 // behind its strings
)

const (
	vlen    = "vlen != 0"
	kflag   = "Invalid btf_info kind_flag"
	badName = "Invalid name"
	badID   = "Invalid type_id"
)

// TestRecordRules holds what is asked of every record, whatever its kind.
func TestRecordRules(t *testing.T) {
	run(t, []row{
		{name: "eleven bytes", add: func(m writer) { m.Raw(make([]byte, 11)...) }, wants: []want{plain("5.11", "[4] meta_left:11 meta_needed:12")}},
		{name: "second record cut", add: func(m writer) { m.Ptr(1); m.Raw(0) }, wants: []want{plain("5.11", "[5] meta_left:1 meta_needed:12")}},
		record("info bit 16", 0, 0x02010000, 1, nil, wide(0x02010000, typed("7.2", "[4] PTR (anon) |type_id=1| |"+vlen+"|"))...),
		record("info bit 23", 0, 0x02800000, 1, nil, wide(0x02800000, typed("7.2", "[4] PTR (anon) |type_id=1| |"+vlen+"|"))...),
		record("info bit 29", 0, 0x22000000, 1, nil, wide(0x22000000, plain("7.2", "[4] Invalid kind:34"))...),
		record("info bit 30", 0, 0x42000000, 1, nil, wide(0x42000000, plain("7.2", "[4] Invalid kind:66"))...),
		record("info before kind", 0, 0x40000000, 1, nil, wide(0x40000000, plain("7.2", "[4] Invalid kind:64"))...),
		record("kind 0", 0, 0, 1, nil, plain("5.11", "[4] Invalid kind:0")),
		record("kind 20", 0, 20<<24, 1, nil, since("6.0", 20, 20<<24)...),
		record("kind before name", past, 0, 1, nil, plain("5.11", "[4] Invalid kind:0")),
		record("name past the end", past, 0x02000000, 1, nil, plain("5.11", "[4] Invalid name_offset:12")),
		record("name past 16 MiB", 0x1000000, 0x02000000, 1, nil, plain("5.11", "[4] Invalid name_offset:16777216")),
		record("name of all ones", 0xffffffff, 0x02000000, 1, nil, plain("5.11", "[4] Invalid name_offset:4294967295")),
		record("name before extra bytes", past, btftest.Info(btf.KindInt, 0, false), 4, nil, plain("5.11", "[4] Invalid name_offset:12")),
		{name: "the first of two", add: func(m writer) { m.Record(0, 0, 0); m.Raw(0) }, wants: []want{plain("5.11", "[4] Invalid kind:0")}},
	})
}

// TestExtraBytes holds that a record without the bytes its kind wants is refused
// with both figures.
func TestExtraBytes(t *testing.T) {
	cut := func(kind btf.Kind, n int, head, figures string, from string) row {
		info := btftest.Info(kind, n, false)
		wants := []want{typed("5.11", "[4] "+head+"| |"+figures+"|")}
		if from != "5.11" {
			wants = since(from, kind, info, typed(from, "[4] "+head+"| |"+figures+"|"))
		}
		r := record(kind.String(), firstString, info, 4, nil, wants...)
		add := r.add
		r.add = func(m writer) { add(m); m.Raw(1, 2, 3) }
		return r
	}
	run(t, []row{
		cut(btf.KindInt, 0, "INT n", "meta_left:3 meta_needed:4", "5.11"),
		cut(btf.KindArray, 0, "ARRAY n", "meta_left:3 meta_needed:12", "5.11"),
		cut(btf.KindStruct, 2, "STRUCT n", "meta_left:3 meta_needed:24", "5.11"),
		cut(btf.KindUnion, 0xffff, "UNION n", "meta_left:3 meta_needed:786420", "5.11"),
		cut(btf.KindEnum, 1, "ENUM n", "meta_left:3 meta_needed:8", "5.11"),
		cut(btf.KindFuncProto, 3, "FUNC_PROTO n", "meta_left:3 meta_needed:24", "5.11"),
		cut(btf.KindVar, 0, "VAR n", "meta_left:3 meta_needed:4", "5.11"),
		cut(btf.KindDatasec, 1, "DATASEC n", "meta_left:3 meta_needed:12", "5.11"),
		cut(btf.KindDeclTag, 0, "DECL_TAG n", "meta_left:3 meta_needed:4", "5.16"),
		cut(btf.KindEnum64, 1, "ENUM64 n", "meta_left:3 meta_needed:12", "6.0"),
	})
}

// TestScalarRules holds the rules of INT, FLOAT, ENUM and ENUM64.
func TestScalarRules(t *testing.T) {
	info := btftest.Info
	intRow := func(name string, vl int, flag bool, size, data uint32, wants ...want) row {
		return record("INT "+name, n, info(btf.KindInt, vl, flag), size, []uint32{data}, wants...)
	}
	floatRow := func(name string, off uint32, vl int, flag bool, size uint32, wants ...want) row {
		i := info(btf.KindFloat, vl, flag)
		return record("FLOAT "+name, off, i, size, nil, since("5.13", btf.KindFloat, i, wants...)...)
	}
	enumRow := func(name string, off uint32, flag bool, size uint32, extra []uint32, wants ...want) row {
		return record("ENUM "+name, off, info(btf.KindEnum, len(extra)/2, flag), size, extra, wants...)
	}
	enum64Row := func(name string, off uint32, flag bool, size uint32, extra []uint32, wants ...want) row {
		i := info(btf.KindEnum64, len(extra)/3, flag)
		return record("ENUM64 "+name, off, i, size, extra, since("6.0", btf.KindEnum64, i, wants...)...)
	}
	unsupported := want{"5.11", verify.ENOTSUP, "[4] INT n |size=4 bits_offset=0 nr_bits=32 encoding=UNKN| |Unsupported encoding|", true}
	run(t, []row{
		intRow("good", 0, false, 4, 1<<24|32, ok("5.11")),
		intRow("no name", 0, false, 4, 32, ok("5.11")),
		intRow("vlen", 1, true, 4, 1<<24|32, typed("5.11", "[4] INT n |size=4 bits_offset=0 nr_bits=32 encoding=SIGNED| |"+vlen+"|")),
		intRow("kind flag", 0, true, 4, 0xf2000020, typed("5.11", "[4] INT n |size=4 bits_offset=0 nr_bits=32 encoding=CHAR| |"+kflag+"|")),
		intRow("data", 0, false, 4, 0x10000020, typed("5.11", "[4] INT n| |Invalid int_data:10000020|")),
		intRow("128 bits", 0, false, 16, 128, ok("5.11")),
		intRow("129 bits", 0, false, 17, 129, typed("5.11", "[4] INT n |size=17 bits_offset=0 nr_bits=129 encoding=(none)| |nr_bits exceeds 128|")),
		intRow("129 bits with the offset", 0, false, 17, 4<<24|1<<16|128, typed("5.11", "[4] INT n |size=17 bits_offset=1 nr_bits=128 encoding=BOOL| |nr_bits exceeds 128|")),
		intRow("more bits than bytes", 0, false, 4, 33, typed("5.11", "[4] INT n |size=4 bits_offset=0 nr_bits=33 encoding=(none)| |nr_bits exceeds type_size|")),
		intRow("no size", 0, false, 0, 1, typed("5.11", "[4] INT n |size=0 bits_offset=0 nr_bits=1 encoding=(none)| |nr_bits exceeds type_size|")),
		intRow("encoding 3", 0, false, 4, 3<<24|32, unsupported),
		intRow("encoding 8", 0, false, 4, 8<<24|32, unsupported),
		intRow("encoding 4", 0, false, 1, 4<<24|8, ok("5.11")),
		record("INT name of any bytes", 4, info(btf.KindInt, 0, false), 4, []uint32{32}, ok("5.11")),

		floatRow("good", n, 0, false, 8, ok("5.13")),
		floatRow("no name", 0, 0, false, 16, ok("5.13")),
		floatRow("vlen", n, 1, true, 4, typed("5.13", "[4] FLOAT n |size=4| |"+vlen+"|")),
		floatRow("kind flag", n, 0, true, 4, typed("5.13", "[4] FLOAT n |size=4| |"+kflag+"|")),
		floatRow("size", n, 0, false, 6, typed("5.13", "[4] FLOAT n |size=6| |Invalid type_size|")),
		floatRow("2 bytes", n, 0, false, 2, ok("5.13")),
		floatRow("12 bytes", n, 0, false, 12, ok("5.13")),

		enumRow("good", n, false, 4, []uint32{n, 1}, ok("5.11")),
		enumRow("anonymous, no values", 0, false, 4, nil, ok("5.11")),
		enumRow("kind flag", n, true, 4, []uint32{n, 1}, typed("5.11", "[4] ENUM n |size=4 vlen=1| |"+kflag+"|"), ok("6.0")),
		enumRow("size", n, false, 3, []uint32{n, 1}, typed("5.11", "[4] ENUM n |size=3 vlen=1| |Unexpected size|")),
		enumRow("size 0", n, false, 0, nil, typed("5.11", "[4] ENUM n |size=0 vlen=0| |Unexpected size|")),
		enumRow("size 16", n, false, 16, nil, typed("5.11", "[4] ENUM n |size=16 vlen=0| |Unexpected size|")),
		enumRow("size before name", 4, false, 3, nil, typed("5.11", "[4] ENUM  |size=3 vlen=0| |Unexpected size|")),
		enumRow("name", 4, false, 1, nil, typed("5.11", "[4] ENUM  |size=1 vlen=0| |"+badName+"|")),
		enumRow("value's name past the end", n, false, 4, []uint32{n, 1, past, 2}, plain("5.11", "\tInvalid name_offset:12")),
		enumRow("value without name", n, false, 4, []uint32{n, 1, 0, 2}, typed("5.11", "[4] ENUM n |size=4 vlen=2| |"+badName+"|")),
		enumRow("value's name", n, false, 4, []uint32{4, 1}, typed("5.11", "[4] ENUM n |size=4 vlen=1| |"+badName+"|")),

		enum64Row("good", n, false, 8, []uint32{n, 1, 1}, ok("6.0")),
		enum64Row("kind flag", n, true, 8, []uint32{n, 1, 1}, ok("6.0")),
		enum64Row("size", n, false, 5, []uint32{n, 1, 1}, typed("6.0", "[4] ENUM64 n |size=5 vlen=1| |Unexpected size|")),
		enum64Row("name", 4, false, 8, nil, typed("6.0", "[4] ENUM64  |size=8 vlen=0| |"+badName+"|")),
		enum64Row("value's name past the end", n, false, 8, []uint32{past, 2, 0}, plain("6.0", "\tInvalid name_offset:12")),
		enum64Row("value without name", n, false, 8, []uint32{0, 2, 0}, typed("6.0", "[4] ENUM64 n |size=8 vlen=1| |"+badName+"|")),
	})
}

// TestReferenceRules holds the rules of the kinds that stand for another type.
func TestReferenceRules(t *testing.T) {
	info := btftest.Info
	var rows []row
	for _, k := range []btf.Kind{btf.KindPtr, btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindTypedef} {
		head := func(name string) string { return "[4] " + k.String() + " " + name + " " }
		good, name := uint32(0), "(anon)"
		if k == btf.KindTypedef {
			good, name = n, "n"
		}
		rows = append(rows,
			record(k.String()+" good", good, info(k, 0, false), 1, nil, ok("5.11")),
			record(k.String()+" void", good, info(k, 0, false), 0, nil, ok("5.11")),
			record(k.String()+" vlen", good, info(k, 1, true), 1, nil, typed("5.11", head(name)+"|type_id=1| |"+vlen+"|")),
			record(k.String()+" kind flag", good, info(k, 0, true), 1<<20, nil, typed("5.11", head(name)+"|type_id=1048576| |"+kflag+"|")),
			record(k.String()+" id too high", 4, info(k, 0, false), 1<<20, nil, typed("5.11", head("")+"|type_id=1048576| |"+badID+"|")))
		if k == btf.KindTypedef {
			rows = append(rows,
				record("TYPEDEF no name", 0, info(k, 0, false), 1, nil, typed("5.11", head("(anon)")+"|type_id=1| |"+badName+"|")),
				record("TYPEDEF name", 4, info(k, 0, false), 1, nil, typed("5.11", head("")+"|type_id=1| |"+badName+"|")))
		} else {
			rows = append(rows, record(k.String()+" name", n, info(k, 0, false), 1, nil, typed("5.11", head("n")+"|type_id=1| |"+badName+"|")))
		}
	}
	tag := func(name string, off uint32, vl int, flag bool, id uint32, wants ...want) row {
		i := info(btf.KindTypeTag, vl, flag)
		return record("TYPE_TAG "+name, off, i, id, nil, since("5.17", btf.KindTypeTag, i, wants...)...)
	}
	decl := func(name string, off uint32, vl int, flag bool, component uint32, wants ...want) row {
		i := info(btf.KindDeclTag, vl, flag)
		return record("DECL_TAG "+name, off, i, 0xfffffff, []uint32{component}, since("5.16", btf.KindDeclTag, i, wants...)...)
	}
	array := func(name string, off uint32, vl int, flag bool, size, elem, index uint32, log string) row {
		w := ok("5.11")
		if log != "" {
			w = typed("5.11", "[4] ARRAY "+log+"|")
		}
		return record("ARRAY "+name, off, info(btf.KindArray, vl, flag), size, []uint32{elem, index, 9}, w)
	}
	run(t, append(rows,
		tag("good", n, 0, false, 1, ok("5.17")),
		tag("vlen", n, 1, true, 1, typed("5.17", "[4] TYPE_TAG n |type_id=1| |"+vlen+"|")),
		tag("kind flag", n, 0, true, 1, typed("5.17", "[4] TYPE_TAG n |type_id=1| |"+kflag+"|"), ok("6.15")),
		tag("id too high", n, 0, false, 1<<20, typed("5.17", "[4] TYPE_TAG n |type_id=1048576| |"+badID+"|")),
		tag("no name", 0, 0, false, 1, typed("5.17", "[4] TYPE_TAG (anon) |type_id=1| |"+badName+"|")),
		tag("empty name", 4, 0, false, 1, typed("5.17", "[4] TYPE_TAG  |type_id=1| |"+badName+"|")),

		decl("good, of a type that is not there", n, 0, false, 0xffffffff, ok("5.16")),
		decl("no value", 0, 1, true, 0, typed("5.16", "[4] DECL_TAG (anon) |type=268435455 component_idx=0| |Invalid value|")),
		decl("empty value", 4, 0, false, 0, typed("5.16", "[4] DECL_TAG  |type=268435455 component_idx=0| |Invalid value|")),
		decl("vlen", n, 1, true, 0, typed("5.16", "[4] DECL_TAG n |type=268435455 component_idx=0| |"+vlen+"|")),
		decl("kind flag", n, 0, true, 0, typed("5.16", "[4] DECL_TAG n |type=268435455 component_idx=0| |"+kflag+"|"), ok("6.15")),
		decl("component", n, 0, false, 0xfffffffe, typed("5.16", "[4] DECL_TAG n |type=268435455 component_idx=-2| |Invalid component_idx|")),

		array("good", 0, 0, false, 0, 1, 1, ""),
		array("of a type that is not there", 0, 0, false, 0, 0xfffff, 0xfffff, ""),
		array("name", n, 1, true, 0, 1, 1, "n |type_id=1 index_type_id=1 nr_elems=9| |"+badName),
		array("vlen", 0, 1, true, 0, 1, 1, "(anon) |type_id=1 index_type_id=1 nr_elems=9| |"+vlen),
		array("kind flag", 0, 0, true, 1, 1, 1, "(anon) |type_id=1 index_type_id=1 nr_elems=9| |"+kflag),
		array("size", 0, 0, false, 1, 0, 0, "(anon) |type_id=0 index_type_id=0 nr_elems=9| |size != 0"),
		array("void element", 0, 0, false, 0, 0, 0, "(anon) |type_id=0 index_type_id=0 nr_elems=9| |Invalid elem"),
		array("element too high", 0, 0, false, 0, 1<<20, 1, "(anon) |type_id=1048576 index_type_id=1 nr_elems=9| |Invalid elem"),
		array("void index", 0, 0, false, 0, 1, 0, "(anon) |type_id=1 index_type_id=0 nr_elems=9| |Invalid index"),
		array("index too high", 0, 0, false, 0, 1, 1<<20, "(anon) |type_id=1 index_type_id=1048576 nr_elems=9| |Invalid index"),

		record("FWD good", n, info(btf.KindFwd, 0, true), 0, nil, ok("5.11")),
		record("FWD vlen", 0, info(btf.KindFwd, 1, true), 1, nil, typed("5.11", "[4] FWD (anon) |union| |"+vlen+"|")),
		record("FWD type", 0, info(btf.KindFwd, 0, false), 1, nil, typed("5.11", "[4] FWD (anon) |struct| |type != 0|")),
		record("FWD no name", 0, info(btf.KindFwd, 0, false), 0, nil, typed("5.11", "[4] FWD (anon) |struct| |"+badName+"|")),
		record("FWD name", 4, info(btf.KindFwd, 0, false), 0, nil, typed("5.11", "[4] FWD  |struct| |"+badName+"|")),
	))
}

// TestCodeRules holds the rules of FUNC, FUNC_PROTO, VAR and DATASEC.
func TestCodeRules(t *testing.T) {
	info := btftest.Info
	proto := func(name string, args []uint32, log string) row {
		return record("FUNC_PROTO "+name, 0, info(btf.KindFuncProto, len(args)/2, true), 7, args,
			typed("5.11", "[4] FUNC_PROTO (anon) |return=7 args=(|"+log+")| |"+kflag+"|"))
	}
	variable := func(name string, off uint32, vl int, flag bool, id, linkage uint32, log string) row {
		w := ok("5.11")
		if log != "" {
			w = typed("5.11", "[4] VAR "+log+"|")
		}
		return record("VAR "+name, off, info(btf.KindVar, vl, flag), id, []uint32{linkage}, w)
	}
	section := func(name string, off uint32, flag bool, size uint32, entries []uint32, wants ...want) row {
		return record("DATASEC "+name, off, info(btf.KindDatasec, len(entries)/3, flag), size, entries, wants...)
	}
	run(t, []row{
		record("FUNC good, of a type that is not there", n, info(btf.KindFunc, 1, false), 0xffffffff, nil, ok("5.11")),
		record("FUNC no name", 0, info(btf.KindFunc, 2, true), 1, nil, typed("5.11", "[4] FUNC (anon) |type_id=1| |"+badName+"|")),
		record("FUNC name", 4, info(btf.KindFunc, 0, false), 1, nil, typed("5.11", "[4] FUNC  |type_id=1| |"+badName+"|")),
		record("FUNC linkage", n, info(btf.KindFunc, 2, true), 1, nil, typed("5.11", "[4] FUNC n |type_id=1| |Invalid func linkage|")),
		record("FUNC kind flag", n, info(btf.KindFunc, 1, true), 1, nil, typed("5.11", "[4] FUNC n |type_id=1| |"+kflag+"|")),

		record("FUNC_PROTO good, whatever its parameters", 0, info(btf.KindFuncProto, 1, false), 0xffffffff, []uint32{0xffffffff, 0xffffffff}, ok("5.11")),
		record("FUNC_PROTO name", n, info(btf.KindFuncProto, 0, true), 1, nil, typed("5.11", "[4] FUNC_PROTO n |return=1 args=(|void|)| |"+badName+"|")),
		proto("kind flag", nil, "void|"),
		proto("only ...", []uint32{0, 0}, "vararg|"),
		proto("one", []uint32{n, 5}, "5 n|"),
		proto("two", []uint32{n, 5, 0, 6}, "5 n|, 6 (anon)|"),
		proto("two and ...", []uint32{n, 5, 4, 6, 0, 0}, "5 n|, 6 |, vararg|"),
		proto("void between", []uint32{n, 0, n, 6}, "0 n|, 6 n|"),
		proto("name past the end", []uint32{past, 5}, "5 (invalid-name-offset)|"),

		variable("good", n, 0, false, 1, 1, ""),
		variable("of a type that is not there", n, 0, false, 0xfffff, 0, ""),
		variable("vlen", 0, 1, true, 1, 1, "(anon) |type_id=1 linkage=1| |"+vlen),
		variable("kind flag", 0, 0, true, 1, 1, "(anon) |type_id=1 linkage=1| |"+kflag),
		variable("no name", 0, 0, false, 0, 1, "(anon) |type_id=0 linkage=1| |"+badName),
		variable("name", 4, 0, false, 0, 1, " |type_id=0 linkage=1| |"+badName),
		variable("void", n, 0, false, 0, 2, "n |type_id=0 linkage=2| |"+badID),
		variable("id too high", n, 0, false, 1<<20, 2, "n |type_id=1048576 linkage=2| |"+badID),
		variable("linkage", n, 0, false, 1, 2, "n |type_id=1 linkage=2| |Linkage not supported"),

		section("good", n, false, 8, []uint32{1, 0, 4, 1, 4, 4}, ok("5.11")),
		section("one entry fills it", n, false, 8, []uint32{1, 0, 8}, ok("5.11")),
		section("no entries", n, false, 8, nil, typed("5.11", "[4] DATASEC n |size=8 vlen=0| |vlen == 0|"), ok("5.12")),
		section("no size", 0, true, 0, []uint32{1, 0, 1}, typed("5.11", "[4] DATASEC (anon) |size=0 vlen=1| |size == 0|")),
		section("kind flag", 0, true, 8, []uint32{1, 0, 1}, typed("5.11", "[4] DATASEC (anon) |size=8 vlen=1| |"+kflag+"|")),
		section("no name", 0, false, 8, []uint32{1, 0, 1}, typed("5.11", "[4] DATASEC (anon) |size=8 vlen=1| |"+badName+"|")),
		section("entry void", n, false, 8, []uint32{0, 9, 0}, plain("5.11", "\t type_id=0 offset=9 size=0| |"+badID+"|")),
		section("entry id too high", n, false, 8, []uint32{1 << 20, 0, 4}, plain("5.11", "\t type_id=1048576 offset=0 size=4| |"+badID+"|")),
		section("entry inside the one before", n, false, 8, []uint32{1, 0, 4, 1, 3, 0}, plain("5.11", "\t type_id=1 offset=3 size=0| |Invalid offset|")),
		section("entry behind the section", n, false, 8, []uint32{1, 8, 0}, plain("5.11", "\t type_id=1 offset=8 size=0| |Invalid offset|")),
		section("entry without size", n, false, 8, []uint32{1, 7, 0}, plain("5.11", "\t type_id=1 offset=7 size=0| |Invalid size|")),
		section("entry larger than the section", n, false, 8, []uint32{1, 0, 9}, plain("5.11", "\t type_id=1 offset=0 size=9| |Invalid size|")),
		section("entry over the end", n, false, 8, []uint32{1, 7, 2}, plain("5.11", "\t type_id=1 offset=7 size=2| |Invalid offset+size|")),
		// The end wraps to 0, so only the sum of sizes tells.
		section("entries larger than the section", n, false, 0xffffffff, []uint32{1, 2, 0xfffffffe, 1, 2, 0xfffffffd},
			typed("5.11", "[4] DATASEC n |size=4294967295 vlen=2| |Invalid btf_info size|")),
	})
}

// TestMemberRules holds the rules of STRUCT and UNION. A member's own size and
// whether its type is there are not asked.
func TestMemberRules(t *testing.T) {
	member := func(name string, kind btf.Kind, flag bool, size uint32, members []uint32, log string) row {
		w := ok("5.11")
		if log != "" {
			w = typed("5.11", "\t"+log+"|")
		}
		return record(kind.String()+" "+name, n, btftest.Info(kind, len(members)/3, flag), size, members, w)
	}
	const s, u = btf.KindStruct, btf.KindUnion
	info := btftest.Info
	run(t, []row{
		record("STRUCT anonymous", 0, info(s, 0, false), 0, nil, ok("5.11")),
		record("STRUCT name", 4, info(s, 0, true), 4, nil, typed("5.11", "[4] STRUCT  |size=4 vlen=0| |"+badName+"|")),
		record("UNION name", 4, info(u, 0, false), 4, nil, typed("5.11", "[4] UNION  |size=4 vlen=0| |"+badName+"|")),
		member("good", s, false, 8, []uint32{n, 0xfffff, 0, 0, 1, 0, n, 1, 64}, ""),
		member("good bitfields", s, true, 1, []uint32{n, 1, 3 << 24, n, 1, 99<<24 | 8}, ""),
		member("member's name past the end", s, false, 4, []uint32{past, 0, 0}, "(invalid-name-offset) type_id=0 bits_offset=0| |Invalid member name_offset:12"),
		member("member's name past 16 MiB", s, true, 4, []uint32{0x1000000, 1, 1<<24 | 2}, "(invalid-name-offset) type_id=1 bitfield_size=1 bits_offset=2| |Invalid member name_offset:16777216"),
		member("member's name", s, false, 4, []uint32{4, 0, 0}, " type_id=0 bits_offset=0| |"+badName),
		member("void member", s, true, 4, []uint32{n, 0, 7<<24 | 5}, "n type_id=0 bitfield_size=7 bits_offset=5| |"+badID),
		member("member's id too high", s, false, 4, []uint32{0, 1 << 20, 99}, "(anon) type_id=1048576 bits_offset=99| |"+badID),
		member("members out of order", s, false, 4, []uint32{n, 1, 16, n, 1, 15}, "n type_id=1 bits_offset=15| |Invalid member bits_offset"),
		member("two members in one place", s, false, 4, []uint32{n, 1, 16, n, 1, 16}, ""),
		member("member behind the end", s, false, 4, []uint32{n, 1, 33}, "n type_id=1 bits_offset=33| |Member bits_offset exceeds its struct size"),
		member("member at the end", s, false, 4, []uint32{n, 1, 32}, ""),
		member("offset of 32 bits", s, false, 4, []uint32{n, 1, 0xffffffff}, "n type_id=1 bits_offset=4294967295| |Member bits_offset exceeds its struct size"),
		member("good", u, false, 0, []uint32{n, 1, 0, n, 1, 0}, ""),
		member("member not at 0", u, false, 4, []uint32{n, 1, 8}, "n type_id=1 bits_offset=8| |Invalid member bits_offset"),
		member("bitfield at 0", u, true, 4, []uint32{n, 1, 8 << 24}, ""),
	})
}

// TestNameRules holds which bytes make a name, and how the log shows those that
// are not ASCII.
func TestNameRules(t *testing.T) {
	typedef := func(name, s string, wants ...want) row {
		return row{name: name, wants: wants, add: func(m writer) { m.Record(m.NewString(s), btftest.Info(btf.KindTypedef, 0, false), 1) }}
	}
	refused := func(from, shown string) want {
		return typed(from, "[4] TYPEDEF "+shown+" |type_id=1| |"+badName+"|")
	}
	section := func(name, s string, wants ...want) row {
		return row{name: name, wants: wants, add: func(m writer) { m.Record(m.NewString(s), btftest.Info(btf.KindDatasec, 1, false), 1, 1, 0, 1) }}
	}
	noSection := func(from, shown string) want {
		return typed(from, "[4] DATASEC "+shown+" |size=1 vlen=1| |"+badName+"|")
	}
	a := func(n int) string { return strings.Repeat("a", n) }
	run(t, []row{
		typedef("letters and digits", "_aZ09", ok("5.11")),
		typedef("digit first", "1a", refused("5.11", "1a")),
		typedef("blank", "a b", refused("5.11", "a b")),
		typedef("dot inside", "a.b", refused("5.11", "a.b"), ok("6.4")),
		typedef("dot first", ".a", refused("5.11", ".a"), ok("6.4")),
		typedef("Latin-1 letters", "\xc0\xd6\xd8\xf6\xf8\xff", ok("5.11")),
		typedef("multiplication sign", "a\xd7", refused("5.11", `a\xd7`)),
		typedef("division sign", "\xf7", refused("5.11", `\xf7`)),
		typedef("UTF-8", "\u00e4", refused("5.11", `\xc3\xa4`)),
		typedef("control characters", "a\x01\x7f\t", refused("5.11", `a\x01\x7f`+"\t")),
		typedef("128 bytes", a(128), ok("5.11")),
		typedef("129 bytes", a(129), refused("5.11", a(129)), ok("6.1")),
		typedef("512 bytes", a(512), refused("5.11", a(512)), ok("6.1")),
		typedef("513 bytes", a(513), refused("5.11", a(513))),
		typedef("longer than a line of the log", a(1100), typed("5.11", "[4] TYPEDEF "+a(1023-12)+"|type_id=1| |"+badName+"|")),
		{name: "the rest of a base's string", wants: []want{ok("5.11")},
			add: func(m writer) { m.Record(2, btftest.Info(btf.KindTypedef, 0, false), 1) }},

		{name: "VAR with dots", wants: []want{ok("5.11")}, add: func(m writer) { m.Var(".a.b", 1, 0) }},
		section("identifier", ".data..percpu", ok("5.11")),
		section("blank inside", "a b", noSection("5.11", "a b"), ok("6.9")),
		section("blank first", " a", noSection("5.11", " a"), ok("6.9")),
		section("0xa0", "a\xa0", noSection("5.11", `a\xa0`), ok("6.9")),
		section("control character first", "\x01a", noSection("5.11", `\x01a`), ok("6.9"), noSection("6.11", `\x01a`)),
		section("control character inside", "a\x01", noSection("5.11", `a\x01`)),
		section("0x9f", "a\x9f", noSection("5.11", `a\x9f`)),
		section("empty, at the end", "", noSection("5.11", ""), ok("6.9"), noSection("6.11", "")),
		// 6.9 to 6.10.9 read past the end of the empty name, into the next.
		section("empty, before one that is printable", "\x00a b", noSection("5.11", ""), ok("6.9"), noSection("6.11", "")),
		section("empty, before one that is not", "\x00a\x01", noSection("5.11", "")),
		section("129 bytes", a(129), noSection("5.11", a(129)), ok("6.1")),
		section("512 bytes, first not printable", "\x01"+a(511), noSection("5.11", `\x01`+a(511)), ok("6.9"), noSection("6.11", `\x01`+a(511))),
		section("513 bytes", a(513), noSection("5.11", a(513))),
	})
}
