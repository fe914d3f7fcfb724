// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command running is the first program in a virtual machine whose modules were replaced
// by those of another build. It loads some, as a machine had them loaded before the
// update, and asks obs-btf-guard check --running: as root and as nobody, and once more
// with the kernel that runs as the one that would boot next.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"golang.org/x/sys/unix"
)

func main() { wire.Serve(func(port *os.File) error { return run(json.NewEncoder(port)) }) }

const (
	root   = 0
	nobody = 65534
)

func run(out *json.Encoder) error {
	list, err := os.ReadFile("/" + wire.Before)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(list)) {
		file, err := os.ReadFile("/" + wire.Modules + "/" + name + ".ko")
		if err != nil {
			return err
		}
		if err := unix.InitModule(file, ""); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return err
	}
	for _, user := range []uint32{root, nobody} {
		for _, format := range []string{"text", "json"} {
			if err := out.Encode(ask("replaced", user, format)); err != nil {
				return err
			}
		}
	}
	image := "/boot/vmlinuz-" + unix.ByteSliceToString(uts.Release[:])
	if err := os.Rename("/"+wire.OwnImage, image); err != nil {
		return err
	}
	for _, format := range []string{"text", "json"} {
		if err := out.Encode(ask("kept", root, format)); err != nil {
			return err
		}
	}
	return nil
}

// ask calls the program as a user.
func ask(boot string, user uint32, format string) wire.Asked {
	a := wire.Asked{Boot: boot, User: user, Format: format}
	cmd := exec.Command("/"+wire.Guard, "check", "--running", "--no-db", "--no-cache", "--format", format)
	cmd.Env = []string{"HOME=/", "PATH=/"}
	if user != root {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.Stderr = err.Error()
		a.Exit = -1
		return a
	}
	a.Stdout, a.Stderr, a.Exit = stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	return a
}
