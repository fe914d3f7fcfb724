// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// victim names the package that the test program, started again, is to rewrite.
const victim = "OBS_BTF_GUARD_TEST_REWRITE"

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		if _, err := Rewrite(context.Background(), path, addToken); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestRewriteKilled kills the process at 50 moments between its start and its
// end. It always finds the old or the new package.
func TestRewriteKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 50 times 16 MB")
	}
	random := rand.New(rand.NewPCG(5, 15))
	content := make([]byte, 16<<20)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	pkg := testPackage{files: []testFile{{path: "/boot/vmlinux", content: string(content)}}}.bytes(t)
	want, _, err := rewriteBytes(pkg, addToken)
	if err != nil {
		t.Fatal(err)
	}
	path := writePackage(t, pkg)
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		// The race detector waits a second at the end of a process.
		cmd.Env = append(os.Environ(), victim+"="+path, "GORACE=atexit_sleep_ms=0")
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	whole := time.Hour
	for range 5 { // the fastest run: the first ones wait for the disk
		if err := os.WriteFile(path, pkg, 0o644); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := start().Wait(); err != nil {
			t.Fatal(err)
		}
		whole = min(whole, time.Since(began))
	}

	before, after, halves := 0, 0, 0
	for i := range 50 {
		if err := os.WriteFile(path, pkg, 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := start()
		moment := random.Float64()
		if i%2 == 1 { // near the rename
			moment = 0.8 + 0.4*moment
		}
		time.Sleep(time.Duration(moment * float64(whole)))
		cmd.Process.Kill()
		cmd.Wait()
		switch got := readFile(t, path); {
		case bytes.Equal(got, pkg):
			before++
		case bytes.Equal(got, want):
			after++
		default:
			t.Fatalf("neither the old nor the new package: %d bytes", len(got))
		}
		list, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			switch filepath.Join(filepath.Dir(path), e.Name()) {
			case path:
			case regular.Temporary(path):
				halves++
			default:
				t.Fatalf("left behind: %s", e.Name())
			}
		}
	}
	t.Logf("killed within %v: %d times the old package, %d times the new, %d temporary files seen", whole, before, after, halves)
	if err := os.WriteFile(path, pkg, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := start().Wait(); err != nil {
		t.Fatal(err)
	}
	alone(t, path)
}
