// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"fmt"
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

// TestShort has the words for what ends too early, and who may ask for it.
func TestShort(t *testing.T) {
	for want, err := range map[string]error{
		"cut short; download or build the file again":                            AsShort(fmt.Errorf("x: %w", io.ErrUnexpectedEOF)),
		"cut short, 10 of 96 bytes are there; download or build the file again":  Short("%d of %d bytes are there", 10, 96),
		"a: cut short, 1 of 2 bytes are there; download or build the file again": AsShort(fmt.Errorf("a: %w", Short("1 of 2 bytes are there"))),
	} {
		if err.Error() != want || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, ErrShort) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := AsShort(ErrCut); err != ErrCut {
		t.Errorf("another error became %v", err)
	}
}
