// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command survive is the only program in the virtual machine: it loads modules one
// after the other, without force, says what the kernel serves of each, and has BPF
// programs call their kfuncs, through cilium/ebpf.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"golang.org/x/sys/unix"
)

func main() {
	// Back to firmware: the machine runs with -no-reboot and ends there.
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	port, err := wire.Open()
	if err != nil {
		fmt.Println("init:", err)
		return
	}
	out := json.NewEncoder(port)
	last := wire.Survived{Done: true}
	if err := run(out); err != nil {
		last = wire.Survived{Fatal: err.Error()}
	}
	out.Encode(last)
	wire.Drain(port)
}

func run(out *json.Encoder) error {
	list, err := os.ReadFile("/" + wire.ModuleList)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(list)) {
		if err := out.Encode(load(name)); err != nil {
			return err
		}
	}
	return programs(out)
}

// load loads a module.
func load(name string) wire.Survived {
	r := wire.Survived{Module: name}
	file, err := os.ReadFile("/" + wire.Modules + "/" + name + ".ko")
	if err == nil {
		err = unix.InitModule(file, "")
	}
	if err != nil {
		r.Err = err.Error()
	}
	if data, err := os.ReadFile("/sys/kernel/btf/" + name); err == nil {
		r.BTF, r.Sum = len(data), wire.Sum(data)
	}
	return r
}

// programs loads each BPF program, and one on the entry of each function that is asked
// for.
func programs(out *json.Encoder) error {
	object, err := os.ReadFile("/" + wire.Object)
	if err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return err
	}
	entry := spec.Programs["entry"]
	delete(spec.Programs, "entry")
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		p := spec.Programs[name]
		if member, ok := strings.CutPrefix(p.SectionName, "struct_ops/"); ok {
			p.Type, p.AttachTo = ebpf.StructOps, "tcp_congestion_ops:"+strings.TrimRight(member, "2")
		}
		if err := out.Encode(try(name, p)); err != nil {
			return err
		}
	}
	functions, err := os.ReadFile("/" + wire.Functions)
	if err != nil {
		return err
	}
	for f := range strings.FieldsSeq(string(functions)) {
		p := entry.Copy()
		p.AttachTo = f
		if err := out.Encode(try("entry of "+f, p)); err != nil {
			return err
		}
	}
	return nil
}

func try(name string, spec *ebpf.ProgramSpec) wire.Survived {
	r := wire.Survived{Program: name}
	p, err := ebpf.NewProgram(spec)
	if err == nil {
		p.Close()
		return r
	}
	r.Err = err.Error()
	if ve := (*ebpf.VerifierError)(nil); errors.As(err, &ve) {
		for _, line := range ve.Log {
			if !strings.HasPrefix(line, "processed ") && line != "" {
				r.Err = line // the last says why
			}
		}
	}
	return r
}
