// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// What does Linux 5.15.12 log when it loads a module on its own vmlinux, and on
// another?
func Example() {
	version, err := verify.ParseVersion("5.15.12")
	if err != nil {
		log.Fatal(err)
	}
	rules := verify.RulesFor(version)
	for _, name := range []string{"le64.base", "le32.base"} {
		base, err := btf.Parse(read(name), nil)
		if err != nil {
			log.Fatal(err)
		}
		answer := verify.Module(read("le64.module"), base, rules)
		fmt.Println("on", name, "accepted:", answer.Accepted())
		lines, _ := rules.Notice("module", answer, verify.AllowNo)
		for _, line := range lines {
			fmt.Printf("  %q\n", line)
		}
	}
	// Output:
	// on le64.base accepted: true
	// on le32.base accepted: false
	//   "BPF:[49] ENUM  "
	//   "BPF:size=4 vlen=2"
	//   "BPF: "
	//   "BPF:Invalid name"
	//   "BPF:"
	//   ""
	//   "failed to validate module [module] BTF: -22"
}

// read reads one of the tables that this project's tests have.
func read(name string) []byte {
	data, err := os.ReadFile("../../../testdata/tables/" + name + ".btf")
	if err != nil {
		log.Fatal(err)
	}
	return data
}
