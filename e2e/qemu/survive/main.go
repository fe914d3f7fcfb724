// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command survive is the only program in the virtual machine: it loads modules one
// after the other, without force, says what the kernel serves of each, and has BPF
// programs call their kfuncs, through cilium/ebpf.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"golang.org/x/sys/unix"
)

func main() {
	wire.Serve(func(port *os.File) error {
		port.WriteString("\n") // what firmware wrote ends here
		return run(json.NewEncoder(port))
	})
}

func run(out *json.Encoder) error {
	var plan wire.Plan
	data, err := os.ReadFile("/" + wire.PlanFile)
	if err == nil {
		err = json.Unmarshal(data, &plan)
	}
	if err != nil {
		return err
	}
	var names []string
	for _, file := range plan.Load {
		r := load(file)
		names = append(names, r.Module)
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	for _, step := range []func(*json.Encoder) error{programs, congestion} {
		if err := step(out); err != nil {
			return err
		}
	}
	if err := unix.Mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, ""); err != nil && err != unix.EBUSY {
		return fmt.Errorf("tracefs: %w", err)
	}
	tables, err := readTables(names)
	if err != nil {
		return err
	}
	if err := tables.traces(out); err != nil {
		return err
	}
	return tables.entries(out, plan)
}

// load loads a module. One that ends in .xz is unpacked by the kernel.
func load(file string) wire.Survived {
	name, rest, _ := strings.Cut(file, ".")
	r := wire.Survived{Module: name}
	flags := 0
	if rest == "ko.xz" {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	f, err := os.Open("/" + wire.Modules + "/" + file)
	if err == nil {
		err = unix.FinitModule(int(f.Fd()), "", flags)
		f.Close()
	}
	if err != nil {
		r.Err = err.Error()
	}
	if taint, err := os.ReadFile("/sys/module/" + name + "/taint"); err == nil {
		r.Taint = strings.TrimSpace(string(taint))
	}
	if data, err := os.ReadFile("/sys/kernel/btf/" + name); err == nil {
		r.BTF, r.Sum = len(data), wire.Sum(data)
	}
	return r
}
