// SPDX-License-Identifier: Apache-2.0

package decompress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// lzmaReader reads an lzma-alone file, which holds exactly one stream.
type lzmaReader struct {
	in *bufio.Reader
	r  *lzma.Reader
}

// newLzmaReader checks the 13-byte header of in before the decoder sees it:
// the dictionary is allocated as declared there.
func newLzmaReader(in *bufio.Reader) (*lzmaReader, error) {
	header, err := in.Peek(lzma.HeaderLen)
	if err != nil {
		return nil, err
	}
	if dict := binary.LittleEndian.Uint32(header[1:]); dict > MaxWindow {
		return nil, fmt.Errorf("header asks for a dictionary of %d bytes, the limit is %d", dict, MaxWindow)
	}
	r, err := lzma.ReaderConfig{DictCap: MaxWindow}.NewReader(in)
	if err != nil {
		return nil, err
	}
	return &lzmaReader{in, r}, nil
}

func (l *lzmaReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != io.EOF {
		return n, err
	}
	if _, peekErr := l.in.Peek(1); peekErr == nil {
		return n, errors.New("data behind the end of the stream")
	} else if peekErr != io.EOF {
		return n, peekErr
	}
	return n, io.EOF
}
