// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelLog is an open /dev/kmsg.
type kernelLog int

func openLog() (kernelLog, error) {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDWR|unix.O_NONBLOCK, 0)
	return kernelLog(fd), err
}

// mark is a line of our own. A line that the kernel did not end, as 6.12 forgets
// to in one case, cannot be read before another one follows.
const mark = "init: end of trial"

// read returns the lines that came since the last call. Each read gives one
// record, "6,1234,98765,-;text", with fields on lines of their own behind it
// (Documentation/ABI/testing/dev-kmsg).
func (l kernelLog) read() ([]string, error) {
	if _, err := unix.Write(int(l), []byte(mark+"\n")); err != nil {
		return nil, fmt.Errorf("kernel log: %w", err)
	}
	var lines []string
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.Read(int(l), buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil { // EPIPE: lines were overwritten before they were read
			return lines, fmt.Errorf("kernel log: %w", err)
		}
		record, _, _ := strings.Cut(string(buf[:n]), "\n")
		_, text, ok := strings.Cut(record, ";")
		if text == mark {
			return lines, nil
		}
		if ok {
			lines = append(lines, text)
		}
	}
}
