// SPDX-License-Identifier: Apache-2.0

package btf

import (
	"fmt"
	"strings"
)

// Describe names a type in a few words, as C writes it where it can:
// "const struct usb_device *", "char [16]", "FUNC i2c_add_driver". It works on
// tables that are misread too, and says where an id leads nowhere.
func (t *Table) Describe(id TypeID) string {
	decl := ""         // what C writes behind the type: stars and dimensions
	var quals []string // const and the like, waiting for what they qualify
	named := func(words ...string) string {
		if decl != "" {
			words = append(words, decl)
		}
		return strings.Join(append(quals, words...), " ")
	}
	for range maxDepth {
		typ, ok := t.Type(id)
		if !ok {
			return named(fmt.Sprintf("type [%d], which does not exist,", id))
		}
		name := t.Name(typ)
		if name == "" {
			name = "(anon)"
		}
		id = TypeID(typ.SizeType)
		switch k := typ.Kind(); k {
		case KindVoid:
			return named("void")
		case KindPtr:
			decl = strings.TrimRight("*"+strings.Join(append(quals, decl), " "), " ")
			quals = nil
		case KindArray:
			if strings.HasPrefix(decl, "*") {
				decl = "(" + decl + ")"
			}
			decl = fmt.Sprintf("%s[%d]", decl, typ.Array().Len)
			id = typ.Array().Elem
		case KindConst, KindVolatile, KindRestrict:
			quals = append(quals, strings.ToLower(k.String()))
		case KindTypeTag:
		case KindStruct, KindUnion, KindEnum:
			return named(strings.ToLower(k.String()), name)
		case KindEnum64:
			return named("enum", name)
		case KindFwd:
			if typ.KindFlag() {
				return named("union", name)
			}
			return named("struct", name)
		case KindInt, KindFloat, KindTypedef:
			return named(name)
		case KindFuncProto:
			if typ.Vlen() == 1 {
				return named("function of 1 parameter")
			}
			return named(fmt.Sprintf("function of %d parameters", typ.Vlen()))
		default:
			return named(k.String(), name)
		}
	}
	return named("endless type")
}
