// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	cbtf "github.com/cilium/ebpf/btf"
	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"golang.org/x/sys/unix"
)

// tables are what the kernel serves of modules.
type tables struct {
	names   []string // in the order of loading
	of      map[string]*btf.Table
	handles map[string]*cbtf.Handle
	objects map[cbtf.ID]string // names by the numbers of the kernel's objects
}

func readTables(names []string) (*tables, error) {
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		return nil, err
	}
	base, err := btf.Parse(data, nil)
	if err != nil {
		return nil, err
	}
	t := &tables{of: map[string]*btf.Table{}}
	for _, name := range names {
		if data, err := os.ReadFile("/sys/kernel/btf/" + name); err == nil && t.of[name] == nil {
			if table, err := btf.Parse(data, base); err == nil {
				t.names, t.of[name] = append(t.names, name), table
			}
		}
	}
	return t, t.open()
}

// traces reads the numbers that Linux 7.3 and later gives for trace events of modules.
func (ts *tables) traces(out *json.Encoder) error {
	files, err := filepath.Glob("/sys/kernel/tracing/events/*/*/btf_ids")
	if err != nil {
		return err
	}
	of := map[string]*wire.Traces{}
	for _, file := range files {
		var object cbtf.ID
		var raw, tp btf.TypeID
		data, err := os.ReadFile(file)
		if err == nil {
			_, err = fmt.Sscanf(string(data), "btf_obj_id: %d\nraw_btf_id: %d\ntp_btf_id: %d", &object, &raw, &tp)
		}
		name, module := ts.objects[object]
		if err == nil && !module {
			continue // of vmlinux
		}
		r := of[name]
		if r == nil {
			r = new(wire.Traces)
			of[name] = r
		}
		if err != nil {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s: %v: %q", file, err, data))
			continue
		}
		table := ts.of[name]
		if typ, ok := table.Type(tp); !ok || typ.Kind() != btf.KindStruct || !strings.HasPrefix(table.Name(typ), "trace_event_raw_") {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s: %d is %v %s", file, tp, typ.Kind(), table.Name(typ)))
			continue
		}
		r.Right++
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if err := out.Encode(wire.Survived{Program: "trace events of " + name, Traces: of[name]}); err != nil {
			return err
		}
	}
	return nil
}

// entries loads programs for the entries of functions, the first of each module before
// the second ones, and attaches some of them.
func (ts *tables) entries(out *json.Encoder, plan wire.Plan) error {
	traceable, err := traceable()
	if err != nil {
		return err
	}
	type function struct {
		module, name string
		id           btf.TypeID
	}
	var rounds [][]function
	r := wire.Entries{}
	for _, module := range ts.names {
		table, n := ts.of[module], 0
		for typ := range table.Types() {
			if name := table.Name(typ); typ.Kind() == btf.KindFunc && traceable[module+" "+name] {
				if n == len(rounds) {
					rounds = append(rounds, nil)
				}
				rounds[n] = append(rounds[n], function{module, name, typ.ID})
				n++
				r.Traceable++
			}
		}
	}
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20})
	tried := 0
	for _, round := range rounds {
		for _, f := range round {
			if tried == plan.Entries {
				return out.Encode(wire.Survived{Program: "entries", Entries: &r})
			}
			tried++
			fd, err := loadEntry(uint32(ts.handles[f.module].FD()), f.id)
			if err == nil {
				r.Loaded++
				if r.Attached < plan.Attach {
					if err = attach(fd); err == nil {
						r.Attached++
						continue // and stays attached
					}
				}
				unix.Close(fd)
			}
			if err != nil {
				r.Refused = append(r.Refused, fmt.Sprintf("%s: %s: %v", f.module, f.name, err))
			}
		}
	}
	return out.Encode(wire.Survived{Program: "entries", Entries: &r})
}

// traceable lists the functions of modules that ftrace knows, "module function".
func traceable() (map[string]bool, error) {
	f, err := os.Open("/sys/kernel/tracing/available_filter_functions")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, module, ok := strings.Cut(lines.Text(), " ["); ok {
			out[strings.TrimSuffix(module, "]")+" "+name] = true
		}
	}
	return out, lines.Err()
}

// open opens the kernel's tables of all modules.
func (ts *tables) open() error {
	ts.handles, ts.objects = map[string]*cbtf.Handle{}, map[cbtf.ID]string{}
	it := new(cbtf.HandleIterator)
	defer func() { it.Handle.Close() }()
	for it.Next() {
		info, err := it.Handle.Info()
		if err != nil {
			return err
		}
		if ts.of[info.Name] != nil {
			ts.objects[info.ID] = info.Name
			ts.handles[info.Name] = it.Take()
		}
	}
	return it.Err()
}

// loadEntry loads a program for the entry of a function, by its number: return 0.
func loadEntry(object uint32, function btf.TypeID) (fd int, err error) {
	const tracing, traceFentry, progLoad = 26, 24, 5 // include/uapi/linux/bpf.h
	var code bytes.Buffer
	for _, insn := range []uint64{0xb7, 0x95} { // r0 = 0; exit
		binary.Write(&code, binary.NativeEndian, insn)
	}
	license, log := []byte("GPL\x00"), make([]byte, 16<<10)
	attr := struct { // the members of union bpf_attr for BPF_PROG_LOAD, up to the last one used
		typ, insns          uint32
		code, license       uint64
		logLevel, logSize   uint32
		log                 uint64
		version, flags      uint32
		name                [16]byte
		ifindex, expected   uint32
		_                   [9]uint32 // of the program's own BTF
		attachID, attachBTF uint32
	}{
		typ: tracing, insns: uint32(code.Len() / 8), code: pointer(code.Bytes()), license: pointer(license),
		logLevel: 1, logSize: uint32(len(log)), log: pointer(log), expected: traceFentry, attachID: uint32(function), attachBTF: object,
	}
	r, errno := uintptr(0), unix.EAGAIN
	for errno == unix.EAGAIN { // the verifier gives up where a signal is waiting
		r, _, errno = unix.Syscall(unix.SYS_BPF, progLoad, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	runtime.KeepAlive(&code)
	runtime.KeepAlive(license)
	runtime.KeepAlive(log)
	if errno != 0 {
		said, _, _ := bytes.Cut(log, []byte{0})
		said, _, _ = bytes.Cut(said, []byte("\nprocessed "))
		return -1, fmt.Errorf("%w: %s", errno, said)
	}
	return int(r), nil
}

// attach attaches a program to what it was loaded for.
func attach(program int) error {
	const rawTracepointOpen = 17
	attr := struct {
		name uint64
		prog uint32
		_    uint32
	}{prog: uint32(program)}
	if _, _, errno := unix.Syscall(unix.SYS_BPF, rawTracepointOpen, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr)); errno != 0 {
		return errors.Join(errors.New("attach"), errno)
	}
	return nil
}

func pointer(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&b[0]))) }
