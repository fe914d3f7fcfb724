// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// leadSize is the size of the lead in bytes, the fixed block at the start of a package
// file. Only file(1) goes by it: everything in it is in the header again.
const leadSize = 96

// magic begins every package.
var magic = []byte{0xed, 0xab, 0xee, 0xdb}

// ErrNotRPM: a file does not begin as a package does.
var ErrNotRPM = errors.New("not an RPM")

// headerStyleSignature is the only signature type rpm accepts
// (RPMSIGTYPE_HEADERSIG): the signature is a header of its own.
const headerStyleSignature = 5

// readLead reads the lead and checks what rpm checks (lib/rpmlead.cc): magic, major
// version, signature type. Whether this is a source package is asked of the header,
// which a digest covers.
func readLead(r io.Reader) ([]byte, error) {
	lead := make([]byte, leadSize)
	n, err := io.ReadFull(r, lead)
	if got := lead[:min(n, len(magic))]; !bytes.HasPrefix(magic, got) {
		return nil, fmt.Errorf("lead: magic %x, %w", got, ErrNotRPM)
	}
	if err != nil {
		return nil, fmt.Errorf("lead: %d of %d bytes: %w", n, leadSize, noEOF(err))
	}
	if major := lead[4]; major != 3 && major != 4 {
		return nil, fmt.Errorf("lead: package version %d, only 3 and 4 are known", major)
	}
	if t := binary.BigEndian.Uint16(lead[78:]); t != headerStyleSignature {
		return nil, fmt.Errorf("lead: signature type %d, want %d", t, headerStyleSignature)
	}
	return lead, nil
}

// noEOF turns an end of file where more has to follow into an error.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
