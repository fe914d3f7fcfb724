// SPDX-License-Identifier: Apache-2.0

//go:build linux

package wire

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Serve is the main function of the first program in a virtual machine: run sends its
// results through the serial port, behind them stands a line that it is done, or why
// it is not.
func Serve(run func(port *os.File) error) {
	// Back to firmware: the machine runs with -no-reboot and ends there.
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	port, err := open()
	if err != nil {
		fmt.Println("init:", err)
		return
	}
	last := End{Done: true}
	if err := run(port); err != nil {
		last = End{Fatal: err.Error()}
	}
	json.NewEncoder(port).Encode(last)
	drain(port)
}

// open makes the virtual machine's file systems and opens the serial port that
// results go to.
func open() (*os.File, error) {
	if err := mount(); err != nil {
		return nil, err
	}
	return openPort()
}

func mount() error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}} {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil && err != unix.EBUSY {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	return nil
}

// openPort opens the serial port that the kernel's command line names.
func openPort() (*os.File, error) {
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return nil, err
	}
	_, name, _ := strings.Cut(" "+string(line), " results=")
	name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
	return os.OpenFile("/dev/"+name, os.O_WRONLY, 0)
}

// drain waits until the port has sent everything.
func drain(port *os.File) {
	unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1)
}
