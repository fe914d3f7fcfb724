// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestTextSkipped names what was not looked into where no modules were found.
func TestTextSkipped(t *testing.T) {
	p := NewPlan("")
	p.Kernels = 1
	for n := range 23 {
		p.Skipped = append(p.Skipped, fmt.Sprintf("prj/standard/x86_64/pkg%d", n))
	}
	var out bytes.Buffer
	if err := p.Text(&out, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 23 || lines[0] != "nothing has to be built again: no package of modules was found beside 1 kernel" ||
		lines[2] != "     prj/standard/x86_64/pkg0" || lines[22] != "     and 3 others" {
		t.Errorf("%s", out.String())
	}
}
