// SPDX-License-Identifier: Apache-2.0

package relocate

import (
	"bytes"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// Distilled is a module's table made fit for other bases.
type Distilled struct {
	BTF  []byte // of the .BTF section
	Base []byte // of the .BTF.base section

	module *btf.Table   // what it was made from
	ids    []btf.TypeID // by id there: the new id, 0 for what is not in it
	start  btf.TypeID   // the first new id of the module's own part
}

// ID gives the number that a type of the base or module has in the distilled pair,
// which is what the kernel expects in .BTF_ids; ok is false for a type that is not in
// it. Void stays 0.
func (d *Distilled) ID(old btf.TypeID) (id btf.TypeID, ok bool) {
	if uint64(old) >= uint64(len(d.ids)) {
		return 0, false
	}
	return d.ids[old], old == 0 || d.ids[old] != 0
}

// Check relocates the pair onto the very base that the module was built on and
// compares each type and reference with the module's own. The result must be the same
// graph, except that it may have types of the base a second time. The target must be
// that base. The error names the first difference, or what the kernel says.
func (d *Distilled) Check(own *Target) error {
	res := own.Module(d.BTF, d.Base)
	switch {
	case res.Fault != "":
		return fmt.Errorf("relocating it onto its own base: %s", res.Fault)
	case !res.Accepted():
		line := "without a word"
		if len(res.Lines) > 0 {
			line = res.Lines[len(res.Lines)-1].Text
		}
		return fmt.Errorf("relocating it onto its own base: errno %d: %s", res.Errno, line)
	}
	old := d.origins(res.Table)
	if len(old) != res.Table.Len() {
		return fmt.Errorf("relocated onto its own base it has %d types, %d of which are known", res.Table.Len(), len(old))
	}
	for t := range res.Table.Types() {
		was, _ := d.module.Type(old[t.ID])
		if err := d.same(was, t, res.Table, old); err != nil {
			return fmt.Errorf("relocated onto its own base type [%d], %v, is not what [%d] was: %w", t.ID, t.Kind(), was.ID, err)
		}
	}
	return nil
}

// origins maps the ids of a relocated table's own part to those of the module.
func (d *Distilled) origins(relocated *btf.Table) map[btf.TypeID]btf.TypeID {
	out := make(map[btf.TypeID]btf.TypeID, relocated.Len())
	for old, id := range d.ids {
		if id >= d.start {
			out[id-d.start+relocated.StartID()] = btf.TypeID(old)
		}
	}
	return out
}

// same compares a type with what became of it, word by word.
func (d *Distilled) same(was, is btf.Type, relocated *btf.Table, old map[btf.TypeID]btf.TypeID) error {
	a, b := was.AppendWords(nil), is.AppendWords(nil)
	if len(a) != len(b) {
		return fmt.Errorf("%d words, there were %d", len(b), len(a))
	}
	for ref := range was.NameRefs() {
		i := ref.Word
		x, _ := d.module.Bytes(ref.Off)
		y, ok := relocated.Bytes(b[i])
		if !ok || !bytes.Equal(x, y) {
			return fmt.Errorf("the name in word %d is %.64q, was %.64q", i, y, x)
		}
		a[i], b[i] = 0, 0
	}
	for ref := range was.TypeRefs() {
		i := ref.Word
		id := btf.TypeID(b[i])
		if origin, own := old[id]; own {
			id = origin
		}
		if id != ref.ID {
			return fmt.Errorf("word %d leads to [%d], led to [%d]", i, id, ref.ID)
		}
		a[i], b[i] = 0, 0
	}
	for i := range a {
		if a[i] != b[i] {
			return fmt.Errorf("word %d is %#x, was %#x", i, b[i], a[i])
		}
	}
	return nil
}
