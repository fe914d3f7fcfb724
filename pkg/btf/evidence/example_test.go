// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
)

// Was a module built on a base, by nothing but its own table?
func Example() {
	for _, name := range []string{"le64.base", "le32.base"} {
		module := table("le64.module", table(name, nil))
		e := evidence.Examine(module, evidence.Facts{PointerSize: 8})
		fmt.Println("on", name, "confirmed:", e.Confirmed(), "contradicted:", e.Contradicted())
		for _, reason := range e.Reasons() {
			fmt.Println(" ", reason)
		}
	}
	// Output:
	// on le64.base confirmed: false contradicted: false
	//   too small to tell, though nothing contradicts this base: base types fit: 5 of 8 needed
	// on le32.base confirmed: false contradicted: true
	//   1 name past the end of the strings, first the name of [57] FUNC "(anon)": string offset 491 gives ""
	//   10 names that begin inside a string, first the name of [49] ENUM "(anon)": string offset 417 gives ""
	//   2 functions without a prototype, first the type of [55] FUNC "dd": [55] FUNC "dd"
	//   3 references to kinds that cannot stand there, first the member 0 of [52] STRUCT "ort_remove": [54] FUNC_PROTO "(anon)"
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
