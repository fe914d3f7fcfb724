// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
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
		return nil, fmt.Errorf("lead: %w", cutAt(err, n, leadSize))
	}
	if major := lead[4]; major != 3 && major != 4 {
		return nil, fmt.Errorf("lead: package version %d, only 3 and 4 are known", major)
	}
	if t := binary.BigEndian.Uint16(lead[78:]); t != headerStyleSignature {
		return nil, fmt.Errorf("lead: signature type %d, want %d", t, headerStyleSignature)
	}
	return lead, nil
}

// cutAt gives an end of file after n of all bytes its words.
func cutAt(err error, n, all int) error {
	if errors.Is(err, io.EOF) || err == io.ErrUnexpectedEOF {
		return regular.Short("%d of %d bytes are there", n, all)
	}
	return err
}
