// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	// signatureMarker ends a signed module (include/linux/module_signature.h).
	signatureMarker = "~Module signature appended~\n"

	// signatureInfoLen is the size of struct module_signature before the
	// marker; its last four bytes are sig_len, big endian, the size of the
	// signature before the struct.
	signatureInfoLen = 12
)

// cutSignature returns a module without the signature appended to it. A
// signature said to be larger than the file is an error: the kernel refuses
// such a module (mod_check_sig in kernel/module_signature.c).
func cutSignature(data []byte) (module []byte, signed bool, err error) {
	rest, signed := bytes.CutSuffix(data, []byte(signatureMarker))
	if !signed {
		return data, false, nil
	}
	if len(rest) < signatureInfoLen {
		return nil, true, fmt.Errorf("module signature: %d bytes before the marker, should be at least %d", len(rest), signatureInfoLen)
	}
	rest = rest[:len(rest)-signatureInfoLen]
	size := binary.BigEndian.Uint32(data[len(rest)+signatureInfoLen-4:])
	if uint64(size) >= uint64(len(rest)) {
		return nil, true, fmt.Errorf("module signature: sig_len %d, %d bytes before it", size, len(rest))
	}
	return rest[:len(rest)-int(size)], true, nil
}
