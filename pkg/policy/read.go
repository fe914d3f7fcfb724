// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// Read parses the file at path, which errors and rulings call name. Where there
// is none, the error is an fs.ErrNotExist.
func Read(path, name string) (Policy, error) {
	// Something that is no file must not keep us waiting.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Policy{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Policy{}, err
	}
	if !info.Mode().IsRegular() {
		return Policy{}, fmt.Errorf("%s: not a regular file", name)
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return Policy{}, err
	}
	return Parse(name, text)
}
