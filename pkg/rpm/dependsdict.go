// SPDX-License-Identifier: Apache-2.0

package rpm

// Which file brought which dependency (rpm build/rpmfc.cc, rpmfcGenerateDepends;
// read by lib/rpmfi.cc, rpmfilesFDepends, for rpm --fileprovide and
// --filerequire):
//
//	DEPENDSDICT   kind's letter <<24 | place in the array of that kind
//	FILEDEPENDSX  per file: its first entry of DEPENDSDICT
//	FILEDEPENDSN  per file: how many

const dictIndexMask = 1<<24 - 1

// moveFileDependencies makes the three arrays follow dependencies that have
// moved, and takes out those that were dropped.
func moveFileDependencies(h *header, list *fieldList, revisions []*revision) error {
	dict, err := h.ints(tagDependsDict, typeInt32)
	if err != nil || dict == nil {
		return err
	}
	byLetter := make(map[byte]*revision)
	for _, r := range revisions {
		byLetter[kinds[r.kind].letter] = r
	}
	var kept []uint32
	gone := make([]uint32, len(dict)+1) // entries taken out in front of each one
	for i, v := range dict {
		entry := uint32(v)
		gone[i+1] = gone[i]
		if r := byLetter[byte(entry>>24)]; r != nil {
			at := int(entry & dictIndexMask)
			if at >= len(r.old) {
				return tagError(tagDependsDict, "entry %d points to %s %d of %d", i, kinds[r.kind].word, at, len(r.old))
			}
			if r.moved[at] < 0 {
				gone[i+1]++
				continue
			}
			entry = entry&^dictIndexMask | uint32(r.moved[at])
		}
		kept = append(kept, entry)
	}
	list.set(int32Array(tagDependsDict, kept))
	if len(kept) == len(dict) {
		return nil
	}
	return shrinkFileDependencies(h, list, gone)
}

// shrinkFileDependencies takes the entries that are gone out of every file's
// range. A file that had no other gets 0 and 0, as from rpmbuild.
func shrinkFileDependencies(h *header, list *fieldList, gone []uint32) error {
	first, err := h.ints(tagFileDependsX, typeInt32)
	if err != nil {
		return err
	}
	number, err := h.ints(tagFileDependsN, typeInt32)
	if err != nil {
		return err
	}
	if len(first) != len(number) {
		return tagError(tagFileDependsN, "%d entries, tag %v has %d", len(number), tagFileDependsX, len(first))
	}
	entries := uint64(len(gone) - 1)
	newFirst, newNumber := make([]uint32, len(first)), make([]uint32, len(first))
	for i := range first {
		end := first[i] + number[i]
		if end > entries {
			return tagError(tagFileDependsX, "file %d: entries %d to %d, tag %v has %d", i, first[i], end, tagDependsDict, entries)
		}
		if newNumber[i] = uint32(number[i]) - (gone[end] - gone[first[i]]); newNumber[i] > 0 {
			newFirst[i] = uint32(first[i]) - gone[first[i]]
		}
	}
	list.set(int32Array(tagFileDependsX, newFirst))
	list.set(int32Array(tagFileDependsN, newNumber))
	return nil
}
