// SPDX-License-Identifier: Apache-2.0

package rpm_test

import (
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// A package's facts, and its payload as a stream. What is not read is skipped; the
// stream ends well only if all of it was there and the payload's digest is right.
func Example() {
	r, err := rpm.Open("../../testdata/incident/5.15.12-1.3/kernel-default-extra-5.15.12-1.3.x86_64.rpm")
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(r.Package.NEVRA(), "from", r.Package.SourceName())
	for {
		entry, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if path := entry.Files[0].Path; strings.Contains(path, ".ko") {
			fmt.Println(path)
		}
	}
	// Output:
	// kernel-default-extra-5.15.12-1.3.x86_64 from kernel-default
	// /usr/lib/modules/5.15.12-1-default/kernel/drivers/input/joystick/xpad.ko.zst
	// /usr/lib/modules/5.15.12-1-default/kernel/drivers/net/usb/rndis_host.ko.zst
}

// Versions are compared as rpm does it: numbers by their value, "~" before all
// else.
func ExampleCompareVersions() {
	fmt.Println(rpm.CompareVersions("5.15.9", "5.15.12"))
	fmt.Println(rpm.CompareVersions("6.12~rc3", "6.12"))
	fmt.Println(rpm.CompareVersions("a0b01", "a00b1")) // so no digest may stand in a version
	// Output:
	// -1
	// -1
	// 0
}
