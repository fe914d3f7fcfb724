// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// Target is a vmlinux that modules are relocated onto. It finds types by name in an
// index, which is made once, for the first module. It may be used by several
// goroutines at once.
type Target struct {
	vmlinux *btf.Table
	rules   verify.Rules
	index   func() map[string][]btf.TypeID
}

// Onto makes a target of a vmlinux and the rules of its kernel.
func Onto(vmlinux *btf.Table, rules verify.Rules) *Target {
	t := &Target{vmlinux: vmlinux, rules: rules}
	t.index = sync.OnceValue(func() map[string][]btf.TypeID {
		byName := make(map[string][]btf.TypeID, vmlinux.Len()/4)
		for typ := range vmlinux.Types() {
			if typ.NameOff == 0 || !matchable(typ.Kind()) {
				continue
			}
			name, _ := vmlinux.Bytes(typ.NameOff)
			byName[string(name)] = append(byName[string(name)], typ.ID)
		}
		return byName
	})
	return t
}

// named lists the types of a name whose kind could match, by ascending id.
func (t *Target) named(name string) []btf.Type {
	ids := t.index()[name]
	out := make([]btf.Type, len(ids))
	for i, id := range ids {
		out[i], _ = t.vmlinux.Type(id)
	}
	return out
}
