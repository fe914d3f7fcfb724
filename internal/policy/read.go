// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Read parses the file at path, which errors and rulings call name. Where there
// is none, the error is an fs.ErrNotExist.
func Read(path, name string) (Policy, error) {
	f, err := regular.Open(path)
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w", name, regular.WithoutPath(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w", name, regular.WithoutPath(err))
	}
	return Parse(name, text)
}
