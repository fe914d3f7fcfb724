// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import "fmt"

// machine is what the kernels of one architecture run on.
type machine struct {
	goarch  string
	table   string   // below testdata/tables: a base of its byte order
	qemu    []string // the program and the machine
	console string   // the first serial port, as the kernel names it
	port    string   // the one that results come from

	// devices are the two ports, "" where the machine has one.
	devices [2]string
}

// machines by the architecture of the kernel's image.
var machines = map[string]machine{
	"x86_64": {
		goarch: "amd64", table: "le64.base.btf", console: "ttyS0", port: "ttyS1",
		qemu: []string{"qemu-system-x86_64", "-nodefaults"},
	},
	// The machine virt has one port; that on PCI is the first of its driver.
	"aarch64": {
		goarch: "arm64", table: "le64.base.btf", console: "ttyAMA0", port: "ttyS0",
		qemu:    []string{"qemu-system-aarch64", "-nodefaults", "-machine", "virt"},
		devices: [2]string{1: "pci-serial"},
	},
	// One terminal of lines, and one that passes on each byte.
	"s390x": {
		goarch: "s390x", table: "be64.base.btf", console: "ttyS0", port: "ttysclp0",
		qemu:    []string{"qemu-system-s390x", "-nodefaults"},
		devices: [2]string{"sclplmconsole", "sclpconsole"},
	},
}

// serial gives the options that put both ports into files.
func (m machine) serial(console, port string) (options []string) {
	for i, path := range []string{console, port} {
		if m.devices[i] == "" {
			options = append(options, "-serial", "file:"+path)
			continue
		}
		id := fmt.Sprintf("port%d", i)
		options = append(options, "-chardev", "file,id="+id+",path="+path, "-device", m.devices[i]+",chardev="+id)
	}
	return options
}
