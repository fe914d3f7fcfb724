// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"golang.org/x/sys/unix"
)

// carrier is the module that carries the trials' sections.
type carrier struct {
	wire.Carrier
	file []byte
}

func openCarrier() (*carrier, error) {
	c := new(carrier)
	info, err := os.ReadFile("/" + wire.CarrierInfo)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(info, &c.Carrier); err != nil {
		return nil, err
	}
	c.file, err = os.ReadFile("/" + wire.CarrierFile)
	return c, err
}

// try loads the carrier with a trial's sections, and unloads it.
func (c *carrier) try(t wire.Trial, log kernelLog) (wire.Result, error) {
	if _, err := log.read(); err != nil {
		return wire.Result{}, err
	}
	var res wire.Result
	loaded := true
	if err := unix.InitModule(c.with(t), ""); err != nil {
		res.Load, loaded = err.Error(), false
	}
	data, err := os.ReadFile("/sys/kernel/btf/" + c.Module)
	switch {
	case err == nil:
		res.BTF, res.Size, res.Sum = true, len(data), wire.Sum(data)
	case !os.IsNotExist(err):
		return res, err
	}
	if res.Lines, err = log.read(); err != nil {
		return res, err
	}
	if loaded {
		if err := unix.DeleteModule(c.Module, unix.O_NONBLOCK); err != nil {
			return res, fmt.Errorf("unload: %w", err)
		}
	}
	return res, nil
}

// with is the carrier's file with a trial's sections behind its end.
func (c *carrier) with(t wire.Trial) []byte {
	file := make([]byte, len(c.file), len(c.file)+len(t.BTF)+len(t.Base)+16)
	copy(file, c.file)
	file = section(file, c.BTFHeader, t.BTF)
	if t.HasBase {
		binary.NativeEndian.PutUint32(file[c.BaseHeader:], c.BaseName)
		file = section(file, c.BaseHeader, t.Base)
	}
	return file
}

// section appends data and lets the section header at hdr say so: sh_offset is
// its fourth word of eight bytes, sh_size the one behind it.
func section(file []byte, hdr uint64, data []byte) []byte {
	for len(file)%8 != 0 {
		file = append(file, 0)
	}
	binary.NativeEndian.PutUint64(file[hdr+24:], uint64(len(file)))
	binary.NativeEndian.PutUint64(file[hdr+32:], uint64(len(data)))
	return append(file, data...)
}
