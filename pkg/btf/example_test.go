// SPDX-License-Identifier: Apache-2.0

package btf_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// What does a module refer to, and how is it numbered behind its base?
func Example() {
	base, err := btf.Parse(read("le64.base"), nil)
	if err != nil {
		log.Fatal(err)
	}
	module, err := btf.Parse(read("le64.module"), base)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the base ends before type", base.EndID(), "and string byte", base.EndString())
	fmt.Println("the module begins at", module.StartID(), "and", module.StartString())
	for t := range module.Types() {
		if t.Kind() != btf.KindFunc {
			continue
		}
		fmt.Printf("[%d] %s\n", t.ID, module.Describe(t.ID))
		for ref := range t.TypeRefs() {
			fmt.Printf("  %v: [%d] %s\n", ref, ref.ID, module.Describe(ref.ID))
		}
		break
	}
	// Output:
	// the base ends before type 50 and string byte 417
	// the module begins at 50 and 417
	// [56] FUNC port_remove
	//   type: [55] function of 1 parameter
}

// read reads one of the tables that this project's tests have.
func read(name string) []byte {
	data, err := os.ReadFile("../../testdata/tables/" + name + ".btf")
	if err != nil {
		log.Fatal(err)
	}
	return data
}
