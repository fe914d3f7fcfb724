// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// call is a system call of a traced program on a file, before it is made.
type call struct {
	number uint64
	path   string
	size   *uint64 // how many bytes are to be read or written; nil for other calls
	fail   unix.Errno
}

// reads reports whether the call takes bytes out of the file.
func (c *call) reads() bool {
	switch c.number {
	case unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE:
		return true
	}
	return false
}

// traced runs the program and has meddle change its calls on files below a folder.
func traced(t *testing.T, dir string, meddle func(*call), args ...string) (status int, stdout, stderr string) {
	t.Helper()
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	var files [2]*os.File
	for i := range files {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	program, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := syscall.ForkExec(program, append([]string{program}, args...), &syscall.ProcAttr{
		Dir:   dir,
		Env:   append(os.Environ(), "XDG_CACHE_HOME="+os.DevNull, "GOMAXPROCS=2", probeFile+"="+os.DevNull),
		Files: []uintptr{null.Fd(), files[0].Fd(), files[1].Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		t.Skipf("no program can be traced here: %v", err)
	}
	status, err = (&tracer{dir: dir, meddle: meddle, inside: map[int]*call{}}).follow(pid)
	if err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Fatal(err)
	}
	for i, to := range []*string{&stdout, &stderr} {
		text, err := io.ReadAll(io.NewSectionReader(files[i], 0, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		*to = string(text)
	}
	return status, stdout, stderr
}

// tracer follows a program from call to call (ptrace(2)).
type tracer struct {
	dir    string
	meddle func(*call)
	inside map[int]*call // by thread: the call that it is in
}

// follow goes on until the program ends, and returns its exit status.
func (tr *tracer) follow(pid int) (int, error) {
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		return 0, err
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(pid, options); err != nil {
		return 0, err
	}
	for tid := pid; ; {
		signal := 0
		switch sig := status.StopSignal(); {
		case sig == unix.SIGTRAP|0x80:
			if err := tr.stopped(tid); err != nil && err != unix.ESRCH { // all threads end at once
				return 0, err
			}
		case sig != unix.SIGTRAP && sig != unix.SIGSTOP:
			signal = int(sig)
		}
		if err := unix.PtraceSyscall(tid, signal); err != nil && err != unix.ESRCH {
			return 0, err
		}
		for { // the next thread that stops
			var err error
			// Other tests have children of their own.
			if tid, err = unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil); err != nil && err != unix.EINTR {
				return 0, err
			}
			switch {
			case err != nil:
			case tid == pid && status.Exited():
				return status.ExitStatus(), nil
			case tid == pid && status.Signaled():
				return 0, fmt.Errorf("ended by %v", status.Signal())
			}
			if err == nil && status.Stopped() {
				break
			}
		}
	}
}

// stopped is called before and after each call of a thread.
func (tr *tracer) stopped(tid int) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	if c, ok := tr.inside[tid]; ok { // behind the call
		delete(tr.inside, tid)
		if c == nil || c.fail == 0 {
			return nil
		}
		regs.Rax = -uint64(c.fail)
		return unix.PtraceSetRegs(tid, &regs)
	}
	tr.inside[tid] = nil
	c := &call{number: regs.Orig_rax}
	fd := regs.Rdi
	switch c.number {
	case unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_WRITE, unix.SYS_PWRITE64:
		c.size = &regs.Rdx
	case unix.SYS_COPY_FILE_RANGE:
		c.size = &regs.R8
	case unix.SYS_SENDFILE:
		fd, c.size = regs.Rsi, &regs.R10
	case unix.SYS_FSYNC:
	default:
		return nil
	}
	var err error
	if c.path, err = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, fd)); err != nil || !strings.HasPrefix(c.path, tr.dir) {
		return nil
	}
	tr.meddle(c)
	tr.inside[tid] = c
	if c.fail != 0 {
		regs.Orig_rax = ^uint64(0) // no call at all
	}
	return unix.PtraceSetRegs(tid, &regs)
}

// faulty are commands that read what packagesToWrite has, and those that write. Without
// -hostile some of them are tried.
var faulty = []struct {
	args string
	file string // that must be named when it shrinks
}{
	{"check --no-db kernel.rpm", "kernel.rpm"},
	{"check --no-db --format json .", "kernel.rpm"},
	{"check --no-db --base vmlinux.xz ipheth.ko", "ipheth.ko"},
	{"check --no-db --base vmlinux.xz ipheth.ko", "vmlinux.xz"},
	{"audit --no-db .", "kernel.rpm"},
	{"explain vmlinux.xz kernel.rpm", "vmlinux.xz"},
	{"fingerprint kernel.rpm vmlinux.xz ipheth.ko", "kernel.rpm"},
	{"fingerprint kernel.rpm vmlinux.xz ipheth.ko", "ipheth.ko"},
	{"stamp kernel.rpm", "kernel.rpm"},
	{"stamp --verify kernel.rpm", "kernel.rpm"},
	{"distill --in-place --base vmlinux.xz ipheth.ko", "ipheth.ko"},
	{"distill --output out --base vmlinux.xz ipheth.ko", "vmlinux.xz"},
	{"history --db history.db", ""},
	{"history import --db history.db report.json", "report.json"},
}

