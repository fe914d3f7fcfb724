// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// expands says whether data unpacks to so much that trying it would only show
// how fast a decoder is.
func expands(data []byte) bool {
	d := new(decompress.Decoder)
	defer d.Close()
	r, err := d.Reader(decompress.Detect(data), bytes.NewReader(data))
	if err != nil {
		return false
	}
	n, _ := io.CopyN(io.Discard, r, 4<<20)
	return n == 4<<20
}

func FuzzImage(f *testing.F) {
	for _, file := range images() {
		f.Add(file)
	}
	f.Add(overlappingTables()[:1000])
	f.Fuzz(func(t *testing.T, data []byte) {
		if expands(data) {
			t.Skip("unpacks to more than a fuzz run should wait for")
		}
		img, err := openImage(data)
		if err != nil {
			return
		}
		if img.Order == nil || img.Kind == "" {
			t.Errorf("%+v", img)
		}
		if img.ELF != nil {
			for range img.ELF.Symbols() {
			}
		}
	})
}
