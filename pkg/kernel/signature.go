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
func cutSignature(src source) (module source, signed bool, err error) {
	const tail = int64(signatureInfoLen + len(signatureMarker))
	end, err := src.read("module signature", uint64(max(src.size-tail, 0)), uint64(min(tail, src.size)))
	if err != nil {
		return source{}, false, err
	}
	info, signed := bytes.CutSuffix(end, []byte(signatureMarker))
	if !signed {
		return src, false, nil
	}
	if len(info) < signatureInfoLen {
		return source{}, true, fmt.Errorf("module signature: %d bytes before the marker, should be at least %d", len(info), signatureInfoLen)
	}
	rest := src.size - tail
	size := int64(binary.BigEndian.Uint32(info[signatureInfoLen-4:]))
	if size >= rest {
		return source{}, true, fmt.Errorf("module signature: sig_len %d, %d bytes before it", size, rest)
	}
	return src.cut(rest - size), true, nil
}
