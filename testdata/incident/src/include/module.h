/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kbuild adds to each module. The strings go in through the assembler, so
 * that they bring no types of their own.
 */
#ifndef FIXTURE_MODULE_H
#define FIXTURE_MODULE_H

#include "base.h"

#define MODULE_STRING(tag, text) \
	asm(".pushsection .modinfo,\"a\"\n\t.asciz \"" tag "=" text "\"\n.popsection")

#ifdef OUT_OF_TREE
#define MODULE_INTREE
#else
#define MODULE_INTREE MODULE_STRING("intree", "Y");
#endif

#define MODULE_INFO(description, license, depends)          \
	MODULE_STRING("description", description);          \
	MODULE_STRING("license", license);                  \
	MODULE_STRING("depends", depends);                  \
	MODULE_STRING("retpoline", "Y");                    \
	MODULE_INTREE                                       \
	MODULE_STRING("name", KBUILD_MODNAME);              \
	MODULE_STRING("vermagic", KERNELRELEASE " SMP preempt mod_unload modversions ")

#define THIS_MODULE_SECTION __attribute__((section(".gnu.linkonce.this_module"), used))

#define MODULE_ENTRY(init_function, exit_function)                                            \
	extern __typeof__(init_function) init_module __attribute__((alias(#init_function)));     \
	extern __typeof__(exit_function) cleanup_module __attribute__((alias(#exit_function)));  \
	struct module __this_module THIS_MODULE_SECTION = {                                      \
		.name = KBUILD_MODNAME, .init = init_module, .exit = cleanup_module,             \
	}

/* A module without entry points, a library: no type of its own, not even this. */
#define MODULE_LIBRARY()                                                                      \
	asm(".pushsection .gnu.linkonce.this_module,\"aw\"\n"                                  \
	    "\t.globl __this_module\n\t.type __this_module, @object\n"                         \
	    "\t.size __this_module, 128\n__this_module:\n"                                     \
	    "\t.zero 24\n\t.asciz \"" KBUILD_MODNAME "\"\n\t.zero 128 - (. - __this_module)\n" \
	    ".popsection")

/* BTF ids, filled in after the module has its .BTF; see make.sh */
#define BTF_IDS(text) asm(".pushsection .BTF_ids,\"a\"\n" text ".popsection")
#define BTF_ID(kind, name, n)                                         \
	"\t.type __BTF_ID__" #kind "__" #name "__" #n ", @object\n"    \
	"\t.size __BTF_ID__" #kind "__" #name "__" #n ", 4\n"          \
	"__BTF_ID__" #kind "__" #name "__" #n ":\n\t.zero 4\n"

#endif