// normal is what a command says and leaves where nothing is in its way.
func normal(t *testing.T, dir string, args []string) (status int, stdout, stderr string, left map[string]string) {
	t.Helper()
	status, stdout, stderr = traced(t, dir, func(*call) {}, args...)
	return status, stdout, stderr, contents(t, dir)
}

// contents are the files of a folder, but for those of a database.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "history.db") {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestInterrupted has signals interrupt every third call on a file, and each call read
// or write no more than some bytes: everything is as without.
func TestInterrupted(t *testing.T) {
	for name, meddle := range map[string]func(n int, c *call){
		"EINTR": func(n int, c *call) {
			if n%3 == 0 && c.number != unix.SYS_FSYNC { // for SQLite that is a disk that fails
				c.fail = unix.EINTR
			}
		},
		"short": func(n int, c *call) {
			if c.size != nil && !strings.Contains(c.path, "history.db") { // SQLite takes a short write for a full disk
				*c.size = min(*c.size, uint64(1+n*n%4001))
			}
		},
	} {
		for i, tt := range faulty {
			if i > 0 && (tt.args == faulty[i-1].args || !*allHostile && i%4 > 0) {
				continue
			}
			t.Run(name+" "+tt.args, func(t *testing.T) {
				args := strings.Fields(tt.args)
				status, stdout, stderr, left := normal(t, packagesToWrite(t), args)
				dir, n := packagesToWrite(t), 0
				gotStatus, gotOut, gotErr := traced(t, dir, func(c *call) { n++; meddle(n, c) }, args...)
				if n == 0 {
					t.Fatal("no call was seen")
				}
				if gotStatus != status || gotOut != stdout || gotErr != stderr {
					t.Errorf("%d, was %d\n%s%s", gotStatus, status, cmp.Diff(stdout, gotOut), cmp.Diff(stderr, gotErr))
				}
				for name, data := range contents(t, dir) {
					if name != "/report.json" && data != left[name] {
						t.Errorf("%s has %d bytes, had %d", name, len(data), len(left[name]))
					}
				}
			})
		}
	}
}

// TestShrinks cuts files to half at any moment while they are read: it is an error that
// names the file, unless it was read already. Nothing is written that was made of half
// a file.
func TestShrinks(t *testing.T) {
	for i, tt := range faulty {
		if tt.file == "" || !*allHostile && i%4 > 0 {
			continue
		}
		t.Run(tt.args+", "+tt.file, func(t *testing.T) {
			args := strings.Fields(tt.args)
			whole := packagesToWrite(t)
			was := contents(t, whole)
			status, stdout, _, left := normal(t, whole, args)
			errs := 0
			for at := 1; at <= 12; at++ {
				dir, n := packagesToWrite(t), 0
				file := filepath.Join(dir, tt.file)
				got, gotOut, gotErr := traced(t, dir, func(c *call) {
					if c.path != file || !c.reads() {
						return
					}
					if n++; n == at {
						if err := os.Truncate(file, int64(len(was["/"+tt.file]))/2); err != nil {
							t.Error(err)
						}
					}
				}, args...)
				if n < at {
					break // it is not read that often
				}
				if strings.Contains(gotErr, "panic") || strings.Contains(gotErr, "goroutine ") {
					t.Fatalf("read %d: %s", at, gotErr)
				}
				switch {
				case got == exitError && strings.Contains(gotErr, tt.file):
					errs++
				case got != status || gotOut != stdout:
					t.Errorf("read %d: exit status %d, was %d\n%s%s", at, got, status, gotOut, gotErr)
				}
				now := contents(t, dir)
				for _, name := range slices.Sorted(maps.Keys(now)) {
					half := name == "/"+tt.file && now[name] == was[name][:len(was[name])/2]
					if !half && name != "/report.json" && now[name] != was[name] && now[name] != left[name] {
						t.Errorf("read %d: %s has %d bytes, neither as it was nor as it is to be", at, name, len(now[name]))
					}
				}
			}
			if errs == 0 {
				t.Error("no moment was found at which it matters")
			}
		})
	}
}
