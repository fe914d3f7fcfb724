// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// A blob is a header as it is in the file, checked by readBlob:
//
//	magic 8e ad e8 01, four zero bytes
//	number of index entries, bytes of data (uint32, big endian)
//	the index: tag, type, offset into the data, count (uint32 each) per entry
//	the data
//
// Its first entry is the region, which says that the entries after it are as built. The
// region's value, 16 bytes, is the end of the data.
type blob struct {
	name    string // for messages
	raw     []byte // magic to data, without padding: what the digests are made over
	data    []byte
	entries []entry
}

// An entry is one row of a blob's index.
type entry struct {
	tag    tag
	typ    dataType
	offset uint32
	count  uint32
	end    uint32 // where its data ends
}

// blobKind has what differs between the two headers.
type blobKind struct {
	name    string
	region  tag
	maxTags uint32
	maxData uint32
	padded  bool // padded to 8 bytes in the file

	// loose: the region may be missing or cover only the first entries.
	// Programs that sign finished packages append outside of it.
	loose bool
}

var (
	signatureKind = blobKind{"signature header", sigRegion, maxSignatureTags, maxSignatureData, true, true}
	headerKind    = blobKind{"header", tagRegion, maxHeaderTags, maxHeaderData, false, false}
)

const (
	introSize = 16 // magic, reserved, number of entries, bytes of data
	entrySize = 16

	// firstTag is the lowest tag besides the region (HEADER_I18NTABLE).
	firstTag tag = 100

	// headerImage is the region tag that old rpms wrote into the trailer of
	// signature headers; rpm still takes it for HEADERSIGNATURES.
	headerImage tag = 61
)

var headerMagic = []byte{0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0}

// readBlob reads a header and checks it by the rules of rpm's hdrblobVerifyLengths,
// hdrblobVerifyRegion and hdrblobVerifyInfo (lib/header.cc), so that every offset and
// count is valid after it. Stricter than rpm: no tag twice, no array of more than maxArray
// elements. The bytes are kept once.
func readBlob(r io.Reader, kind blobKind) (*blob, error) {
	var intro [introSize]byte
	if n, err := io.ReadFull(r, intro[:]); err != nil {
		return nil, fmt.Errorf("%s: %w", kind.name, cutAt(err, n, introSize))
	}
	if !bytes.HasPrefix(intro[:], headerMagic) {
		return nil, fmt.Errorf("%s: magic %x, want %x", kind.name, intro[:8], headerMagic)
	}
	tags, dataLen := binary.BigEndian.Uint32(intro[8:]), binary.BigEndian.Uint32(intro[12:])
	if tags < 1 || tags > kind.maxTags {
		return nil, fmt.Errorf("%s: %d tags, allowed are 1 to %d", kind.name, tags, kind.maxTags)
	}
	if dataLen < 1 || dataLen > kind.maxData {
		return nil, fmt.Errorf("%s: %d bytes of data, allowed are 1 to %d", kind.name, dataLen, kind.maxData)
	}

	size := int64(tags)*entrySize + int64(dataLen)
	padding := int64(0)
	if kind.padded {
		padding = -int64(dataLen) & 7
	}
	raw, err := readBehind(r, intro[:], size+padding)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind.name, cutAt(err, len(raw), introSize+int(size+padding)))
	}
	b := &blob{name: kind.name, raw: raw[:introSize+size]}
	index := b.raw[introSize : introSize+tags*entrySize]
	b.data = b.raw[introSize+tags*entrySize:]
	return b, b.verify(index, kind)
}

// hugeBlob is more bytes than the header of any real package has.
const hugeBlob = 32 << 20

// readBehind reads n bytes behind a beginning. It asks for the memory at once where
// that much is left to read, and otherwise for more only as bytes arrive.
func readBehind(r io.Reader, begin []byte, n int64) ([]byte, error) {
	room := n
	if left(r) < n {
		room = min(n, 1<<20)
	}
	if room > hugeBlob {
		runtime.GC() // frees the header of the package before
	}
	out := append(make([]byte, 0, int64(len(begin))+room), begin...)
	out, err := decompress.AppendFrom(out, r, n)
	if err == nil && len(out) < len(begin)+int(n) {
		err = io.ErrUnexpectedEOF
	}
	return out, err
}

// known is a reader of known length.
type known struct {
	r    io.Reader
	rest int64
}

func (k *known) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	k.rest -= int64(n)
	return n, err
}

// left is how many bytes are left to read, -1 if that is not known.
func left(r io.Reader) int64 {
	switch r := r.(type) {
	case *known:
		return r.rest
	case *countingReader:
		return left(r.r)
	case *bytes.Reader:
		return int64(r.Len())
	case *target:
		return left(r.File)
	case *os.File:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		at, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return -1
		}
		return max(info.Size()-at, 0)
	}
	return -1
}

