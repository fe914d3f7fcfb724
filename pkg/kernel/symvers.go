// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Symvers is the set of the symbols that modules may use of a kernel, with their
// versions: the CRC-32 of the symbol's prototype that CONFIG_MODVERSIONS computes,
// 0 without it. It keeps a hash of each name, 8 bytes a symbol: a kernel with its
// modules exports some 25,000, and a repository may have hundreds of kernels. The
// zero value has none.
type Symvers struct {
	// The FNV-1a hash of the name in the upper half, the CRC in the lower; sorted.
	entries []uint64
	partial bool
}

// Partial reports whether the set is only a part of what modules may use: then a
// symbol that it lacks may be there all the same.
func (s *Symvers) Partial() bool { return s.partial }

// NewSymvers makes a set of symbols and their CRCs.
func NewSymvers(symbols iter.Seq2[string, uint32]) *Symvers {
	s := &Symvers{}
	for name, crc := range symbols {
		s.entries = append(s.entries, uint64(SymbolIDOf(name))<<32|uint64(crc))
	}
	slices.Sort(s.entries)
	s.entries = slices.Clip(slices.Compact(s.entries))
	return s
}

// With is the union of two sets. It is nil if s is nil, a kernel of which nothing is
// known: a part does not tell what the whole has.
func (s *Symvers) With(other *Symvers) *Symvers {
	if s == nil || other == nil || len(other.entries) == 0 {
		return s
	}
	all := slices.Concat(s.entries, other.entries)
	slices.Sort(all)
	return &Symvers{slices.Clip(slices.Compact(all)), s.partial}
}

// SymbolID is what a set keeps of a symbol's name, its FNV-1a hash.
type SymbolID uint32

// SymbolIDOf is that of a name. It does without hash/fnv, which takes a slice of bytes:
// Lookup is asked more often than anything else.
func SymbolIDOf(name string) SymbolID {
	const offset, prime = 2166136261, 16777619
	id := SymbolID(offset)
	for i := range len(name) {
		id = (id ^ SymbolID(name[i])) * prime
	}
	return id
}

// Changed yields the symbols of which [Symvers.Lookup] may say something else in another
// set, in order.
func (s *Symvers) Changed(other *Symvers) iter.Seq[SymbolID] {
	return func(yield func(SymbolID) bool) {
		a, b := s.entries, other.entries
		said, last := false, SymbolID(0)
		for len(a) > 0 || len(b) > 0 {
			var e uint64
			switch {
			case len(b) == 0, len(a) > 0 && a[0] < b[0]:
				e, a = a[0], a[1:]
			case len(a) == 0, b[0] < a[0]:
				e, b = b[0], b[1:]
			default:
				a, b = a[1:], b[1:]
				continue
			}
			id := SymbolID(e >> 32)
			if (!said || id != last) && !yield(id) {
				return
			}
			said, last = true, id
		}
	}
}

// Lookup says which CRC a symbol has; where two names have one hash, the one that
// is wanted counts.
func (s *Symvers) Lookup(i Import) (crc uint32, ok bool) {
	h := uint64(SymbolIDOf(i.Symbol))
	at, _ := slices.BinarySearch(s.entries, h<<32)
	for _, e := range s.entries[at:] {
		if e>>32 != h {
			break
		}
		if !ok || uint32(e) == i.CRC {
			crc, ok = uint32(e), true
		}
	}
	return crc, ok
}

// MarshalText writes the set in base64, 8 bytes a symbol in big-endian order, with a
// "~" in front of one that is a part.
func (s *Symvers) MarshalText() ([]byte, error) {
	data := make([]byte, 0, 8*len(s.entries))
	for _, e := range s.entries {
		data = binary.BigEndian.AppendUint64(data, e)
	}
	var mark []byte
	if s.partial {
		mark = []byte("~")
	}
	return base64.StdEncoding.AppendEncode(mark, data), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Symvers) UnmarshalText(text []byte) error {
	text, s.partial = bytes.CutPrefix(text, []byte("~"))
	data, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if len(data)%8 != 0 {
		return fmt.Errorf("%d bytes, not a multiple of 8", len(data))
	}
	s.entries = nil
	for e := range slices.Chunk(data, 8) {
		s.entries = append(s.entries, binary.BigEndian.Uint64(e))
	}
	if !slices.IsSorted(s.entries) {
		return errors.New("symbols are not sorted")
	}
	return nil
}

// MarshalBinary is MarshalText, for encoding/gob, which does not ask for that.
func (s *Symvers) MarshalBinary() ([]byte, error) { return s.MarshalText() }

// UnmarshalBinary reads what MarshalBinary wrote.
func (s *Symvers) UnmarshalBinary(text []byte) error { return s.UnmarshalText(text) }

// Len is the number of symbols.
func (s *Symvers) Len() int { return len(s.entries) }

// SymverCRCs yields the lines of a Module.symvers (scripts/mod/modpost.c,
// write_dump): what the vmlinux and the modules that were built with it export.
// Lines that are something else are passed over.
func SymverCRCs(text string) iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for line := range strings.Lines(text) {
			field, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			symbol, _, _ := strings.Cut(rest, "\t")
			if crc, ok := parseCRC(field); ok && symbol != "" && !yield(symbol, crc) {
				return
			}
		}
	}
}

// parseCRC reads the version of a symbol as Module.symvers and the dependencies of
// packages write it: hexadecimal, with 0x in front or without.
func parseCRC(s string) (crc uint32, ok bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 32)
	return uint32(n), err == nil
}
