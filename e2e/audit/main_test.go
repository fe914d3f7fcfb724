// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package audit runs audit, history and explain over builds of real distribution
// kernels in two flavours, packed in openSUSE's shape, and holds what they say
// against what binutils and bpftool say of the same vmlinux files.
//
//	go test -tags e2e ./e2e/audit
//
// Needs a Debian machine. Downloads and packages are kept in $E2E_WORK_DIR
// (default: obs-btf-guard-e2e in the folder for temporary files), the plain
// kernels together with those of the tests of ../.
package audit

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

var (
	program string // the binary under test
	scratch string // goes when the tests are over
)

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) error {
		program, scratch = b.Program, b.Dir
		return nil
	})
}

// script runs a script of the folder above and gives its lines.
func script(name string, args ...string) ([]string, error) {
	out, err := harness.Script("../"+name, args...)
	if err != nil {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// guard runs the program, wants an exit status, and reads the JSON that it
// writes into doc, unless that is nil.
func guard(t *testing.T, status int, doc any, args ...string) harness.Used {
	t.Helper()
	o, used := harness.Measure(t, program, args...)
	if o.Status != status {
		t.Fatalf("%s: exit status %d, want %d\n%s", strings.Join(args, " "), o.Status, status, o.Stderr)
	}
	if doc != nil {
		if err := json.Unmarshal([]byte(o.Stdout), doc); err != nil {
			t.Fatalf("%s: %v on standard output\n%s", strings.Join(args, " "), err, o.Stderr)
		}
	}
	return used
}
