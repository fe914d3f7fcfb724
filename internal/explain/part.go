// SPDX-License-Identifier: Apache-2.0

package explain

import "slices"

// Parting says where two numberings part: type ids, or the offsets of strings.
type Parting struct {
	Parted bool `json:"parted"`
	// At is the first number that does not stand for the same on both sides.
	At uint32 `json:"at"`
	// MovedAt is the first number whose owner both sides have, and not at the same
	// number; 0 if there is none. Shift is by how much it moved, Holds for how many
	// in a row that is so, of the Behind ones from there on that both sides have.
	MovedAt uint32 `json:"moved_at"`
	Shift   int64  `json:"shift"`
	Holds   int    `json:"holds"`
	Behind  int    `json:"behind"`
	// Shifts counts the different shifts from MovedAt on: 1 if the shift is constant.
	Shifts int `json:"shifts"`
	// End is by how much the numbering ends later, and those of modules begin later.
	End int64 `json:"end"`
}

// positions are what two tables number, in the order of the old one.
type positions struct {
	at  func(i int) uint32 // number of the i-th
	to  []uint32           // its number on the new side, 0 if it is gone
	end [2]uint32          // the numbers behind the last
}

// part finds where the numberings part, how many moved, and how many of what
// both have stands out of order.
func (p positions) part() (out Parting, moved, outOfOrder int) {
	out.End = int64(p.end[1]) - int64(p.end[0])
	shifts := map[int64]bool{}
	steady := true
	var tails []uint32 // the end of the longest ascending row of each length
	stay := 0
	for i, to := range p.to {
		at := p.at(i)
		if at != to && !out.Parted {
			out.Parted, out.At = true, at
		}
		if to == 0 {
			continue
		}
		if at != to {
			moved++
		}
		stay++
		if n := len(tails); n == 0 || tails[n-1] < to {
			tails = append(tails, to)
		} else {
			j, _ := slices.BinarySearch(tails, to)
			tails[j] = to
		}
		if moved == 0 {
			continue
		}
		shift := int64(to) - int64(at)
		if out.Behind++; out.Behind == 1 {
			out.MovedAt, out.Shift = at, shift
		}
		if steady = steady && shift == out.Shift; steady {
			out.Holds++
		}
		if len(shifts) < maxShifts {
			shifts[shift] = true
		}
	}
	if !out.Parted && out.End != 0 {
		out.Parted, out.At = true, min(p.end[0], p.end[1])
	}
	out.Shifts = len(shifts)
	return out, moved, stay - len(tails)
}

// maxShifts is where counting different shifts ends.
const maxShifts = 1 << 16

// countStrings compares the string sections. Strings are matched by content;
// where one occurs several times, in order.
func (d *differ) countStrings(out *Diff) {
	olds, news := d.old.offsets(), d.new.offsets()
	c := &out.Strings
	c.Old, c.New = len(olds), len(news)

	first := make(map[string]int32, len(olds)) // index of the first one not matched yet, +1
	next := make([]int32, len(olds))
	for i := len(olds) - 1; i >= 0; i-- {
		s := d.old.whole(olds, i)
		next[i] = first[s]
		first[s] = int32(i + 1)
	}
	// 1 is added to each offset, since 0 is: gone.
	to := make([]uint32, len(olds))
	for i, off := range news {
		s := d.new.whole(news, i)
		if at := first[s]; at > 0 {
			to[at-1] = off + 1
			first[s] = next[at-1]
		} else {
			c.Added++
		}
	}
	for _, off := range to {
		if off == 0 {
			c.Removed++
		}
	}
	p := positions{to: to, end: [2]uint32{uint32(len(d.old.strings)) + 1, uint32(len(d.new.strings)) + 1}}
	p.at = func(i int) uint32 { return olds[i] + 1 }
	out.Offsets, c.Moved, c.OutOfOrder = p.part()
	if out.Offsets.Parted {
		out.Offsets.At--
	}
	if out.Offsets.Behind > 0 {
		out.Offsets.MovedAt--
	}
}

// offsets is where the table's strings begin.
func (s *side) offsets() []uint32 {
	var out []uint32
	start := 0
	for i := range len(s.strings) {
		if s.strings[i] == 0 {
			out = append(out, uint32(start))
			start = i + 1
		}
	}
	return out
}

// whole is the i-th string.
func (s *side) whole(offsets []uint32, i int) string {
	end := len(s.strings)
	if i+1 < len(offsets) {
		end = int(offsets[i+1])
	}
	return s.strings[offsets[i] : end-1]
}
