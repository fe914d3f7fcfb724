// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

// machine is what the kernels of one architecture run on.
type machine struct {
	goarch  string
	qemu    []string // the program and the machine
	console string   // the first serial port, as the kernel names it
	port    string   // the one that results come from
	second  []string // the device that is the second port, nil where the machine has two
}

// machines by the architecture of the kernel's image.
var machines = map[string]machine{
	"x86_64": {goarch: "amd64", qemu: []string{"qemu-system-x86_64", "-nodefaults"}, console: "ttyS0", port: "ttyS1"},
	// The machine virt has one port; that on PCI is the first of its driver.
	"aarch64": {
		goarch: "arm64", qemu: []string{"qemu-system-aarch64", "-nodefaults", "-machine", "virt"}, console: "ttyAMA0", port: "ttyS0",
		second: []string{"-device", "pci-serial,chardev=results"},
	},
}

// serial gives the options that put both ports into files.
func (m machine) serial(console, port string) []string {
	if m.second == nil {
		return []string{"-serial", "file:" + console, "-serial", "file:" + port}
	}
	return append([]string{"-serial", "file:" + console, "-chardev", "file,id=results,path=" + port}, m.second...)
}
