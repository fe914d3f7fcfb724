// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"fmt"
	"io"
)

// Bounded reads R, of which more than Most bytes are an error. It remembers R's own
// error, to tell it from those of who reads.
type Bounded struct {
	R    io.Reader
	Most int64

	N   int64 // bytes that came, at most one more than Most
	Err error // of R, other than io.EOF
}

func (b *Bounded) Read(p []byte) (int, error) {
	n, err := b.R.Read(p[:min(int64(len(p)), b.Most+1-b.N)])
	if b.N += int64(n); b.N > b.Most {
		return 0, fmt.Errorf("more than the %d bytes that it may have", b.Most)
	}
	if err != nil && err != io.EOF {
		b.Err = err
	}
	return n, err
}
