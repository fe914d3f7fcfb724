// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// MaxUnpacked counts all wrappings together: here each layer alone would pass.
func TestUnpackedLimit(t *testing.T) {
	file := make([]byte, 5000)
	copy(file, "\x9f\xeb\x01\x00\x18\x00\x00\x00") // raw BTF by its header
	const layers = 3
	sizes := 0
	for range layers {
		sizes += len(file)
		packed := new(bytes.Buffer)
		w, _ := gzip.NewWriterLevel(packed, gzip.NoCompression)
		w.Write(file)
		w.Close()
		file = packed.Bytes()
	}
	open := func(limit int) error {
		o := opener{decoder: new(decompress.Decoder), left: int64(limit), image: new(Image)}
		src, err := fromReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		return o.open(src)
	}
	if err := open(sizes); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := open(sizes - 1); !errors.Is(err, decompress.ErrTooLarge) {
		t.Errorf("past the limit: error %v", err)
	}
}
