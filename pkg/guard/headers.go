// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// core are structs of the kernel's headers that nearly every driver sees and none
// defines. Modules have structs of their own with the names of others: of 4,023
// modules of Debian's 6.1, 54 have a mac_addr, a gsb_buffer or the like of another
// size than some other driver's.
var core = []string{
	"module", "device", "device_driver", "bus_type", "class", "kobject", "kset", "attribute_group",
	"file", "file_operations", "inode", "dentry", "super_block", "cdev", "address_space",
	"task_struct", "mm_struct", "vm_area_struct", "cred", "page", "folio",
	"net_device", "net_device_ops", "sk_buff", "sock", "net", "napi_struct",
	"pci_dev", "pci_driver", "usb_device", "usb_interface", "usb_driver", "urb", "i2c_client", "platform_device",
	"gendisk", "request_queue", "bio", "block_device", "scsi_device", "Scsi_Host",
	"work_struct", "delayed_work", "timer_list", "hrtimer", "mutex", "notifier_block", "tracepoint",
}

// otherHeaders notes a module that was built with headers which lay out the kernel's
// structs otherwise than this kernel does. Its code then reads and writes the wrong
// places, whatever its BTF says.
func (j *judging) otherHeaders(f *Finding, table *btf.Table) {
	m, b := f.Module, f.Base
	if m.Err != nil || b == nil || b.Table == nil {
		return
	}
	inBase := j.core(b)
	var differ []string
	seen := map[string]bool{}
	sized := func(name string, own uint64, theirs coreStruct) {
		seen[name] = true
		differ = append(differ, fmt.Sprintf(structSizes, name, own, theirs.sizes[0]))
	}
	n := Note{Rule: OtherHeaders, Severity: Warn}
	if module, ok := inBase["module"]; ok && m.thisModule > 0 && !module.has(m.thisModule) {
		sized("module", m.thisModule, module)
		if line := b.Rules.WrongModuleSize(m.Name); line != "" {
			n.Severity, n.Log = Fail, []string{line}
		}
	}
	if table != nil && f.Kernel.Accepts && !f.evidence.Contradicted() {
		for t := range table.Types() {
			if t.Kind() != btf.KindStruct {
				continue
			}
			name, _ := table.Prefix(t.NameOff, btf.MaxName)
			theirs, ok := inBase[string(name)]
			if ok && !seen[string(name)] && !theirs.has(uint64(t.SizeType)) && theirs.alike(table, t) {
				sized(string(name), uint64(t.SizeType), theirs)
			}
		}
	}
	if differ == nil {
		return
	}
	const most = 4
	n.Message = otherHeaders + strings.Join(differ[:min(len(differ), most)], "; its ")
	if more := len(differ) - most; more > 0 {
		n.Message += fmt.Sprintf("; and %d more", more)
	}
	if n.Log != nil {
		n.Message += sizeRefused
	} else {
		n.Message += sizeTaken
	}
	f.Notes = append(f.Notes, n)
}

// coreStruct is what a base's structs of one name look like.
type coreStruct struct {
	sizes   []uint64 // in bytes
	members map[string]bool
}

func (c coreStruct) has(size uint64) bool { return slices.Contains(c.sizes, size) }

// alike reports whether half of a struct's members have the names of members of the
// base's: it is the same one, laid out otherwise.
func (c coreStruct) alike(table *btf.Table, t btf.Type) bool {
	same := 0
	for i := range int(t.Vlen()) {
		if name, _ := table.Prefix(t.Member(i).NameOff, btf.MaxName); c.members[string(name)] {
			same++
		}
	}
	return same > 0 && 2*same >= int(t.Vlen())
}

// core looks up a base's structs of those names, once for all modules.
func (j *judging) core(b *Base) map[string]coreStruct {
	return j.cores.get(b, func() map[string]coreStruct { return coreStructs(b.Table) })
}

func coreStructs(base *btf.Table) map[string]coreStruct {
	wanted := map[string]bool{}
	for _, name := range core {
		wanted[name] = true
	}
	out := map[string]coreStruct{}
	for t := range base.Types() {
		if t.Kind() != btf.KindStruct {
			continue
		}
		name, _ := base.Prefix(t.NameOff, btf.MaxName)
		if !wanted[string(name)] {
			continue
		}
		c := out[string(name)]
		if c.members == nil {
			c.members = map[string]bool{}
		}
		c.sizes = append(c.sizes, uint64(t.SizeType))
		for i := range int(t.Vlen()) {
			member, _ := base.Prefix(t.Member(i).NameOff, btf.MaxName)
			c.members[string(member)] = true
		}
		out[string(name)] = c
	}
	return out
}

// otherMagic notes a module that the kernel refuses before it looks at any BTF.
func otherMagic(f *Finding) {
	m, b := f.Module, f.Base
	if m.vermagic == "" || b == nil || b.Vermagic == "" {
		return
	}
	if line := verify.WrongVermagic(m.Name, m.vermagic, b.Vermagic, m.versioned); line != "" {
		f.Notes = append(f.Notes, Note{Rule: OtherMagic, Severity: Fail,
			Message: vermagicRefused, Log: []string{line}})
	}
}
