// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Before a rebuilt kernel is published: what becomes of the modules of the build
// before, which machines have loaded or will load?
func Example() {
	const incident = "../../testdata/incident/"
	vmlinux := unpack(incident+"5.15.12-1.3/kernel-default-5.15.12-1.3.x86_64.rpm", kernel.RoleVmlinux)
	modules := unpack(incident+"5.15.12-1.1/kernel-default-extra-5.15.12-1.1.x86_64.rpm", kernel.RoleModule)

	inv := &guard.Inventory{}
	for path, data := range vmlinux {
		image, err := kernel.OpenImage(bytes.NewReader(data), int64(len(data)), nil)
		if err != nil {
			log.Fatal(err)
		}
		base := &guard.Base{Path: path, Arch: "x86_64"}
		base.Describe(image, nil, guard.Assumed{})
		inv.Bases = append(inv.Bases, base)
	}
	var loader kernel.Loader
	defer loader.Close()
	for path, data := range modules {
		m := &guard.Module{Path: path, Origin: guard.Against}
		opened, err := loader.Open(data, path)
		if err == nil {
			err = m.Describe(opened)
		}
		m.Err = err // it is malformed then
		inv.Modules = append(inv.Modules, m)
	}

	result, err := guard.Judge(context.Background(), inv, guard.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range result.Findings {
		fmt.Printf("%s is %s: %s\n", f.Module.Name, f.Verdict, f.Consequence)
		fmt.Println("  the kernel logs:", f.Kernel.Log[len(f.Kernel.Log)-1])
	}
	fmt.Println("exit status", result.Exit())
	// Output:
	// xpad is rejected: does not load (CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set)
	//   the kernel logs: failed to validate module [xpad] BTF: -22
	// rndis_host is rejected: does not load (CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set)
	//   the kernel logs: failed to validate module [rndis_host] BTF: -22
	// exit status 1
}

// unpack reads the files of one kind out of a package.
func unpack(file string, wanted kernel.Role) map[string][]byte {
	r, err := rpm.Open(file)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	files := map[string][]byte{}
	for {
		entry, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			log.Fatal(err)
		}
		if path := entry.Files[0].Path; kernel.ClassifyPath(path) == wanted {
			if files[path], err = io.ReadAll(r); err != nil {
				log.Fatal(err)
			}
		}
	}
}
