// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// words puts differences into words: places by what they are called on the base
// that the module was built on, since that is what its source calls them.
type words struct {
	built, read *btf.Table
	funcs       map[btf.TypeID]string // FUNC names by their FUNC_PROTO, found when first needed
}

func (w *words) name(t btf.Type, ref btf.NameRef, was, reads []byte, ok bool) Difference {
	d := Difference{Where: ref.String() + " of " + w.holder(t), Was: quote(was), Reads: quote(reads)}
	switch {
	case !ok:
		d.Reads = "nothing, past the end of the strings"
	case ref.Role == btf.RoleName:
		d.Where = "name of " + w.holder(t)
	}
	return d
}

func (w *words) typ(t btf.Type, ref btf.TypeRef) Difference {
	return Difference{w.place(t, ref), w.built.Describe(ref.ID), w.read.Describe(ref.ID)}
}

func (w *words) definition(t btf.Type, ref btf.TypeRef) Difference {
	name := w.built.Describe(ref.ID)
	return Difference{w.place(t, ref), name, name + " with another definition"}
}

func (w *words) place(t btf.Type, ref btf.TypeRef) string {
	holder := w.holder(t)
	switch ref.Role {
	case btf.RoleMember:
		if name := w.built.String(t.Member(ref.Index).NameOff); name != "" {
			return "member " + name + " of " + holder
		}
	case btf.RoleParam:
		if name := w.built.String(t.Param(ref.Index).NameOff); name != "" {
			return fmt.Sprintf("param %d (%s) of %s", ref.Index+1, name, holder)
		}
		return fmt.Sprintf("param %d of %s", ref.Index+1, holder)
	}
	return ref.String() + " of " + holder
}

// holder names the type that makes the reference; a function's prototype, which
// has no name, is called by the function.
func (w *words) holder(t btf.Type) string {
	switch t.Kind() {
	case btf.KindFunc:
		return "FUNC " + w.built.Name(t)
	case btf.KindFuncProto:
		if name, ok := w.prototypes()[t.ID]; ok {
			return name
		}
		return fmt.Sprintf("prototype [%d]", t.ID)
	}
	return w.built.Describe(t.ID)
}

func (w *words) prototypes() map[btf.TypeID]string {
	if w.funcs == nil {
		w.funcs = map[btf.TypeID]string{}
		for t := range w.built.Types() {
			proto := btf.TypeID(t.SizeType)
			if _, known := w.funcs[proto]; t.Kind() == btf.KindFunc && !known {
				w.funcs[proto] = w.built.Name(t)
			}
		}
	}
	return w.funcs
}

func quote(s []byte) string { return fmt.Sprintf("%q", s) }
