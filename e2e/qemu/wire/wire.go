// SPDX-License-Identifier: Apache-2.0

// Package wire is what the test on the host and the init program inside the
// virtual machine say to each other: trials go in as one file of records, a
// result comes out for each as a line of JSON.
package wire

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// Files of the initramfs.
const (
	CarrierFile = "carrier.ko"
	CarrierInfo = "carrier.json"
	TrialsFile  = "trials"

	// Program is run before the trials, in its folder and with the arguments of
	// ProgramArgs, a line each.
	Program     = "e2e/conformance/program"
	ProgramArgs = "e2e/conformance/args"
)

// Trial is one module to try: the carrier with these sections.
type Trial struct {
	BTF     []byte
	Base    []byte // .BTF.base
	HasBase bool   // there is a .BTF.base, of whatever size
}

// Carrier tells where in the carrier's file the headers of the two sections are,
// each an Elf64_Shdr that says of an empty section, and the name that turns the
// second one into .BTF.base.
type Carrier struct {
	Module     string
	BTFHeader  uint64
	BaseHeader uint64
	BaseName   uint32
}

// Result is what the kernel made of a trial.
type Result struct {
	Trial int      `json:"trial"`
	Load  string   `json:"load,omitempty"`  // error of init_module
	BTF   bool     `json:"btf,omitempty"`   // /sys/kernel/btf has the module
	Size  int      `json:"size,omitempty"`  // bytes that it holds
	Sum   string   `json:"sum,omitempty"`   // and their FNV-1a, 64 bit, in hex
	Lines []string `json:"lines,omitempty"` // of the kernel log, escaped as in /dev/kmsg
	Said  string   `json:"said,omitempty"`  // output of the program, in place of a trial

	End
}

// End is the last line that comes out.
type End struct {
	Fatal string `json:"fatal,omitempty"` // nothing more can be tried
	Done  bool   `json:"done,omitempty"`  // nothing more is to be tried
}

// Last is the end itself, of any line that may be the last.
func (e End) Last() End { return e }

// Survived is what became of a module or a BPF program.
type Survived struct {
	Module  string `json:"module,omitempty"`
	Program string `json:"program,omitempty"`
	Err     string `json:"err,omitempty"`   // why the kernel refused it
	Ran     uint32 `json:"ran,omitempty"`   // what the program returned
	Taint   string `json:"taint,omitempty"` // letters of /sys/module/MODULE/taint: E is without a valid signature
	BTF     int    `json:"btf,omitempty"`   // bytes that /sys/kernel/btf serves of the module
	Sum     string `json:"sum,omitempty"`   // of them

	Entries *Entries `json:"entries,omitempty"`
	Traces  *Traces  `json:"traces,omitempty"`

	End
}

// Entries is what became of programs on the entry of the modules' functions.
type Entries struct {
	Traceable int      `json:"traceable"` // functions that .BTF names and ftrace knows
	Loaded    int      `json:"loaded"`    // programs that the kernel took
	Attached  int      `json:"attached"`
	Refused   []string `json:"refused"` // module, function and why
}

// Traces is what the kernel says of the types of a module's trace events: those whose
// number names the struct of the event, and of others what it names.
type Traces struct {
	Right int      `json:"right"`
	Wrong []string `json:"wrong"`
}

// Plan is what the program survive does.
type Plan struct {
	Load    []string `json:"load"`    // files of Modules, in the order of loading; .xz is for the kernel to unpack
	Entries int      `json:"entries"` // functions to load a program for
	Attach  int      `json:"attach"`  // and to attach it to
}

// Files of the initramfs of the program survive.
const (
	Modules    = "modules"
	PlanFile   = "plan.json"
	Object     = "programs.o"
	Congestion = "congestion" // a folder: objects with a struct of TCP congestion control each
)

// Sum is the FNV-1a of data, 64 bit, in hex.
func Sum(data []byte) string {
	h := fnv.New64a()
	h.Write(data)
	return fmt.Sprintf("%016x", h.Sum64())
}

// absent is the length that stands for no section.
const absent = ^uint32(0)

// Write appends a trial to the file.
func Write(w io.Writer, t Trial) error {
	if err := writeBytes(w, t.BTF); err != nil {
		return err
	}
	if t.HasBase {
		return writeBytes(w, t.Base)
	}
	return binary.Write(w, binary.LittleEndian, absent)
}

func writeBytes(w io.Writer, b []byte) error {
	if err := binary.Write(w, binary.LittleEndian, uint32(len(b))); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// Read takes the next trial from the file; io.EOF says that there is none.
func Read(r io.Reader) (Trial, error) {
	data, _, err := readBytes(r)
	if err != nil {
		return Trial{}, err
	}
	base, ok, err := readBytes(r)
	if err != nil {
		return Trial{}, fmt.Errorf("trial cut short: %w", err)
	}
	return Trial{BTF: data, Base: base, HasBase: ok}, nil
}

func readBytes(r io.Reader) (b []byte, ok bool, err error) {
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, false, err
	}
	if n == absent {
		return nil, false, nil
	}
	b = make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, true, err
}
