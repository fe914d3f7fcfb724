// SPDX-License-Identifier: Apache-2.0

package running

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestKernelsOwnTables asks the kernel that runs for its base, and compares it with the
// file that it shows to everybody.
func TestKernelsOwnTables(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("/", btfFolder, vmlinux))
	if err != nil {
		t.Skipf("needs a kernel with BTF: %v", err)
	}
	o, err := openObjects(&system{root: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if !o.asked() {
		t.Skip("needs CAP_SYS_ADMIN")
	}
	table, err := o.read(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(table, file) {
		t.Errorf("the kernel gives %d bytes, its file has %d", len(table), len(file))
	}
}
