// SPDX-License-Identifier: Apache-2.0

package compare_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
)

// A module is read on another base than the one it was built on. What do its
// numbers mean there?
func Example() {
	built, read := table("le64.base", nil), table("le32.base", nil)
	bases := compare.New(built, read) // once for all modules

	outcome := bases.Module(table("le64.module", built), table("le64.module", read))
	fmt.Println("misread:", outcome.Misread())
	fmt.Println(outcome.Names, "names and", outcome.Types, "types mean something else,", outcome.Same, "the same")
	for _, difference := range outcome.First {
		fmt.Println(" ", difference)
	}
	// Output:
	// misread: true
	// 15 names and 8 types mean something else, 14 the same
	//   member mode of struct port: enum port_mode → struct ports
	//   member queue of struct port: u32 [7] → struct ort_remove
	//   name of enum port_mode: "port_mode" → ""
	//   enumerator 0 of enum port_mode: "PORT_OFF" → "ort"
	//   member node of struct port: struct list_head → struct list_head with another definition
}

// table reads one of the tables that this project's tests have.
func table(name string, base *btf.Table) *btf.Table {
	data, err := os.ReadFile("../../../testdata/tables/" + name + ".btf")
	if err != nil {
		log.Fatal(err)
	}
	t, err := btf.Parse(data, base)
	if err != nil {
		log.Fatal(err)
	}
	return t
}
