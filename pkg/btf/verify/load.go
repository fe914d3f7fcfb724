// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"strings"
)

var kfuncLines = [...]string{
	KfuncSilent: "",
	KfuncPlural: "missing module BTF, cannot register kfuncs",
	KfuncSingle: "missing module BTF, cannot register kfunc",
}

// MissingModuleBTF is what a module without BTF brings about when it registers
// kfuncs: the line in dmesg, "" where the kernel says nothing, and whether
// registering fails, with which most modules do not load.
//
// Source: kernel/bpf/btf.c, __register_btf_kfunc_id_set. Until 6.5, 6.4.4 and 6.1.39
// it returned -ENOENT (upstream 3de4d22cc9ac).
func (r Rules) MissingModuleBTF() (line string, fails bool) {
	v := r.Version
	return kfuncLines[r.KfuncLine], r.KfuncLine == KfuncPlural && !v.AtLeast(6, 5) && !backported(v, map[[2]int]int{{6, 1}: 39, {6, 4}: 4})
}

// WrongModuleSize is the line with which the kernel refuses (-ENOEXEC) a module
// whose .gnu.linkonce.this_module has not the size of its struct module, "" where it
// does not look (kernel/module/main.c, elf_validity_cache_index_mod).
func (r Rules) WrongModuleSize(module string) string {
	if !r.ModuleSize {
		return ""
	}
	return "module " + module + ": .gnu.linkonce.this_module " + textModSize + " at run time"
}

// WrongVermagic is the line with which a kernel refuses (-ENOEXEC) a module by its
// vermagic, "" if it does not (kernel/module/main.c, early_mod_check; version.c,
// same_magic). The first word, the kernelrelease, does not count where kernel and
// module have symbol versions.
func WrongVermagic(module, magic, kernel string, versioned bool) string {
	a, b := magic, kernel
	if versioned && strings.Contains(kernel, " modversions ") {
		_, a, _ = strings.Cut(magic, " ")
		_, b, _ = strings.Cut(kernel, " ")
	}
	if a == b {
		return ""
	}
	return fmt.Sprintf("%s: version magic '%s' should be '%s'", module, magic, kernel)
}
