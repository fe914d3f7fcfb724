// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bufio"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// An Entry is one thing in the payload.
type Entry struct {
	// Files are its names: one, or all of a hard-link group, in the order of
	// the archive. Never empty.
	Files []*File

	// Size is the length of the content in bytes. Only regular files have any.
	Size int64
}

// Path is the entry's path, of a hard-link group the last one.
func (e *Entry) Path() string { return e.Files[len(e.Files)-1].Path }

// payload is the state of reading the archive.
type payload struct {
	in    *bufio.Reader // compressed bytes, all of which pass the digest
	cpio  *cpioReader
	index map[string]int // from path to place in files
	files []File
	links []*linkGroup // by place in files, as in Reader
	seen  []bool       // by place in files
	entry *Entry       // the current one
}

// Next moves to the next entry of the payload; what was not read of the entry
// before is skipped. All names of a hard-link group make one entry.
//
// It returns io.EOF only when the trailer was seen with nothing but padding
// behind it, every file of the header that is no ghost was there exactly once
// and with its size, and the digest of the payload is right. After an error it
// returns the same error again.
func (r *Reader) Next() (*Entry, error) {
	if r.err != nil {
		return nil, r.err
	}
	e, err := r.next()
	if err != nil && err != io.EOF {
		err = fmt.Errorf("payload: %w", r.damaged(err))
	}
	r.err = err
	return e, err
}

// mostDamaged is how many bytes are read to tell where an error comes from.
const mostDamaged = 1 << 30

// damaged says in the place of an error in the payload that the file is not the one that
// was built, if its digest shows that: then another copy helps, not another build.
func (r *Reader) damaged(err error) error {
	if r.file == nil || r.payload == nil || r.total-r.in.n.Load() > mostDamaged {
		return err
	}
	if _, copied := io.Copy(io.Discard, r.payload.in); copied != nil {
		return err
	}
	if wrong := r.check.verify(); wrong != nil && wrong.Error() != err.Error() {
		return fmt.Errorf("the file is damaged, %w", wrong)
	}
	return err
}

// Read reads the content of the entry that Next returned last, and returns
// io.EOF at its end.
func (r *Reader) Read(p []byte) (int, error) {
	if r.payload == nil || r.payload.entry == nil || r.err != nil {
		if r.err != nil {
			return 0, r.err
		}
		return 0, io.EOF
	}
	n, err := r.payload.cpio.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("payload: %w", r.damaged(fmt.Errorf("%s: %w", r.payload.entry.Path(), err)))
		r.err = err
	}
	return n, err
}

func (r *Reader) next() (*Entry, error) {
	if r.payload == nil {
		if err := r.openPayload(); err != nil {
			return nil, err
		}
	}
	p := r.payload
	p.entry = nil
	for {
		c, err := p.cpio.next()
		if err == io.EOF {
			return nil, r.finish()
		}
		if err != nil {
			return nil, err
		}
		e, err := p.accept(c)
		if err != nil {
			return nil, err
		}
		if e != nil {
			p.entry = e
			return e, nil
		}
	}
}

// openPayload starts decompression.
func (r *Reader) openPayload() error {
	files := r.Package.Files
	p := &payload{
		in:    bufio.NewReaderSize(io.TeeReader(r.in, r.check), cpioBuffer),
		index: make(map[string]int, len(files)),
		files: files,
		seen:  make([]bool, len(files)),
		links: r.links,
	}
	for i := range files {
		key, _ := cleanPath(files[i].Path)
		p.index[key] = i
	}
	format := decompress.Format(r.Package.PayloadCompressor)
	if format == "" {
		// rpm writes no such tag for an uncompressed payload, and old ones
		// wrote none for gzip.
		prefix, err := p.in.Peek(decompress.DetectLen)
		if err != nil && err != io.EOF {
			return err
		}
		format = decompress.Detect(prefix)
	}
	plain, err := r.decoder.Reader(format, p.in)
	if err != nil {
		return err
	}
	p.cpio = newCpioReader(plain)
	r.payload = p
	return nil
}

// accept matches an archive entry with the header's file and checks it. It
// returns nil without an error for all but the last name of a hard-link group.
func (p *payload) accept(c cpioEntry) (*Entry, error) {
	i, err := p.find(c)
	if err != nil {
		return nil, err
	}
	f := &p.files[i]
	if f.Ghost() {
		return nil, fmt.Errorf("%s: the header has it as a ghost", f.Path)
	}
	if p.seen[i] {
		return nil, fmt.Errorf("%s: there twice", f.Path)
	}
	p.seen[i] = true
	if !c.stripped && c.mode&modeType != f.Mode&modeType {
		return nil, fmt.Errorf("%s: file type %#o, header says %#o", f.Path, c.mode&modeType, f.Mode&modeType)
	}

	e := &Entry{Files: []*File{f}}
	group, last := p.links[i], true
	if group != nil {
		if last, err = group.add(i, f, c.stripped); err != nil {
			return nil, err
		}
		e.Files = group.names
	}
	want := int64(0)
	switch {
	case f.IsRegular() && last:
		want = f.Size
		e.Size = want
	case f.IsSymlink():
		want = int64(len(f.LinkTo))
	}
	if c.stripped {
		p.cpio.setSize(want)
	} else if c.size != want {
		return nil, fmt.Errorf("%s: size %d, header says %d", f.Path, c.size, want)
	}
	if f.IsSymlink() {
		return e, p.checkTarget(f)
	}
	if !last {
		return nil, nil
	}
	return e, nil
}

// find returns the place in the header of an archive entry.
func (p *payload) find(c cpioEntry) (int, error) {
	if c.stripped {
		if int64(c.index) >= int64(len(p.files)) {
			return 0, fmt.Errorf("file index %d, the header has %d files", c.index, len(p.files))
		}
		return int(c.index), nil
	}
	key, ok := cleanPath(c.name)
	if !ok {
		return 0, fmt.Errorf("%.256q: leads upwards", c.name)
	}
	i, ok := p.index[key]
	if !ok {
		return 0, fmt.Errorf("%.256q: not in the header", c.name)
	}
	return i, nil
}

// checkTarget compares a symlink's content, which is its target, with the
// header's.
func (p *payload) checkTarget(f *File) error {
	target, err := io.ReadAll(p.cpio) // as long as f.LinkTo, which is in memory
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	if string(target) != f.LinkTo {
		return fmt.Errorf("%s: link to %.256q, header says %.256q", f.Path, target, f.LinkTo)
	}
	return nil
}

// finish is called behind the trailer and returns io.EOF if nothing is wrong.
func (r *Reader) finish() error {
	p := r.payload
	missing, first := 0, ""
	for i := range p.files {
		if p.seen[i] || p.files[i].Ghost() {
			continue
		}
		if missing++; missing == 1 {
			first = p.files[i].Path
		}
	}
	if missing > 0 {
		return fmt.Errorf("%s: in the header, not in the payload (%d of %d files)", first, missing, len(p.files))
	}
	// The decoder may stop before the end of the file; the digest covers all of it.
	if _, err := io.Copy(io.Discard, p.in); err != nil {
		return err
	}
	if err := r.check.verify(); err != nil {
		return err
	}
	return io.EOF
}
