// SPDX-License-Identifier: Apache-2.0

package kernel

import "io"

// NewELFReader reads the headers of an ELF file that is not in memory, as OpenImage does.
func NewELFReader(r io.ReaderAt, size int64) (*ELF, error) {
	src, err := fromReader(r, size)
	if err != nil {
		return nil, err
	}
	return newELF(src)
}
