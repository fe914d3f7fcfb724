// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"fmt"
	"io"

	"github.com/sassoftware/go-rpmutils"
)

// A header is a verified main header with typed access to its tags. The values
// come from go-rpmutils, which trusts what it reads and so only ever sees bytes
// that readBlob has passed.
type header struct {
	blob *blob
	sig  *blob
	tags *rpmutils.RpmHeader
}

// readHeader reads lead, signature header and header from r, verifies them and
// leaves r at the payload.
func readHeader(r io.Reader) (*header, error) {
	var raw bytes.Buffer
	if err := readLead(r, &raw); err != nil {
		return nil, err
	}
	sig, err := readBlob(r, &raw, signatureKind)
	if err != nil {
		return nil, err
	}
	main, err := readBlob(r, &raw, headerKind)
	if err != nil {
		return nil, err
	}
	h := &header{blob: main, sig: sig}
	if err := h.verifyDigests(); err != nil {
		return nil, err
	}
	if h.tags, err = rpmutils.ReadHeader(&raw); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return h, nil
}

func (h *header) has(t tag) bool {
	e, _ := h.blob.find(t)
	return e != nil
}

// str returns a single string, "" if the tag is absent.
func (h *header) str(t tag) (string, error) {
	e, _ := h.blob.find(t)
	if e == nil {
		return "", nil
	}
	if e.typ != typeString {
		return "", tagError(t, "%v, want a string", e.typ)
	}
	s, err := h.tags.GetString(int(t))
	return s, wrapTag(t, err)
}

// strs returns a string array, nil if the tag is absent.
func (h *header) strs(t tag) ([]string, error) {
	e, _ := h.blob.find(t)
	if e == nil {
		return nil, nil
	}
	if e.typ != typeStringArray {
		return nil, tagError(t, "%v, want a string array", e.typ)
	}
	s, err := h.tags.GetStrings(int(t))
	return s, wrapTag(t, err)
}

// ints returns an array of integers of type want, nil if the tag is absent.
func (h *header) ints(t tag, want dataType) ([]uint64, error) {
	e, _ := h.blob.find(t)
	if e == nil {
		return nil, nil
	}
	if e.typ != want {
		return nil, tagError(t, "%v, want %v", e.typ, want)
	}
	v, err := h.tags.GetUint64s(int(t))
	return v, wrapTag(t, err)
}

// bin returns the bytes of a binary value, nil if the tag is absent or of another type.
func (h *header) bin(t tag) []byte {
	e, _ := h.blob.find(t)
	if e == nil || e.typ != typeBin {
		return nil
	}
	b, err := h.tags.GetBytes(int(t))
	if err != nil {
		return nil
	}
	return b
}

// num returns a single 32-bit integer and whether the tag is there.
func (h *header) num(t tag) (uint32, bool, error) {
	v, err := h.ints(t, typeInt32)
	if err != nil || v == nil {
		return 0, false, err
	}
	if len(v) != 1 {
		return 0, false, tagError(t, "%d values, want 1", len(v))
	}
	return uint32(v[0]), true, nil
}

// tagError says what is wrong with a tag of the main header.
func tagError(t tag, format string, args ...any) error {
	return fmt.Errorf("header: tag %v: "+format, append([]any{t}, args...)...)
}

func wrapTag(t tag, err error) error {
	if err == nil {
		return nil
	}
	return tagError(t, "%w", err)
}
