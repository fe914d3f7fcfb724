// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"os/exec"
	"testing"
)

// guard runs the program under test.
func guard(t *testing.T, args ...string) outcome {
	t.Helper()
	return try(t, exec.Command(program, args...))
}
