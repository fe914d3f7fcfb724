// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"golang.org/x/sys/unix"
)

// programs loads each BPF program and runs it on a packet of nothing, in the order of
// their names.
func programs(out *json.Encoder) error {
	object, err := os.ReadFile("/" + wire.Object)
	if err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		r := wire.Survived{Program: name}
		p, err := ebpf.NewProgram(spec.Programs[name])
		if err == nil {
			r.Ran, err = p.Run(&ebpf.RunOptions{Data: make([]byte, 64), DataOut: make([]byte, 512)})
			p.Close()
		}
		r.Err = reason(err)
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// reason is an error in a line. The last one of a verifier's log says why.
func reason(err error) (last string) {
	if err == nil {
		return ""
	}
	last = err.Error()
	if ve := (*ebpf.VerifierError)(nil); errors.As(err, &ve) {
		for _, line := range ve.Log {
			if !strings.HasPrefix(line, "processed ") && line != "" {
				last = line
			}
		}
	}
	return last
}

// congestion attaches each congestion control and sends 8 MiB through it.
func congestion(out *json.Encoder) error {
	if err := loopback(); err != nil {
		return err
	}
	objects, err := os.ReadDir("/" + wire.Congestion)
	if err != nil {
		return err
	}
	for _, o := range objects {
		name := "bpf_" + strings.TrimSuffix(o.Name(), ".o")
		r := wire.Survived{Program: name}
		r.Ran, err = control("/"+wire.Congestion+"/"+o.Name(), name)
		r.Err = reason(err)
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// control attaches a congestion control, and says how often the kernel asked it.
func control(object, name string) (calls uint32, err error) {
	spec, err := ebpf.LoadCollectionSpec(object)
	if err != nil {
		return 0, err
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	l, err := register(c.Maps["ops"])
	if err != nil {
		return 0, fmt.Errorf("register: %w", err)
	}
	defer unix.Close(l)
	if err := transfer(name); err != nil {
		return 0, err
	}
	var n uint64
	err = c.Variables["calls"].Get(&n)
	return uint32(n), err
}

// register attaches a struct of programs, as long as the link is open.
func register(m *ebpf.Map) (link int, err error) {
	const linkCreate, structOps = 28, 44 // include/uapi/linux/bpf.h
	attr := struct{ mapFD, target, attachType, flags uint32 }{mapFD: uint32(m.FD()), attachType: structOps}
	r, _, errno := unix.Syscall(unix.SYS_BPF, linkCreate, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// loopback brings the interface up, and has TCP ask for explicit notices of congestion,
// without which dctcp_init goes back to Reno.
func loopback() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_ecn", []byte("1"), 0o644); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// transfer sends 8 MiB over loopback under a congestion control.
func transfer(name string) error {
	const size = 8 << 20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	received := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			received <- err
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		n, err := io.Copy(io.Discard, c)
		if err == nil && n != size {
			err = fmt.Errorf("%d bytes of %d arrived", n, size)
		}
		received <- err
	}()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		raw.Control(func(fd uintptr) { err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name) })
		return err
	}}
	c, err := d.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	_, err = c.Write(make([]byte, size))
	if err := errors.Join(err, c.Close()); err != nil {
		return err
	}
	return <-received
}
