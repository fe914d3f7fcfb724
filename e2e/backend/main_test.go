// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

// Package backend compares what the program asks of OBS with a real backend: source
// server, repository server and scheduler of Debian's obs-server, on loopback
// ports and in a folder of their own. A worker of our own answers the jobs that
// the scheduler makes with packages that the test has ready.
//
//	go test -tags e2ebackend ./e2e/backend
//
// Needs root on a Debian machine, where it installs obs-server if it is missing;
// the backend itself runs as an unprivileged user.
package backend

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

var (
	program string   // the binary under test
	scratch string   // for the backend and for packages; anybody may enter it
	server  *backend // nil where it could not be started
	absent  string   // why there is no backend, where that is no failure
)

func TestMain(m *testing.M) {
	harness.Main(m, func(b *harness.Bench) (err error) {
		program, scratch = b.Program, b.Dir
		if os.Geteuid() != 0 {
			absent = "the backend is started by root, as another user"
			return nil
		}
		if _, err := harness.Script("./install.sh"); harness.Unreachable(err) {
			absent = err.Error()
			return nil
		} else if err != nil {
			return err
		}
		if server, err = startBackend(filepath.Join(scratch, "obs")); err != nil {
			return err
		}
		b.After(func(status int) error {
			err := server.stop()
			if status != 0 || err != nil {
				server.printLogs(os.Stderr)
			}
			return err
		})
		return nil
	})
}
