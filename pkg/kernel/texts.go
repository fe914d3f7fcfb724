// SPDX-License-Identifier: Apache-2.0

package kernel

import "bytes"

// readTexts looks for whole texts in parts of src, once through all of them. It
// is nil where not all could be searched, as then what was not found may be
// there.
func readTexts(src source, parts []extent, texts []string) (map[string]bool, error) {
	overlap := 0
	found := make(map[string]bool, len(texts))
	for _, t := range texts {
		found[t] = false
		overlap = max(overlap, len(t)-1)
	}
	left := append([]string(nil), texts...)
	// The sections of a real file do not overlap.
	searched, most := uint64(0), min(maxTraces, uint64(src.size))
	for _, part := range parts {
		if searched += part.size; searched > most {
			return nil, nil
		}
		for off, end := part.offset, part.offset+part.size; off < end && len(left) > 0; {
			n := min(end-off, textWindow)
			data, err := src.read("texts", off, n)
			if err != nil {
				return nil, err
			}
			missing := left[:0]
			for _, t := range left {
				if found[t] = bytes.Contains(data, []byte(t)); !found[t] {
					missing = append(missing, t)
				}
			}
			left = missing
			if off+n == end {
				break
			}
			off += n - uint64(overlap) // a text may begin in the last bytes
		}
	}
	return found, nil
}

// textWindow is how much is searched for one text after the other, little enough
// to stay in the processor's cache.
const textWindow = 256 << 10