// verify decodes and checks the index.
func (b *blob) verify(index []byte, kind blobKind) error {
	b.entries = make([]entry, 0, len(index)/entrySize)
	seen := make(map[tag]bool, len(index)/entrySize)
	limit, end := uint32(len(b.data)), uint32(0)
	for i := 0; len(index) > 0; i, index = i+1, index[entrySize:] {
		e := entry{
			tag:    tag(binary.BigEndian.Uint32(index)),
			typ:    dataType(binary.BigEndian.Uint32(index[4:])),
			offset: binary.BigEndian.Uint32(index[8:]),
			count:  binary.BigEndian.Uint32(index[12:]),
		}
		if i == 0 {
			if e.tag == kind.region {
				if err := b.verifyRegion(e, kind); err != nil {
					return fmt.Errorf("%s: region: %w", b.name, err)
				}
				if !kind.loose {
					limit = e.offset // the region's trailer belongs to no other entry
				}
				b.entries = append(b.entries, e)
				continue
			}
			if !kind.loose {
				return fmt.Errorf("%s: first tag is %v, want the region, %d", b.name, e.tag, kind.region)
			}
		}
		if err := b.verifyEntry(&e, end, limit); err != nil {
			return fmt.Errorf("%s: tag %v, entry %d: %w", b.name, e.tag, i, err)
		}
		if seen[e.tag] {
			return fmt.Errorf("%s: tag %v: stands there twice", b.name, e.tag)
		}
		seen[e.tag] = true
		end = e.end
		b.entries = append(b.entries, e)
	}
	return nil
}

// verifyRegion checks the region's entry and its trailer: a second index entry,
// within the data, whose offset is minus the size of the region's index.
func (b *blob) verifyRegion(e entry, kind blobKind) error {
	dataLen, tags := uint32(len(b.data)), (len(b.raw)-len(b.data)-introSize)/entrySize
	if e.typ != typeBin || e.count != entrySize {
		return fmt.Errorf("%d elements of %v, want %d of binary", e.count, e.typ, entrySize)
	}
	if dataLen < entrySize || e.offset > dataLen-entrySize {
		return fmt.Errorf("trailer at offset %d, data has %d bytes", e.offset, dataLen)
	}
	trailer := b.data[e.offset:]
	t := tag(binary.BigEndian.Uint32(trailer))
	if kind.loose && t == headerImage {
		t = kind.region
	}
	typ, count := dataType(binary.BigEndian.Uint32(trailer[4:])), binary.BigEndian.Uint32(trailer[12:])
	if t != kind.region || typ != typeBin || count != entrySize {
		return fmt.Errorf("trailer has tag %d, %d elements of %v, want tag %d, %d of binary", t, count, typ, kind.region, entrySize)
	}
	indexLen := -int64(int32(binary.BigEndian.Uint32(trailer[8:])))
	if indexLen%entrySize != 0 || indexLen < entrySize || indexLen > int64(tags)*entrySize {
		return fmt.Errorf("trailer covers %d bytes of index, the index has %d", indexLen, tags*entrySize)
	}
	if kind.loose {
		return nil
	}
	if indexLen != int64(tags)*entrySize {
		return fmt.Errorf("trailer covers %d bytes of index, the index has %d", indexLen, tags*entrySize)
	}
	if e.offset != dataLen-entrySize {
		return fmt.Errorf("trailer at offset %d is not the end of %d bytes of data", e.offset, dataLen)
	}
	return nil
}

// verifyEntry checks one entry and sets its end. Data lies between floor, the
// end of the entry before, and limit: entries that overlap would let a small
// file cost time without end.
func (b *blob) verifyEntry(e *entry, floor, limit uint32) error {
	switch {
	case e.tag < firstTag || e.tag > 1<<31-1:
		return fmt.Errorf("tag %d out of range", uint32(e.tag))
	case e.typ < typeChar || e.typ > typeI18NString:
		return fmt.Errorf("unknown %v", e.typ)
	case e.count < 1 || e.count > uint32(len(b.data)):
		return fmt.Errorf("count %d out of range, data has %d bytes", e.count, len(b.data))
	case e.count > maxArray && e.typ != typeBin:
		return fmt.Errorf("count %d, the limit is %d", e.count, maxArray)
	case e.offset < floor:
		return fmt.Errorf("offset %d overlaps the entry before, which ends at %d", e.offset, floor)
	case e.offset >= limit:
		return fmt.Errorf("offset %d out of range, data has %d bytes", e.offset, limit)
	}
	room := limit - e.offset
	if size := e.typ.size(); size != 0 {
		if e.typ != typeBin && e.offset%size != 0 {
			return fmt.Errorf("offset %d not aligned to %d", e.offset, size)
		}
		if uint64(e.count)*uint64(size) > uint64(room) {
			return fmt.Errorf("%d elements of %v at offset %d, data has %d bytes", e.count, e.typ, e.offset, limit)
		}
		e.end = e.offset + e.count*size
		return nil
	}
	if e.typ == typeString && e.count != 1 {
		return fmt.Errorf("count %d for one string", e.count)
	}
	e.end = e.offset
	for i := range e.count {
		n := bytes.IndexByte(b.data[e.end:limit], 0)
		if n < 0 {
			return fmt.Errorf("string %d of %d not terminated", i+1, e.count)
		}
		e.end += uint32(n) + 1
	}
	return nil
}

// find returns the entry of t and its data, or nil.
func (b *blob) find(t tag) (*entry, []byte) {
	for i, e := range b.entries {
		if e.tag == t {
			return &b.entries[i], b.data[e.offset:e.end]
		}
	}
	return nil, nil
}

// abridged is the header with only the tags for which wanted is true, in rpm's layout.
func (b *blob) abridged(kind blobKind, wanted func(t tag) bool) []byte {
	return slices.DeleteFunc(b.fields(), func(f field) bool { return !wanted(f.tag) }).marshal(kind)
}
