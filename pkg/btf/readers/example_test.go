// SPDX-License-Identifier: Apache-2.0

package readers_test

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/evidence"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/readers"
)

// The kernel takes a name that begins inside of a string, as long as the rest of it is a
// name. Programs that look through the tables of all modules may not.
func Example() {
	base := table(file("le64.base.btf"), nil)
	raw := file("le64.module.btf")
	name := raw[btf.HeaderSize:] // of the first type
	binary.LittleEndian.PutUint32(name, binary.LittleEndian.Uint32(name)+1)
	module := table(raw, base)
	e := evidence.Examine(module, evidence.Facts{PointerSize: 8})
	for _, refusal := range readers.NewBase(base).Refusals(module, raw, e) {
		fmt.Println(refusal)
	}
	// Output:
	// cilium/ebpf: lookup type name for id 50: offset 1 is not the beginning of a string
}

// table reads one of the tables that this project's tests have.
func table(data []byte, base *btf.Table) *btf.Table {
	t, err := btf.Parse(data, base)
	if err != nil {
		log.Fatal(err)
	}
	return t
}

func file(name string) []byte {
	data, err := os.ReadFile("../../../testdata/tables/" + name)
	if err != nil {
		log.Fatal(err)
	}
	return data
}
