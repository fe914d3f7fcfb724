// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// The s390 boot image begins with the record that starts a machine from a disk, and has
// its name where the kernel is entered, in bytes from the start
// (arch/s390/boot/ipl_parm.c and head.S, arch/s390/include/asm/setup.h).
const (
	s390Start   = "\x00\x08\x00\x00\x80\x00\x02\x00\x02\x00\x00\x18\x60\x00\x00\x50" // PSW, first CCW
	s390MagicAt = 0x10008
	s390Magic   = "S390EP"

	// minS390Kernel is what a kernel has at least once it is unpacked, in bytes. The image
	// has compressed bytes of other things.
	minS390Kernel = 1 << 20

	// s390ReadAhead is more than a decoder reads ahead, in bytes. In all of an image, four
	// bytes may stand by chance.
	s390ReadAhead = 512 << 10
)

// openS390 reads an s390 boot image: a kernel of no sections, compressed in a program
// that unpacks it. No field says where it begins; it is found by how compressed data
// begins, and known to be whole by its unpacked size, which the kernel's build appends
// (cmd_size_append in scripts/Makefile.lib; gzip has it itself).
func (o *opener) openS390(src source) error {
	magic, err := src.read("S390EP", s390MagicAt, uint64(len(s390Magic)))
	if err != nil {
		return err
	}
	if string(magic) != s390Magic {
		return fmt.Errorf("S390EP: % x at %#x", magic, s390MagicAt)
	}
	image, err := src.read("image", 0, uint64(src.size))
	if err != nil {
		return err
	}
	for _, begin := range []string{"\xfd7zXZ\x00", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\x02\x21\x4c\x18", "BZh9"} {
		for at, n := 0, 0; n < maxS390Tries; n++ {
			next := bytes.Index(image[at:], []byte(begin))
			if next < 0 {
				break
			}
			at += next
			if kernel, format, ok := o.tryS390(image[at:]); ok {
				o.wrapped(string(KindS390Image))
				o.wrapped(string(format))
				return o.openFlatAs(inMemory(kernel), "s390x", binary.BigEndian)
			}
			at++
		}
	}
	// CONFIG_KERNEL_UNCOMPRESSED
	if err := o.openFlatAs(inMemory(image), "s390x", binary.BigEndian); err != nil {
		return err
	}
	if o.image.Banner == "" {
		return errors.New("holds no kernel that could be unpacked whole")
	}
	return nil
}

// maxS390Tries bounds how many beginnings of a format are tried.
const maxS390Tries = 64

// tryS390 unpacks what may be the kernel. Behind it, other parts of the image follow,
// which the decoder takes for an error at its end.
func (o *opener) tryS390(data []byte) (kernel []byte, format decompress.Format, ok bool) {
	format = decompress.Detect(data)
	if format == decompress.None {
		return nil, "", false
	}
	in := bytes.NewReader(data)
	r, err := o.decoder.Reader(format, in)
	if err != nil {
		return nil, "", false
	}
	kernel, err = decompress.AppendFrom(nil, r, o.left+1)
	if len(kernel) < minS390Kernel || int64(len(kernel)) > o.left || errors.Is(err, io.ErrUnexpectedEOF) && format != decompress.Lz4 {
		return nil, "", false
	}
	// The decoder has read a little further than to the end.
	read := len(data) - in.Len()
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(kernel)))
	if !bytes.Contains(data[max(0, read-s390ReadAhead):min(len(data), read+len(size))], size) {
		return nil, "", false
	}
	o.left -= int64(len(kernel))
	return kernel, format, true
}
