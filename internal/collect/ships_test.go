// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// TestShips counts what is in the payload, and what its kernel is.
func TestShips(t *testing.T) {
	const regular, link = 0o100644, 0o120777
	vmlinux, modules := Ships(&rpm.Package{Arch: "x86_64", Files: []rpm.File{
		{Path: "/usr/lib/modules/1-default/vmlinux.xz", Mode: regular},
		{Path: "/usr/lib/modules/1-default/kernel/a.ko", Mode: regular},
		{Path: "/usr/lib/modules/2-default/weak-updates/a.ko", Mode: link},
		{Path: "/boot/vmlinuz-3-default", Mode: regular, Flags: 1 << 6}, // %ghost
		{Path: "/usr/bin/a", Mode: regular},
	}})
	id := guard.KernelID{Release: "1-default", Arch: "x86_64"}
	_, i586 := Ships(&rpm.Package{Arch: "i586", Files: []rpm.File{{Path: "/lib/modules/1-default/a.ko", Mode: regular}}})
	if !i586[guard.KernelID{Release: "1-default", Arch: "i686"}] {
		t.Errorf("%v", i586)
	}
	if len(vmlinux) != 1 || !vmlinux[id] || len(modules) != 1 || !modules[id] {
		t.Errorf("%v, %v", vmlinux, modules)
	}
}
