// SPDX-License-Identifier: Apache-2.0

package running

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"unsafe"

	cilium "github.com/cilium/ebpf/btf"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"golang.org/x/sys/unix"
)

// btfFolder has one file for the base, vmlinux, and one for each module that was
// loaded with its BTF (btf_vmlinux_init and btf_module_notify in kernel/bpf/btf.c).
// Everybody may read them.
const btfFolder = "sys/kernel/btf"

// maxObject bounds one table in bytes: the kernel takes no more than 16 MiB of strings
// and a million types.
const maxObject = 64 << 20

// objects are the tables that the kernel holds. They are asked for by the bpf system
// call, which only root may, and otherwise read from files.
type objects struct {
	system *system
	ids    map[string]cilium.ID // by name; nil where the kernel was not asked
	files  map[string]bool
}

// openObjects lists the tables. That of a system below another folder than / is never
// asked for: the kernel that would answer is another one.
func openObjects(s *system) (*objects, error) {
	o := &objects{system: s}
	if s.root == "/" {
		o.ids = loadedBTF()
	}
	entries, err := os.ReadDir(s.path(btfFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	o.files = map[string]bool{}
	for _, e := range entries {
		o.files[e.Name()] = true
	}
	return o, nil
}

// loadedBTF lists the kernel's own tables and those of modules, nil where that is not
// allowed (it takes CAP_SYS_ADMIN).
func loadedBTF() map[string]cilium.ID {
	out := map[string]cilium.ID{}
	it := new(cilium.HandleIterator)
	defer func() { it.Handle.Close() }()
	for it.Next() {
		info, err := it.Handle.Info()
		if err != nil {
			return nil
		}
		if info.IsKernel {
			out[info.Name] = info.ID
		}
	}
	if it.Err() != nil {
		return nil
	}
	return out
}

// asked reports whether the kernel itself listed the tables that it holds.
func (o *objects) asked() bool { return len(o.ids) > 0 }

// has reports whether the kernel holds a table of that name.
func (o *objects) has(name string) bool {
	_, ok := o.ids[name]
	return ok || o.files[name]
}

// read gives the bytes of a table. The error is fs.ErrNotExist where there is none.
func (o *objects) read(name string) ([]byte, error) {
	if id, ok := o.ids[name]; ok {
		h, err := cilium.NewHandleFromID(id)
		if err == nil {
			defer h.Close()
			return tableOf(h)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("BTF of %s: %w", name, err)
		}
		// It was unloaded meanwhile.
	}
	f, err := regular.Open(o.system.path(btfFolder, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxObject+1))
	if err == nil && len(b) > maxObject {
		err = fmt.Errorf("more than %d bytes, a table has at most %[1]d", maxObject)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), regular.WithoutPath(err))
	}
	return b, nil
}

// btfInfo is struct bpf_btf_info in include/uapi/linux/bpf.h.
type btfInfo struct {
	table   uint64 // address of a buffer, then of its content
	size    uint32 // of the buffer, then of the table
	id      uint32
	name    uint64
	nameLen uint32
	kernel  uint32
}

// tableOf reads the raw table behind a handle, which cilium/ebpf gives decoded only:
// BPF_OBJ_GET_INFO_BY_FD, once for its size and once for its bytes.
func tableOf(h *cilium.Handle) ([]byte, error) {
	var info btfInfo
	if err := getInfo(h.FD(), &info); err != nil {
		return nil, err
	}
	if info.size > maxObject {
		return nil, fmt.Errorf("table of %d bytes, it has at most %d", info.size, maxObject)
	}
	if info.size == 0 {
		return nil, nil
	}
	b := make([]byte, info.size)
	var pinner runtime.Pinner // the kernel writes where b is
	pinner.Pin(&b[0])
	defer pinner.Unpin()
	info = btfInfo{table: uint64(uintptr(unsafe.Pointer(&b[0]))), size: info.size}
	if err := getInfo(h.FD(), &info); err != nil {
		return nil, err
	}
	return b[:min(int(info.size), len(b))], nil
}

func getInfo(fd int, info *btfInfo) error {
	var pinner runtime.Pinner
	pinner.Pin(info)
	defer pinner.Unpin()
	// The part of union bpf_attr that BPF_OBJ_GET_INFO_BY_FD reads.
	attr := struct {
		fd, len uint32
		info    uint64
	}{uint32(fd), uint32(unsafe.Sizeof(*info)), uint64(uintptr(unsafe.Pointer(info)))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return errno
	}
	return nil
}
