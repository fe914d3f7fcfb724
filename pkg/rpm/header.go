// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

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
	lead, err := readLead(r)
	if err != nil {
		return nil, err
	}
	sig, err := readBlob(r, signatureKind)
	if err != nil {
		return nil, err
	}
	main, err := readBlob(r, headerKind)
	if err != nil {
		return nil, err
	}
	h := &header{blob: main, sig: sig}
	if err := h.verifyDigests(); err != nil {
		return nil, err
	}
	if h.tags, err = rpmutils.ReadHeader(h.small(lead)); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return h, nil
}

// small is the package's beginning with only the tags that are read by go-rpmutils, which
// copies everything it is given. The arrays of files, which may have a million elements,
// are read in place: see [header.strings] and [header.numbers].
func (h *header) small(lead []byte) io.Reader {
	empty := fieldList(nil).marshal(signatureKind)
	empty = append(empty, make([]byte, -len(empty)&7)...)
	return io.MultiReader(bytes.NewReader(lead), bytes.NewReader(empty), bytes.NewReader(h.blob.abridged(headerKind, func(t tag) bool {
		return tagNames[t] != "" && !slices.Contains(fileTags, t)
	})))
}

// fileTags are the arrays with an element for each file or folder.
var fileTags = []tag{
	tagBaseNames, tagDirNames, tagDirIndexes, tagFileSizes, tagLongFileSizes, tagFileModes, tagFileLinkTos, tagFileFlags, tagFileDevices, tagFileInodes,
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

// A stringList is an array of strings in the bytes of the header.
type stringList struct {
	data []byte
	ends []uint32 // of each, behind its NUL
}

func (l stringList) len() int { return len(l.ends) }

// at returns a string, which belongs to the header.
func (l stringList) at(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.data[start : l.ends[i]-1]
}

// strings returns the array of strings of one of the fileTags.
func (h *header) strings(t tag) (l stringList, err error) {
	e, data := h.blob.find(t)
	if e == nil {
		return l, nil
	}
	if e.typ != typeStringArray {
		return l, tagError(t, "%v, want a string array", e.typ)
	}
	l = stringList{data, make([]uint32, e.count)}
	end := 0
	for i := range l.ends {
		end += bytes.IndexByte(data[end:], 0) + 1 // verifyEntry found them all
		l.ends[i] = uint32(end)
	}
	return l, nil
}

// A numberList is an array of integers in the bytes of the header.
type numberList struct {
	data []byte
	size int // of each in bytes
}

func (l numberList) len() int {
	if l.size == 0 {
		return 0
	}
	return len(l.data) / l.size
}

func (l numberList) at(i int) uint64 {
	b := l.data[i*l.size:]
	switch l.size {
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	}
	return binary.BigEndian.Uint64(b)
}

// numbers returns the array of integers of type want of one of the fileTags.
func (h *header) numbers(t tag, want dataType) (l numberList, err error) {
	e, data := h.blob.find(t)
	if e == nil {
		return l, nil
	}
	if e.typ != want {
		return l, tagError(t, "%v, want %v", e.typ, want)
	}
	return numberList{data, int(want.size())}, nil
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
