// SPDX-License-Identifier: Apache-2.0

package repeat_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/repeat"
)

// A module's table in which pahole took nothing out has the structs of its base once
// more.
func Example() {
	base := table("le64.base", nil)
	for _, name := range []string{"le64.base", "le64.module"} {
		repeated := repeat.NewBase(base).In(table(name, base))
		fmt.Printf("%s repeats %q\n", name, repeated.Names)
	}
	// Output:
	// le64.base repeats ["list_head" "device"]
	// le64.module repeats []
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
