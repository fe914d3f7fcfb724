// SPDX-License-Identifier: Apache-2.0

package xz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

// Checks of a block's output, by their number in a stream's flags.
const (
	checkNone   = 0
	checkCRC32  = 1
	checkCRC64  = 4
	checkSHA256 = 10
)

var crc64Table = crc64.MakeTable(crc64.ECMA)

// check is the check of a stream's blocks.
type check struct {
	id   byte
	hash hash.Hash // nil for none
}

func newCheck(id byte) (check, error) {
	switch id {
	case checkNone:
		return check{id, nil}, nil
	case checkCRC32:
		return check{id, crc32.NewIEEE()}, nil
	case checkCRC64:
		return check{id, crc64.New(crc64Table)}, nil
	case checkSHA256:
		return check{id, sha256.New()}, nil
	}
	return check{}, FormatError(fmt.Sprintf("check %d is not supported", id))
}

func (c check) write(b []byte) {
	if c.hash != nil {
		c.hash.Write(b)
	}
}

// size is the number of bytes of a result.
func (c check) size() int {
	if c.hash == nil {
		return 0
	}
	return c.hash.Size()
}

// equal compares the result with what the file says, and begins anew.
func (c check) equal(claimed []byte) bool {
	switch h := c.hash.(type) {
	case nil:
		return true
	case hash.Hash32:
		return h.Sum32() == binary.LittleEndian.Uint32(claimed)
	case hash.Hash64:
		return h.Sum64() == binary.LittleEndian.Uint64(claimed)
	default:
		return bytes.Equal(h.Sum(nil), claimed)
	}
}

func (c check) reset() {
	if c.hash != nil {
		c.hash.Reset()
	}
}

// sound says whether b ends with the CRC32 of what is in front of it.
func sound(b []byte) bool {
	n := len(b) - 4
	return crc32.ChecksumIEEE(b[:n]) == binary.LittleEndian.Uint32(b[n:])
}
