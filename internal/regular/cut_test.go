// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestSized(t *testing.T) {
	s := Sized{strings.NewReader("12345678"), 8}
	if data, err := io.ReadAll(io.NewSectionReader(s, 0, 8)); err != nil || len(data) != 8 {
		t.Errorf("%q, %v", data, err)
	}
	if n, err := s.ReadAt(make([]byte, 4), 6); n != 2 || err != io.EOF {
		t.Errorf("at its end: %d, %v", n, err)
	}
	s.Size = 9
	if data, err := io.ReadAll(io.NewSectionReader(s, 0, 9)); !errors.Is(err, ErrCut) || len(data) != 8 || err.Error() != "cut short while it was read: it had 9 bytes" {
		t.Errorf("%q, %v", data, err)
	}
}
