// SPDX-License-Identifier: Apache-2.0

package ids_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/ids"
)

// A rebuild puts a module's functions at other numbers. What becomes of its set of
// kfuncs, which the kernel searches by number?
func Example() {
	section := words(binary.LittleEndian,
		2, 1, // two numbers with flags
		20, 0x3, // conn_release: KF_ACQUIRE | KF_RELEASE
		21, 0x10) // conn_alloc
	lists, err := ids.Parse(section, binary.LittleEndian, []ids.Symbol{
		{Name: "__BTF_ID__set8__conn_ids", Off: 0, Size: 24},
		{Name: "__BTF_ID__func__conn_release__1", Off: 8, Size: 4},
		{Name: "__BTF_ID__func__conn_alloc__2", Off: 16, Size: 4},
	})
	if err != nil {
		log.Fatal(err)
	}
	moved := map[btf.TypeID]btf.TypeID{20: 31, 21: 30}
	section, err = lists.Map(func(_ *ids.List, e ids.Entry) (btf.TypeID, bool) {
		id, ok := moved[e.ID]
		return id, ok
	})
	if err != nil {
		log.Fatal(err)
	}
	if lists, err = lists.With(section); err != nil {
		log.Fatal(err)
	}
	for _, l := range lists.Lists {
		fmt.Println(l.Use, l.Names)
		for _, e := range l.Entries {
			fmt.Printf("%d, flags %#x\n", e.ID, e.Flags)
		}
	}
	// Output:
	// kfuncs [conn_release conn_alloc]
	// 30, flags 0x10
	// 31, flags 0x3
}
