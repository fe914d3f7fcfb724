// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/xz"
)

const (
	// MaxUnpacked is the most bytes that are decompressed for one file, all
	// of its wrappings together.
	MaxUnpacked = 1 << 30

	// maxWrappings is how deep a kernel may be wrapped. Real kernels need two:
	// a compressed EFI zboot image.
	maxWrappings = 4
)

// ErrNotImage is returned for a file that is no kernel image, nor wraps one.
var ErrNotImage = errors.New("not a kernel image")

// Image is what a vmlinux or a boot image says of itself.
type Image struct {
	Facts
	Order binary.ByteOrder // never nil

	// BTF holds the .BTF section, nil if there is none or an empty one: the
	// kernel makes no difference.
	BTF []byte

	// ELF gives access to the symbols of a vmlinux and is nil for anything
	// else. It holds on to the unpacked file; set it to nil to let go.
	ELF *ELF
}

// Facts are what an [Image] says but for its types: plain values that encoding/gob writes.
type Facts struct {
	// Kind is what was found inside all wrappings: KindVmlinux,
	// KindArm64Image, KindRISCVImage, KindS390Image or KindBTF.
	Kind Kind
	// Wrapping names the layers around it, outermost first: bzImage, xz.
	Wrapping []string

	Arch   string // as in [ELF.Arch]; "" for raw BTF
	Bits   int    // 32 or 64; 0 for raw BTF
	BTFIDs []byte // .BTF_ids

	// Release is the kernelrelease, "6.1.0-53-amd64", from the banner or, if
	// there is none, from the boot image's header. "" is unknown.
	Release string
	// Banner is the line that /proc/version starts with, "" if not found.
	Banner string
	// Vermagic is what the kernel compares that of a module with, a space at its end
	// included: "6.1.0-53-amd64 SMP preempt mod_unload modversions ". "" if not found.
	Vermagic string
	// Config is the built-in configuration (CONFIG_IKCONFIG=y), nil if there
	// is none.
	Config Config
	// Texts says which of the texts that were asked for the kernel holds, nil if
	// none were, or in raw BTF.
	Texts map[string]bool

	// Exported is what a vmlinux itself exports to modules, as [ELF.Exported] has it,
	// nil where it does not say.
	Exported *Symvers
}

// OpenImage reads the kernel in the size bytes behind r: a vmlinux, plain or
// compressed, an x86 bzImage, an arm64 or riscv Image, an EFI zboot or s390 image, or
// the raw bytes of a .BTF section. d does the decompression and may serve many
// images; nil stands for one of its own. A plain vmlinux is not read as a whole, so
// its debug information costs nothing; r must stay readable as long as Image.ELF is
// used.
//
// texts are looked for among the kernel's constants, for [Facts.Texts].
//
// A kernel without BTF is no error: BTF is then nil. Errors wrap [ErrNotImage]
// where the content is something else, and decompress.ErrTooLarge where it
// passes [MaxUnpacked], or what decompress.Bound allows for its size; otherwise the
// file is damaged, and they name the field.
func OpenImage(r io.ReaderAt, size int64, d *decompress.Decoder, texts ...string) (*Image, error) {
	src, err := fromReader(r, size)
	if err != nil {
		return nil, err
	}
	if d == nil {
		d = new(decompress.Decoder)
		defer d.Close()
	}
	most := decompress.Bound(size, MaxUnpacked)
	o := opener{decoder: d, most: most, left: most, image: new(Image), texts: texts}
	if err := o.open(src); err != nil {
		if layers := o.image.Wrapping; len(layers) > 0 {
			err = fmt.Errorf("%s: %w", strings.Join(layers, ": "), err)
		}
		return nil, err
	}
	return o.image, nil
}

// opener takes off one wrapping after the other.
type opener struct {
	decoder *decompress.Decoder
	most    int64 // bytes that may be decompressed, of all wrappings together
	left    int64 // of them
	image   *Image
	texts   []string

	configSeen bool // the built-in config was found, readable or not
}

func (o *opener) open(src source) error {
	for {
		prefix, err := src.prefix(IdentifyLen)
		if err != nil {
			return err
		}
		kind := Identify(prefix)
		switch kind {
		case KindVmlinux, KindArm64Image, KindRISCVImage, KindS390Image, KindBTF:
			o.image.Kind = kind
			return o.openKernel(kind, src)
		}
		if len(o.image.Wrapping) >= maxWrappings {
			return fmt.Errorf("wrapped more than %d times", maxWrappings)
		}
		switch kind {
		case KindBzImage:
			o.wrapped(string(kind))
			src, err = o.openBzImage(src)
		case KindZboot:
			o.wrapped("zboot")
			src, err = o.openZboot(src)
		case KindCompressed:
			src, err = o.unpack(src, decompress.Detect(prefix), 0, uint64(src.size))
		case KindUnknown:
			return ErrNotImage
		default:
			return fmt.Errorf("%w: found %s", ErrNotImage, kind)
		}
		if err != nil {
			return err
		}
	}
}

func (o *opener) openKernel(kind Kind, src source) error {
	switch kind {
	case KindArm64Image:
		return o.openFlat(src, "aarch64")
	case KindRISCVImage:
		return o.openFlat(src, "riscv64")
	case KindS390Image:
		return o.openS390(src)
	case KindBTF:
		return o.openBTF(src)
	}
	return o.openVmlinux(src)
}

func (o *opener) openBTF(src source) error {
	data, err := src.read("BTF", 0, uint64(src.size))
	if err != nil {
		return err
	}
	o.image.BTF = data
	o.image.Order, _ = btfOrder(data)
	return nil
}

func (o *opener) wrapped(name string) {
	o.image.Wrapping = append(o.image.Wrapping, name)
}

const (
	usualRatio = 7         // how many times a kernel is larger than packed: mostly 4 to 7
	usualRoom  = 128 << 20 // bytes; real ones have 40 to 100 MB
)

// room is how many bytes to have ready for what the n bytes at off unpack to.
func room(src source, format decompress.Format, off, n uint64) int64 {
	room := int64(n) * usualRatio
	if format == decompress.Xz {
		last := min(n, 1<<10)
		if tail, err := src.read("compressed data", off+n-last, last); err == nil && xz.Size(tail) > 0 {
			room = xz.Size(tail) + 1 // the byte more shows the end
		}
	}
	return min(room, usualRoom)
}

// unpack decompresses the n bytes at off into memory.
func (o *opener) unpack(src source, format decompress.Format, off, n uint64) (source, error) {
	packed, err := src.stream("compressed data", off, n)
	if err != nil {
		return source{}, err
	}
	// The decoder's errors begin with the format's name, so the layer is
	// counted once they are past.
	unpacked, err := o.decoder.Reader(format, packed)
	if err != nil {
		return source{}, err
	}
	// To grow the buffer would take its memory once more.
	data, err := decompress.AppendFrom(make([]byte, 0, min(o.left+1, room(src, format, off, n))), unpacked, o.left+1)
	if err != nil {
		return source{}, err
	}
	if int64(len(data)) > o.left {
		return source{}, fmt.Errorf("%s: %w of %d bytes", format, decompress.ErrTooLarge, o.most)
	}
	o.left -= int64(len(data))
	o.wrapped(string(format))
	return inMemory(data), nil
}
