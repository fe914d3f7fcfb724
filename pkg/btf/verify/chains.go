// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// maxChain is MAX_RESOLVE_DEPTH, how many modifiers may follow one another.
const maxChain = 32

// chains is btf_check_type_tags: it follows every modifier of the table to what
// it modifies. A modifier of the base ends the walk, since the base has been
// through it; so does one of the table that has been seen good.
func (p *parser) chains() bool {
	if !p.rules.ChainWalk {
		return true
	}
	if p.table == nil {
		return true
	}
	good := p.startID - 1
	for t := range p.table.Types() {
		if !t.Kind().IsModifier() {
			continue
		}
		if !p.chain(t, good) {
			return false
		}
		good = t.ID
	}
	return true
}

// chain follows one modifier. An id past the end is refused without a word.
func (p *parser) chain(t btf.Type, good btf.TypeID) bool {
	tags := t.Kind() == btf.KindTypeTag
	for budget := maxChain; t.Kind().IsModifier(); budget-- {
		if budget == 0 {
			return p.fail(ELOOP, "Max chain length or cycle detected")
		}
		if p.rules.TagOrder {
			isTag := t.Kind() == btf.KindTypeTag
			if isTag && !tags {
				return p.fail(EINVAL, "Type tags don't precede modifiers")
			}
			tags = isTag
		}
		if t.ID <= good {
			break
		}
		next, ok := p.table.Type(btf.TypeID(t.SizeType))
		if !ok {
			p.errno = EINVAL
			return false
		}
		t = next
	}
	return true
}
