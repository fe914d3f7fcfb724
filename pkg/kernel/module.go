// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// MaxModule is the most bytes a module may have once it is decompressed. It
// leaves room for modules that still have their debug information.
const MaxModule = 512 << 20

// ErrNotModule is returned for a file that is neither a module nor wraps one.
var ErrNotModule = errors.New("not a kernel module")

// Module is what a .ko says of itself. It holds copies only, nothing of the
// file it was read from.
type Module struct {
	// Name is the module's name as the kernel prints it, from modinfo; old
	// modules, which do not say it, are named after their path.
	Name string
	// Release is the kernelrelease it was built for, the first word of
	// Vermagic; both are "" where modinfo does not say it.
	Release  string
	Vermagic string // a space at its end included
	Modinfo  Modinfo

	Arch  string // as in [ELF.Arch]
	Bits  int    // 32 or 64
	Order binary.ByteOrder

	// BTF, BTFBase and BTFIDs are .BTF, .BTF.base and .BTF_ids. The kernel
	// takes an empty .BTF for none, but an empty .BTF.base for a broken one
	// (kernel/bpf/btf.c, btf_module_notify), so presence is kept apart.
	BTF        []byte
	BTFBase    []byte
	BTFIDs     []byte
	HasBTF     bool // there is a .BTF section, of whatever size
	HasBTFBase bool // there is a .BTF.base section, of whatever size

	// BTFIDsSection is the number of .BTF_ids, 0 without one.
	BTFIDsSection elf.SectionIndex

	// Versions is __versions. ExtVersionCRCs and ExtVersionNames are the sections that
	// have the same since Linux 6.14: see [Module.Imports].
	Versions        []byte
	ExtVersionCRCs  []byte
	ExtVersionNames []byte
	crcSections     map[elf.SectionIndex][]byte // of what it exports

	// ThisModule is the size in bytes of .gnu.linkonce.this_module, which is sizeof(struct
	// module) of the headers that it was built with; 0 without one.
	ThisModule uint64

	// KeepsLocals says that the symbol table still has the local functions, which
	// strip --strip-unneeded removes. Then a function that is not in it is not in the
	// module.
	KeepsLocals bool

	// Signed says that a signature is appended. It is not verified.
	Signed bool

	symbols symbolTable
}

// Symbols yields the module's symbol table as [ELF.Symbols] does.
func (m *Module) Symbols() iter.Seq2[Symbol, error] { return m.symbols.all() }

// InTree says whether the module was built within the kernel's own sources
// (intree=Y). kbuild gives BTF to these; others seldom have any.
func (m *Module) InTree() bool {
	value, _ := m.Modinfo.Get("intree")
	return value == "Y"
}

// OpenModule reads one module, plain (.ko) or compressed (.ko.gz, .ko.xz,
// .ko.zst; the content decides), signed or not. path serves only to name a
// module that does not name itself. To read many, use a [Loader].
//
// Errors wrap [ErrNotModule] where the content is something else; otherwise
// the file is damaged, and they name the field.
func OpenModule(data []byte, path string) (*Module, error) {
	var l Loader
	defer l.Close()
	return l.Open(data, path)
}

// keepBuffer is the largest buffer in bytes a Loader keeps for the next
// module.
const keepBuffer = 32 << 20

// A Loader reads one module after the other and keeps decoder and buffer
// between them. The zero value is ready; Close releases what it holds. A
// Loader must not be used by several goroutines at once.
type Loader struct {
	decoder decompress.Decoder
	buffer  []byte
}

// Open reads a module as [OpenModule] does. data may be reused once it returns.
func (l *Loader) Open(data []byte, path string) (*Module, error) {
	format := decompress.Detect(data)
	if format == decompress.None {
		return readModule(data, path)
	}
	unpacked, err := l.decoder.Append(l.buffer[:0], format, data, decompress.Bound(int64(len(data)), MaxModule))
	if l.buffer = unpacked; cap(l.buffer) > keepBuffer {
		l.buffer = nil
	}
	if err != nil {
		return nil, err
	}
	return readModule(unpacked, path)
}

// Close releases the decoder and the buffer. The Loader may be used again.
func (l *Loader) Close() {
	l.decoder.Close()
	l.buffer = nil
}

// OpenPlainModule reads a module that is not compressed from the size bytes behind r,
// and no more of it than what a Module holds: debug information costs nothing.
func OpenPlainModule(r io.ReaderAt, size int64, path string) (*Module, error) {
	src, err := fromReader(r, size)
	if err != nil {
		return nil, err
	}
	return openModule(src, path)
}

// readModule reads a module that is not compressed, or no longer so.
func readModule(data []byte, path string) (*Module, error) { return openModule(inMemory(data), path) }

func openModule(src source, path string) (*Module, error) {
	prefix, err := src.prefix(IdentifyLen)
	if err != nil {
		return nil, err
	}
	switch kind := Identify(prefix); kind {
	case KindModule:
	case KindUnknown:
		return nil, ErrNotModule
	default:
		return nil, fmt.Errorf("%w: found %s", ErrNotModule, kind)
	}
	src, signed, err := cutSignature(src)
	if err != nil {
		return nil, err
	}
	f, err := newELF(src)
	if err != nil {
		return nil, err
	}
	m := &Module{Arch: f.Arch(), Bits: f.Bits(), Order: f.Order(), Signed: signed}
	if err := m.readModinfo(f, path); err != nil {
		return nil, err
	}
	if err := f.copySections(
		wanted{".BTF", &m.BTF},
		wanted{".BTF.base", &m.BTFBase},
		wanted{".BTF_ids", &m.BTFIDs},
		wanted{"__versions", &m.Versions},
		wanted{"__version_ext_crcs", &m.ExtVersionCRCs},
		wanted{"__version_ext_names", &m.ExtVersionNames},
	); err != nil {
		return nil, err
	}
	_, m.HasBTF = f.sectionIndex(".BTF")
	_, m.HasBTFBase = f.sectionIndex(".BTF.base")
	ids, _ := f.sectionIndex(".BTF_ids")
	m.BTFIDsSection = elf.SectionIndex(ids)
	if m.crcSections, err = f.crcSections(); err != nil {
		return nil, err
	}
	if s, ok := f.lookup(".gnu.linkonce.this_module"); ok {
		m.ThisModule = s.size
	}
	if m.symbols, err = f.symbolTable(); err != nil {
		return nil, err
	}
	m.symbols.entries = bytes.Clone(m.symbols.entries)
	if len(m.BTF) > 0 {
		if m.KeepsLocals, err = f.keepsLocals(m.symbols); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// readModinfo requires a .modinfo section. The kernel does not load a module
// without the license in it, and a file cut short must not pass for a module
// without BTF.
func (m *Module) readModinfo(f *ELF, path string) error {
	info, ok, err := f.Section(".modinfo")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: no .modinfo section", ErrNotModule)
	}
	m.Modinfo = Modinfo(info)
	m.Vermagic, _ = m.Modinfo.Get("vermagic")
	m.Release, _, _ = strings.Cut(m.Vermagic, " ")
	if m.Name, ok = m.Modinfo.Get("name"); !ok {
		m.Name = ModuleName(path)
	}
	return nil
}
