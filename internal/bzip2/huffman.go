// SPDX-License-Identifier: Apache-2.0

package bzip2

const (
	maxSymbols = 258 // two digits of runs, 255 places of the list, the block's end
	maxCode    = 20  // bits of a code
	fastCode   = 10  // bits that one look into a table decodes
)

// errCode is returned for lengths that no code has and for bits that no symbol
// has. compress/bzip2 is laxer with codes that leave bits without a symbol.
const errCode = FormatError("invalid Huffman code")

// huffman decodes one canonical code: codes of a length are consecutive numbers,
// in the order of their symbols, and longer ones follow shorter ones.
type huffman struct {
	// fast has for the next fastCode bits the symbol in front and the length
	// of its code: symbol<<lengthBits | length. Length 0 stands for longer codes.
	fast [1 << fastCode]uint16

	limit   [maxCode + 1]uint32 // the first code, filled up to maxCode bits, that is longer
	first   [maxCode + 1]uint32 // the first code of that length
	index   [maxCode + 1]uint32 // and the place of its symbol in symbols
	symbols [maxSymbols]uint16  // in the order of their codes
}

const (
	lengthBits = 5
	lengthMask = 1<<lengthBits - 1
)

// build takes the length of each symbol's code, 1 to maxCode.
func (h *huffman) build(lengths []uint8) error {
	var count [maxCode + 1]uint32
	for _, n := range lengths {
		count[n]++
	}
	code, index := uint32(0), uint32(0)
	var next [maxCode + 1]uint32 // place for the next symbol of that length
	for n := 1; n <= maxCode; n++ {
		code <<= 1
		h.first[n], h.index[n], next[n] = code, index, index
		code += count[n]
		index += count[n]
		if code > 1<<n {
			return errCode
		}
		h.limit[n] = code << (maxCode - n)
	}
	for symbol, n := range lengths {
		h.symbols[next[n]] = uint16(symbol)
		next[n]++
	}

	at := 0
	for n := 1; n <= fastCode; n++ {
		for i := range count[n] {
			entry := h.symbols[h.index[n]+i]<<lengthBits | uint16(n)
			span := 1 << (fastCode - n)
			for range span {
				h.fast[at] = entry
				at++
			}
		}
	}
	clear(h.fast[at:])
	return nil
}

// slow decodes what fast has no entry for: the symbol whose code is in the most
// significant bits of acc and the length of that code, 0 if there is none.
func (h *huffman) slow(acc uint64) (symbol, length uint) {
	code := uint32(acc >> (64 - maxCode))
	for n := fastCode + 1; n <= maxCode; n++ {
		if code < h.limit[n] {
			i := code>>(maxCode-n) - h.first[n] + h.index[n]
			return uint(h.symbols[i]), uint(n)
		}
	}
	return 0, 0
}
