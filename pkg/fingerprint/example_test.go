// SPDX-License-Identifier: Apache-2.0

package fingerprint_test

import (
	"fmt"
	"log"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// The fingerprint of a base, and the dependency of modules that were built on it.
func Example() {
	data, err := os.ReadFile("../../testdata/tables/le64.base.btf") // or /sys/kernel/btf/vmlinux
	if err != nil {
		log.Fatal(err)
	}
	base, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	f := fingerprint.Of(base)
	fmt.Println(f.Base)
	token := fingerprint.Token("default", f.Base)
	fmt.Println("Provides:", token)
	flavor, digest, ok := fingerprint.ParseToken(token)
	fmt.Println(flavor, digest == f.Base, ok)
	// Output:
	// sha256:5ff2b1e1af69dcb083b6d8b6279f18c610b691dce477411fe201bc0fbafe792c
	// Provides: kernel-btf(default:sha256:5ff2b1e1af69dcb083b6d8b6279f18c610b691dce477411fe201bc0fbafe792c)
	// default true true
}
