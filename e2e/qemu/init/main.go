// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command init is the only program in the virtual machine: it loads the carrier
// module once for each trial and tells on a serial port what the kernel made of it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
)

func main() {
	wire.Serve(func(port *os.File) error {
		results := json.NewEncoder(port)
		runProgram(results)
		return tryAll(results)
	})
}

// runProgram runs the program that came along, if one did.
func runProgram(results *json.Encoder) {
	args, err := os.ReadFile("/" + wire.ProgramArgs)
	if err != nil {
		return
	}
	cmd := exec.Command("/"+wire.Program, strings.Fields(string(args))...)
	cmd.Dir = filepath.Dir(cmd.Path)
	out, err := cmd.CombinedOutput()
	res := wire.Result{Said: string(out)}
	if err != nil {
		res.Load = err.Error()
	}
	results.Encode(res)
}

func tryAll(results *json.Encoder) error {
	c, err := openCarrier()
	if err != nil {
		return err
	}
	log, err := openLog()
	if err != nil {
		return err
	}
	f, err := os.Open("/" + wire.TrialsFile)
	if err != nil {
		return err
	}
	trials := bufio.NewReaderSize(f, 1<<20)
	for n := 0; ; n++ {
		t, err := wire.Read(trials)
		if errors.Is(err, io.EOF) && t.BTF == nil {
			return nil
		}
		if err != nil {
			return err
		}
		res, err := c.try(t, log)
		if err != nil {
			return fmt.Errorf("trial %d: %w", n, err)
		}
		res.Trial = n
		if err := results.Encode(res); err != nil {
			return err
		}
	}
}
