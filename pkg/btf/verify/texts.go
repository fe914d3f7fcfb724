// SPDX-License-Identifier: Apache-2.0

package verify

import "strings"

// What the verifier and the module loader can say stands in a kernel's image
// where that code is in it, and nowhere else. All are of kernel/bpf/btf.c unless
// another file is named.
const (
	textHeader   = "btf_header not found"                                          // btf_parse_hdr of every kernel that knows BTF
	textInfoMask = "Invalid btf_info:%x"                                           // btf_check_meta, until 7.1
	textChain    = "Max chain length or cycle detected"                            // btf_check_type_tags since 5.19, its successor in 7.2
	textTagOrder = "Type tags don't precede modifiers"                             // btf_check_type_tags, 5.19 to 7.1
	textTight    = "\x013BPF:%s\n"                                                 // bpf_verifier_vlog in kernel/bpf/log.c, until 5.16
	textSpaced   = "\x013BPF: %s%s"                                                // the same since 5.17
	textRefused  = "failed to validate module [%s] BTF"                            // btf_module_notify, since 6.3 only without ALLOW_BTF_MISMATCH
	textAllowed  = "Kernel module BTF mismatch detected"                           // btf_module_notify since 6.3, only with ALLOW_BTF_MISMATCH
	textModSize  = "section size must match the kernel's built struct module size" // kernel/module/main.c, since 6.4
	textDistill  = "distilled base BTF"                                            // tools/lib/bpf/btf_relocate.c, in the kernel since 6.11
	textKfuncs   = "missing module BTF, cannot register kfuncs"                    // __register_btf_kfunc_id_set, 5.18 to 6.8
	textRegister = "missing module BTF, cannot register %s"                        // check_btf_kconfigs, since 6.9
)

// Texts lists what to look for in an unpacked kernel image, for the Texts of
// [Witnesses].
func Texts() []string {
	return []string{textHeader, textInfoMask, textChain, textTagOrder, textTight, textSpaced, textRefused, textAllowed, textDistill, textModSize,
		textKfuncs, textRegister}
}

// readTexts takes what the texts of an image decide. Presence counts by itself,
// absence only beside a text that every kernel has in the same place.
func (m *marks) readTexts(found map[string]bool) {
	if found[textHeader] {
		m.readVerifierTexts(found)
	}
	if found[textTight] != found[textSpaced] {
		m.readLogTexts(found)
	}
	if found[textModSize] {
		m.decide(fieldModuleSize, has(textModSize), func(r *Rules) { r.ModuleSize = true })
	}
	switch {
	case found[textRegister]:
		m.decide(fieldKfuncLine, has(textRegister), func(r *Rules) { r.KfuncLine = KfuncSingle })
		m.atLeast(Version{6, 9, 0}, has(textRegister))
	case found[textKfuncs]:
		m.decide(fieldKfuncLine, has(textKfuncs), func(r *Rules) { r.KfuncLine = KfuncPlural })
		m.atLeast(Version{5, 18, 0}, has(textKfuncs))
		m.atMost(Version{6, 8, lastPatch}, has(textKfuncs))
	}
	if found[textAllowed] {
		by := has(textAllowed)
		m.decide(fieldQuietAllow, by, func(r *Rules) { r.QuietAllow = true })
		m.atLeast(Version{6, 3, 0}, by)
	}
}

// readVerifierTexts is for what the verifier says to whoever gave it a table.
func (m *marks) readVerifierTexts(found map[string]bool) {
	chain, order := text(found, textChain), text(found, textTagOrder)
	m.decide(fieldChainWalk, chain, func(r *Rules) { r.ChainWalk = found[textChain] })
	m.decide(fieldTagOrder, order, func(r *Rules) { r.TagOrder = found[textTagOrder] })
	switch {
	case found[textTagOrder]:
		m.atLeast(Version{5, 19, 0}, order)
		m.atMost(Version{7, 1, lastPatch}, order)
	case found[textChain]:
		m.atLeast(Version{7, 2, 0}, order)
	default:
		m.atMost(Version{5, 18, lastPatch}, chain)
	}
	by := text(found, textInfoMask)
	if found[textInfoMask] {
		m.atMost(Version{7, 1, lastPatch}, by)
		return
	}
	m.decide(fieldInfoMask, by, func(r *Rules) { r.InfoMask = 0 })
	m.atLeast(Version{7, 2, 0}, by)
}

// readLogTexts is for what goes to the kernel's log, if it has one.
func (m *marks) readLogTexts(found map[string]bool) {
	if found[textSpaced] {
		m.decide(fieldSpacedLog, has(textSpaced), func(r *Rules) { r.SpacedLog = true })
		m.atLeast(Version{5, 17, 0}, has(textSpaced))
	} else {
		m.decide(fieldSpacedLog, has(textTight), func(r *Rules) { r.SpacedLog = false })
		m.atMost(Version{5, 16, lastPatch}, has(textTight))
	}
	reads, by := found[textRefused] || found[textAllowed], text(found, textRefused)
	if found[textAllowed] {
		by = has(textAllowed)
	}
	m.decide(fieldModuleBTF, by, func(r *Rules) { r.ModuleBTF = reads })
	if reads {
		m.decide(fieldDistilled, text(found, textDistill), func(r *Rules) { r.Distilled = found[textDistill] })
	}
}

// allowed gives what the texts say of CONFIG_MODULE_ALLOW_BTF_MISMATCH, of a
// kernel with these rules: before 6.3 it does not show.
func allowed(found map[string]bool, r *Rules) (Allow, string) {
	switch refused := found[textRefused]; {
	case found[textAllowed] && !refused:
		return AllowYes, has(textAllowed)
	case refused && !found[textAllowed] && r.QuietAllow:
		return AllowNo, has(textRefused)
	}
	return AllowUnknown, ""
}

func text(found map[string]bool, text string) string {
	if found[text] {
		return has(text)
	}
	return "no text " + quoted(text)
}

func has(text string) string { return "text " + quoted(text) }

// quoted leaves out the level that begins a text of printk.
func quoted(text string) string {
	return `"` + strings.TrimSuffix(strings.TrimPrefix(text, "\x013"), "\n") + `"`
}
