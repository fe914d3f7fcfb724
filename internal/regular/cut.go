// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"fmt"
	"io"
)

// ErrCut says that a file ends earlier than when it was looked at: what was read of it
// shows nothing of what it is.
var ErrCut = errors.New("cut short while it was read")

// Sized is a file that had Size bytes when it was looked at.
type Sized struct {
	io.ReaderAt
	Size int64
}

// ReadAt reads as of any file, but an end before Size is [ErrCut].
func (s Sized) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.ReaderAt.ReadAt(p, off)
	if end := off + int64(n); err == io.EOF && end < s.Size {
		err = fmt.Errorf("%w: it had %d bytes", ErrCut, s.Size)
	}
	return n, err
}
