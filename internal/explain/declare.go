// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Bounds on declarations: a table may hold a million functions of a thousand
// parameters each.
const (
	longest    = 500      // bytes of one declaration, about
	allLongest = 32 << 20 // of all those of a table
)

// writer writes types of one side as C does.
type writer struct {
	s     *side
	sizes uint64 // of a pointer
	spent int    // bytes of all declarations
	left  int    // bytes for this one

	named      bool              // write the names of parameters
	signatures map[uint32]string // of prototypes, without the names of parameters
}

func newWriter(s *side, pointer uint64) *writer {
	return &writer{s: s, sizes: pointer, signatures: map[uint32]string{}}
}

// declare writes a declaration of what is called name, or the type alone for "".
func (w *writer) declare(id uint32, name string) string {
	if w.spent > allLongest {
		return strings.TrimSpace("... " + name)
	}
	w.left = longest
	out := w.c(id, name, 0)
	w.spent += len(out)
	return out
}

// signature writes a prototype's parameters, and what it returns unless that is
// nothing or an int: "(u8, struct i2c_msg *)", "(void) returns bool".
func (w *writer) signature(proto uint32) string {
	if out, ok := w.signatures[proto]; ok && !w.named {
		return out
	}
	t := w.s.typ(proto)
	if proto == missing || t.Kind() != btf.KindFuncProto || w.spent > allLongest {
		return ""
	}
	w.left = longest
	out := w.params(t, 0)
	switch ret := w.c(w.s.to.of(proto)[0], "", 0); ret {
	case "void", "int":
	default:
		out += " returns " + ret
	}
	w.spent += len(out)
	if !w.named {
		w.signatures[proto] = out
	}
	return out
}

// c puts a type around a declarator, from the inside out.
func (w *writer) c(id uint32, decl string, depth int) string {
	var quals []string // waiting for what they qualify
	whole := func(words ...string) string {
		words = append(quals, words...)
		if decl != "" {
			words = append(words, decl)
		}
		return strings.Join(words, " ")
	}
	for range maxChain {
		if id == missing {
			return whole("(missing)")
		}
		if w.left -= 4; w.left < 0 {
			return whole("...")
		}
		t := w.s.typ(id)
		name := w.s.name(t.NameOff)
		if name == "" {
			name = "{...}"
		}
		refs := w.s.to.of(id)
		switch k := t.Kind(); k {
		case btf.KindVoid:
			return whole("void")
		case btf.KindPtr:
			decl = strings.TrimRight("*"+strings.Join(append(quals, decl), " "), " ")
			quals = nil
		case btf.KindArray:
			if strings.HasPrefix(decl, "*") {
				decl = "(" + decl + ")"
			}
			decl += "[" + strconv.FormatUint(uint64(t.Array().Len), 10) + "]"
		case btf.KindFuncProto:
			if strings.HasPrefix(decl, "*") {
				decl = "(" + decl + ")"
			}
			decl += w.params(t, depth+1)
		case btf.KindConst, btf.KindVolatile, btf.KindRestrict:
			if word := strings.ToLower(k.String()); !slices.Contains(quals, word) {
				quals = append(quals, word)
			}
		case btf.KindTypeTag:
		case btf.KindInt, btf.KindFloat, btf.KindTypedef:
			w.left -= len(name)
			return whole(name)
		default:
			w.left -= len(name)
			return whole(kindWord(t), name)
		}
		id = refs[0]
	}
	return whole("...")
}

func (w *writer) params(t btf.Type, depth int) string {
	n := int(t.Vlen())
	switch {
	case depth > 3:
		return "(...)"
	case n == 0:
		return "(void)"
	}
	refs := w.s.to.of(uint32(t.ID))
	var list []string
	for i := range n {
		if w.left < 0 {
			list = append(list, fmt.Sprintf("... %d more", n-i))
			break
		}
		if i == n-1 && refs[i+1] == 0 {
			list = append(list, "...")
			break
		}
		name := ""
		if w.named && depth == 0 {
			name = w.s.name(t.Param(i).NameOff)
		}
		list = append(list, w.c(refs[i+1], name, depth))
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// heading is what stands for a whole type on one line, without kind and name: a
// function's signature, what a typedef or variable is, a size.
func (w *writer) heading(id uint32) string {
	t := w.s.typ(id)
	refs := w.s.to.of(id)
	switch t.Kind() {
	case btf.KindFunc:
		if refs[0] == missing || w.s.typ(refs[0]).Kind() != btf.KindFuncProto {
			return "of " + w.declare(refs[0], "")
		}
		return w.signature(refs[0])
	case btf.KindFuncProto:
		return w.signature(id)
	case btf.KindTypedef, btf.KindVar:
		return w.declare(refs[0], "")
	case btf.KindEnum, btf.KindEnum64:
		if w.s.named[id] {
			return prose.Several(int(t.SizeType), "byte")
		}
		return w.values(t)
	case btf.KindInt:
		out := prose.Several(int(t.SizeType), "byte")
		word := t.Word(0)
		for i, encoding := range []string{"signed", "char", "bool"} {
			if word>>24&(1<<i) != 0 {
				out += ", " + encoding
			}
		}
		if n := word & 0xff; n != 8*t.SizeType || word>>16&0xff != 0 {
			out += fmt.Sprintf(", %d bits at %d", n, word>>16&0xff)
		}
		return out
	case btf.KindStruct, btf.KindUnion, btf.KindFloat, btf.KindDatasec:
		return prose.Several(int(t.SizeType), "byte")
	case btf.KindFwd:
		return "declared only"
	case btf.KindDeclTag:
		return w.s.name(t.NameOff) + " of " + w.called(refs[0])
	case btf.KindPtr, btf.KindArray, btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindTypeTag:
		return w.declare(id, "")
	}
	return ""
}

// values names the first values of an enum, by which one without a name is known.
func (w *writer) values(t btf.Type) string {
	var names []string
	for i := range min(int(t.Vlen()), 3) {
		names = append(names, w.s.name(t.Enumerator(i).NameOff))
	}
	if int(t.Vlen()) > len(names) {
		names = append(names, "...")
	}
	return "{" + strings.Join(names, ", ") + "}"
}

// called is kind and name of a named type.
func (w *writer) called(id uint32) string {
	if id == missing || id == 0 || !w.s.named[id] {
		return w.declare(id, "")
	}
	t := w.s.typ(id)
	return kindWord(t) + " " + w.s.name(t.NameOff)
}

// owner names the first named type that a type without a name is part of, "" if
// there is none.
func (w *writer) owner(id uint32) string {
	for range maxChain {
		from := w.s.from.of(id)
		if len(from) == 0 {
			return ""
		}
		id = from[0]
		if w.s.named[id] {
			return w.called(id)
		}
	}
	return ""
}

// size is the bytes that a value of the type takes, 0 if it has no size.
func (w *writer) size(id uint32) uint64 {
	n, _ := w.s.t.Size(btf.TypeID(id), w.sizes)
	return n
}
