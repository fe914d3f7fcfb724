// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// A module gets a .BTF.base when it is built. What does Linux 6.12 make of it on the
// base it was built on, and on another?
func Example() {
	built := table("le64.base", nil)
	distilled, err := relocate.Distill(table("le64.module", built))
	if err != nil {
		log.Fatal(err)
	}
	version, err := verify.ParseVersion("6.12")
	if err != nil {
		log.Fatal(err)
	}
	rules := verify.RulesFor(version)
	for _, name := range []string{"le64.base", "le32.base"} {
		answer := relocate.Onto(table(name, nil), rules).Module(distilled.BTF, distilled.Base)
		fmt.Println("on", name, "accepted:", answer.Accepted())
		lines, _ := rules.Notice("module", answer.Result, verify.AllowNo)
		for _, line := range lines {
			fmt.Printf("  %q\n", line)
		}
	}
	// Output:
	// on le64.base accepted: true
	// on le32.base accepted: false
	//   "distilled base BTF type 'list_head' [4] is not mapped to base BTF id"
	//   "failed to validate module [module] BTF: -22"
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
