// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// An entry is a sequence of parts. Each is a head of 16 bytes, little-endian, and a
// zstd frame with a checksum:
//
//	kind uint32, not 0
//	packed uint32   bytes of the frame
//	plain  uint32   bytes that it unpacks to
//	number uint32   of the part, from 0
//
// A head of kind 0 ends the entry and has the number of parts.
type head struct{ Kind, Packed, Plain, Number uint32 }

const headSize = 16

// MaxPart is the most bytes in a part. A frame is no larger, but for what zstd has around
// bytes that it cannot compress.
const (
	MaxPart   = 32 << 20
	maxPacked = MaxPart + MaxPart/128 + headSize
)

// A Part is a part of an entry, still packed.
type Part struct {
	Kind   uint32
	packed []byte
	plain  int
}

// An Entry is read from its first part to its last.
type Entry struct {
	file *os.File
	left int64 // bytes not yet read
	next uint32
}

var errDamaged = errors.New("the entry is damaged")

// Next returns the next part, io.EOF behind the last one.
func (e *Entry) Next() (Part, error) {
	var raw [headSize]byte
	if e.left < headSize {
		return Part{}, errDamaged
	}
	if _, err := io.ReadFull(e.file, raw[:]); err != nil {
		return Part{}, err
	}
	e.left -= headSize
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(raw[4*i:]) }
	h := head{word(0), word(1), word(2), word(3)}
	switch {
	case h.Number != e.next:
		return Part{}, errDamaged
	case h.Kind == 0 && e.left == 0:
		return Part{}, io.EOF
	case h.Kind == 0, int64(h.Packed) > e.left, h.Packed > maxPacked, h.Plain > MaxPart:
		return Part{}, errDamaged
	}
	p := Part{h.Kind, make([]byte, h.Packed), int(h.Plain)}
	if _, err := io.ReadFull(e.file, p.packed); err != nil {
		return Part{}, err
	}
	e.left -= int64(h.Packed)
	e.next++
	return p, nil
}

// Close ends reading.
func (e *Entry) Close() { e.file.Close() }

// An Unpacker unpacks one part after the other. The zero value is ready.
type Unpacker struct {
	decoder *zstd.Decoder
	buffer  []byte
}

// Unpack returns what a part holds. It is valid until the next call.
func (u *Unpacker) Unpack(p Part) ([]byte, error) {
	if u.decoder == nil {
		var err error
		if u.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxPart)); err != nil {
			return nil, err
		}
	}
	data, err := u.decoder.DecodeAll(p.packed, u.buffer[:0])
	if err != nil {
		return nil, err
	}
	if u.buffer = data; len(data) != p.plain {
		return nil, errDamaged
	}
	return data, nil
}

// Close releases what the Unpacker holds.
func (u *Unpacker) Close() {
	if u.decoder != nil {
		u.decoder.Close()
	}
	*u = Unpacker{}
}

// A Writer writes an entry. Its methods may be called at the same time. What was
// written counts only once Commit has returned without an error.
type Writer struct {
	dir *Dir
	to  string

	packers sync.Pool // of *packer

	mu     sync.Mutex // guards what is below
	file   *os.File
	number uint32
	err    error
}

type packer struct {
	encoder *zstd.Encoder
	buffer  []byte
}

// Add adds a part; kind is not 0. data may be reused once it returns.
func (w *Writer) Add(kind uint32, data []byte) error {
	if len(data) > MaxPart {
		return w.fail(fmt.Errorf("%d bytes, a part has at most %d", len(data), MaxPart))
	}
	p, _ := w.packers.Get().(*packer)
	if p == nil {
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(512<<10))
		if err != nil {
			return w.fail(err)
		}
		p = &packer{encoder: encoder}
	}
	defer w.packers.Put(p)
	p.buffer = p.encoder.EncodeAll(data, append(p.buffer[:0], make([]byte, headSize)...))

	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	h := head{kind, uint32(len(p.buffer) - headSize), uint32(len(data)), w.number}
	if _, w.err = binary.Encode(p.buffer, binary.LittleEndian, h); w.err == nil {
		_, w.err = w.file.Write(p.buffer)
	}
	w.number++
	return w.err
}

func (w *Writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// Commit makes the entry one, in the place of what there was of its key.
func (w *Writer) Commit() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = binary.Write(w.file, binary.LittleEndian, head{Number: w.number})
	}
	if err := w.file.Close(); w.err == nil {
		w.err = err
	}
	if w.err == nil {
		w.err = os.Rename(w.file.Name(), w.to)
	}
	if w.err != nil {
		os.Remove(w.file.Name())
		return w.err
	}
	return w.dir.trim()
}

// Abort gives the entry up.
func (w *Writer) Abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.file.Close()
	os.Remove(w.file.Name())
}
