// SPDX-License-Identifier: Apache-2.0

package regular

import (
	"errors"
	"fmt"
	"io"
)

// ErrShort says that a file, or what is packed in one, ends too early, in the words that all
// kinds of files have for it. It is an [io.ErrUnexpectedEOF].
var ErrShort error = short("")

// short is ErrShort with the figures.
type short string

// Short is [ErrShort] with what is there, such as "10 of 96 bytes are there".
func Short(format string, args ...any) error { return short(fmt.Sprintf(format, args...)) }

func (s short) Error() string {
	const do = "; download or build the file again"
	if s == "" {
		return "cut short" + do
	}
	return "cut short, " + string(s) + do
}

func (s short) Is(target error) bool { return target == io.ErrUnexpectedEOF || target == ErrShort }

// AsShort makes [ErrShort] of the end that a decoder met where more has to follow: io.EOF and
// io.ErrUnexpectedEOF. Other errors, and one that says it already, stay as they are.
func AsShort(err error) error {
	if errors.Is(err, ErrShort) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrShort
	}
	return err
}
