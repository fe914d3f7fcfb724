// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package conformance

import (
	"bytes"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cmdBTFLoad is BPF_BTF_LOAD of include/uapi/linux/bpf.h.
const cmdBTFLoad = 18

// loadAttr is the part of union bpf_attr that the command reads.
type loadAttr struct {
	btf, logBuf                          uint64
	btfSize, logSize, logLevel, trueSize uint32
}

// logSize is more than the kernel says about the largest table of the test. It
// would answer ENOSPC to a smaller one.
const logSize = 8 << 20

// loader gives tables to the running kernel.
type loader struct{ buf []byte }

// load returns the kernel's error number, 0 if it took the table, and its log,
// which lives until the next call.
func (l *loader) load(data []byte) (syscall.Errno, []byte) {
	if l.buf == nil {
		l.buf = make([]byte, logSize)
	}
	l.buf[0] = 0
	attr := loadAttr{
		btf: address(data), btfSize: uint32(len(data)),
		logBuf: address(l.buf), logSize: uint32(len(l.buf)), logLevel: 1,
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, cmdBTFLoad, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(data)
	if errno == 0 {
		unix.Close(int(fd))
	}
	end := bytes.IndexByte(l.buf, 0)
	return errno, l.buf[:end]
}

func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
