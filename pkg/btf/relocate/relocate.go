// SPDX-License-Identifier: Apache-2.0

// Package relocate predicts what a kernel does with a module that brings a
// .BTF.base, and makes such modules.
//
// A .BTF.base is a distilled base: the few types of its own base that a module
// refers to, named but without their content. Since 6.11 a kernel reads the
// module's .BTF on the distilled base, looks the distilled types up by name in
// its own base, and rewrites the module's references. [Target.Module] repeats that,
// [Distill] is the step before it, at build time.
//
// Relocation protects ids and string offsets, not layouts. A distilled STRUCT is
// matched by its name; its size counts only if the module embeds it or the base
// has several types of that name, its members never.
//
// The rules are those of tools/lib/bpf/btf_relocate.c, which kernel and libbpf
// share, and of btf_parse_module in kernel/bpf/btf.c.
package relocate

import (
	"bytes"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// EFAULT is the Errno of a [Result] with a Fault. No kernel answers it.
const EFAULT verify.Errno = -14

// Result is what the kernel makes of a module with .BTF.base. Errno and Lines
// are its answer and its log, as [verify.Rules.Notice] wants them. Table is the
// relocated table, parsed on vmlinux, if the module is accepted.
type Result struct {
	verify.Result

	// Split is the module's table on its distilled base, before relocation: what the
	// numbers in its .BTF_ids count. nil where the kernel refuses one of the two.
	Split *btf.Table

	// Data is the rewritten .BTF section of an accepted module, an ordinary one
	// split on vmlinux: what /sys/kernel/btf/MODULE holds.
	Data []byte

	// Unmatched are the types of the distilled base that vmlinux does not have, where
	// relocation fails for them, by id. The kernel's log names the first.
	Unmatched []Unmatched

	// Fault says why the answer cannot be predicted: relocation trusts type ids that
	// nothing has checked, and its time has no bound. Whether the kernel crashes, hangs
	// or goes on with the bytes behind its table depends on more than the module, so
	// Errno is EFAULT and Lines is empty. It is "" for every table that a toolchain
	// wrote.
	Fault string
}

// Module predicts what the target's kernel answers to a module with the .BTF section
// btfData and the .BTF.base section baseData. Both must be in the byte order of vmlinux,
// or they are refused. An empty baseData is a section without bytes, which the kernel
// tries to read too. The arguments are not written to.
//
// A kernel that does not know .BTF.base (rules.Distilled is false) ignores it
// and reads btfData on vmlinux as it is.
func (t *Target) Module(btfData, baseData []byte) Result {
	vmlinux, rules := t.vmlinux, t.rules
	if !rules.Distilled {
		return plain(btfData, vmlinux, rules)
	}
	base := verify.Base(baseData, vmlinux.Order, rules)
	if !base.Accepted() {
		// The log is quiet only for tables that have a base, and this has none.
		for i := range base.Lines {
			base.Lines[i].Typed = false
		}
		return Result{Result: base}
	}
	module := verify.Module(btfData, base.Table, rules)
	if !module.Accepted() {
		return Result{Result: module}
	}
	r := relocation{
		target:    t,
		rules:     rules,
		vmlinux:   vmlinux,
		distilled: base.Table,
		module:    module.Table,
		data:      bytes.Clone(btfData),
	}
	return r.run()
}

// plain is the answer of a kernel before 6.11.
func plain(btfData []byte, vmlinux *btf.Table, rules verify.Rules) Result {
	res := Result{Result: verify.Module(btfData, vmlinux, rules)}
	if res.Accepted() {
		res.Data = bytes.Clone(btfData)
	}
	return res
}

// relocation is one module on its way from its distilled base to vmlinux. A
// stage that fails logs why, sets errno and returns false.
type relocation struct {
	target    *Target
	rules     verify.Rules
	vmlinux   *btf.Table
	distilled *btf.Table
	module    *btf.Table // on distilled
	data      []byte     // of the module, rewritten in place

	embedded []bool            // by distilled id: a struct of the module holds it by value
	ids      []btf.TypeID      // by id in distilled and module: the id on vmlinux, 0 for none
	names    map[uint32]uint32 // by string offset in distilled: the one in vmlinux

	errno     verify.Errno
	lines     []verify.Line
	unmatched []Unmatched
	fault     string
}

// run is btf_relocate.
func (r *relocation) run() Result {
	for _, stage := range []func() bool{
		r.checkDistilled, r.shiftIDs, r.markEmbedded, r.matchDistilled, r.allMatched,
		r.rewriteIDs, r.rewriteNames,
	} {
		if !stage() {
			return Result{Result: verify.Result{Errno: r.errno, Lines: r.lines}, Split: r.module, Unmatched: r.unmatched, Fault: r.fault}
		}
	}
	// No record was moved, so the table can still be laid out.
	table, _ := btf.Parse(r.data, r.vmlinux)
	return Result{Result: verify.Result{Table: table}, Split: r.module, Data: r.data}
}

// warn ends a stage with a line of pr_warn.
func (r *relocation) warn(errno verify.Errno, format string, args ...any) bool {
	r.errno = errno
	r.lines = append(r.lines, verify.Warn(format, args...))
	return false
}

// leave ends a stage where the kernel's answer cannot be predicted.
func (r *relocation) leave(format string, args ...any) bool {
	r.errno = EFAULT
	r.fault = fmt.Sprintf(format, args...)
	return false
}

// checkDistilled is btf_relocate_validate_distilled_base: every type has a name
// to be found by.
func (r *relocation) checkDistilled() bool {
	for t := range r.distilled.Types() {
		switch t.Kind() {
		case btf.KindInt, btf.KindFloat, btf.KindEnum, btf.KindStruct, btf.KindUnion, btf.KindFwd:
			if t.NameOff == 0 {
				return r.warn(verify.EINVAL,
					"type [%d], kind [%d] is invalid for distilled base BTF; it is anonymous", t.ID, uint8(t.Kind()))
			}
		default:
			return r.warn(verify.EINVAL,
				"type [%d] in distilled based BTF has unexpected kind [%d]", t.ID, uint8(t.Kind()))
		}
	}
	return true
}

// shiftIDs maps the module's own types, which will follow vmlinux instead of the
// distilled base.
func (r *relocation) shiftIDs() bool {
	r.ids = make([]btf.TypeID, r.module.EndID())
	for id := r.module.StartID(); id < r.module.EndID(); id++ {
		r.ids[id] = id + r.vmlinux.EndID() - r.distilled.EndID()
	}
	return true
}
