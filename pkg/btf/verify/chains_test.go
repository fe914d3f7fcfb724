// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestChainRules holds the walk over modifiers: its limit, its errors, and what
// kernels before 5.19 and since 7.2 let pass.
func TestChainRules(t *testing.T) {
	const (
		noType  = 0xfffff
		baseTag = 2
		baseMod = 3
	)
	// descend adds n modifiers, each about the next one, the last about end.
	descend := func(n int, end btf.TypeID) func(m writer) {
		return func(m writer) {
			for range n - 1 {
				m.Const(m.NextID() + 1)
			}
			m.Volatile(end)
		}
	}
	loop := []want{ok("5.11"), {"5.19", verify.ELOOP, "Max chain length or cycle detected", false}}
	silent := []want{ok("5.11"), {"5.19", verify.EINVAL, "", false}}
	order := []want{ok("5.11"), plain("5.19", "Type tags don't precede modifiers"), ok("7.2")}
	tagged := func(wants ...want) []want { return since("5.17", btf.KindTypeTag, 0x12000000, wants...) }
	run(t, []row{
		{name: "32 modifiers", add: descend(32, 1), wants: []want{ok("5.11")}},
		{name: "33 modifiers", add: descend(33, 1), wants: loop},
		{name: "32 modifiers and one of the base", add: descend(32, baseMod), wants: loop},
		{name: "31 modifiers and one of the base", add: descend(31, baseMod), wants: []want{ok("5.11")}},
		{name: "each about the one before", wants: []want{ok("5.11")}, add: func(m writer) {
			for id := btf.TypeID(1); m.NextID() < 100; {
				id = m.Const(id)
			}
		}},
		{name: "itself", add: func(m writer) { m.Const(m.NextID()) }, wants: loop},
		{name: "cycle of two", add: func(m writer) { m.Const(m.NextID() + 1); m.Const(m.NextID() - 1) }, wants: loop},
		{name: "past the end", add: func(m writer) { m.Typedef("t", noType) }, wants: silent},
		{name: "one past the end", add: func(m writer) { m.Restrict(m.NextID() + 1) }, wants: silent},
		{name: "past the end behind a good one", add: func(m writer) { m.Const(1); m.Ptr(1); m.Volatile(7) }, wants: silent},
		{name: "pointer past the end", add: func(m writer) { m.Ptr(noType) }, wants: []want{ok("5.11")}},
		{name: "pointer to itself", add: func(m writer) { m.Ptr(m.NextID()) }, wants: []want{ok("5.11")}},
		{name: "of void", add: func(m writer) { m.Const(0) }, wants: []want{ok("5.11")}},

		{name: "modifier of a tag of the base", add: func(m writer) { m.Const(baseTag) }, wants: order},
		{name: "tag of a modifier of the base", add: func(m writer) { m.TypeTag("t", baseMod) }, wants: tagged(ok("5.17"))},
		{name: "tag of a tag of the base", add: func(m writer) { m.TypeTag("t", baseTag) }, wants: tagged(ok("5.17"))},
		{name: "tag, tag, modifier", add: func(m writer) { m.TypeTag("t", 5); m.TypeTag("t", 6); m.Const(1) }, wants: tagged(ok("5.17"))},
		{name: "tag, modifier, tag", add: func(m writer) { m.TypeTag("t", 5); m.Const(baseTag) },
			wants: tagged(ok("5.17"), plain("5.19", "Type tags don't precede modifiers"), ok("7.2"))},
		{name: "pointer between them", add: func(m writer) { m.Const(5); m.Ptr(baseTag) }, wants: []want{ok("5.11")}},
		{name: "limit before tag order", add: func(m writer) { descend(32, baseTag)(m) }, wants: loop},
	})
}

// TestChainEmptyBase holds that on a base without types, where a module's ids
// start at 0, the walk ends at once: id 0 less one is the highest id there is.
func TestChainEmptyBase(t *testing.T) {
	base := btftest.New().Table(t)
	w := btftest.New()
	w.Const(0xfffff)
	data := w.Bytes(func(h *btf.Header) { h.StrLen = 0 })
	res := verify.Module(data[:len(data)-1], base, rules(t, "6.12"))
	check(t, "6.12", res, ok("6.12"))
}
