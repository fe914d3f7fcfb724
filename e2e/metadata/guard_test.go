// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os/exec"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// guard runs the program under test.
func guard(t *testing.T, args ...string) harness.Outcome {
	t.Helper()
	return harness.Try(t, exec.Command(program, args...))
}
