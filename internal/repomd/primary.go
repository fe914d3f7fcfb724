// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Package is a package as a repository lists it.
type Package struct {
	// Package has what the metadata says. Of dependencies, those that were asked
	// for; an epoch of 0 is none. What metadata lacks is absent: the file list (but
	// for what others may depend on), DISTURL, cookie, header digest and format.
	rpm.Package `json:"Package"`

	Location string // of the file, below the repository
	Size     int64  // of the file in bytes, 0 if it is not said

	Sum  checksum `json:"Checksum"` // as metadata writes it
	Base string   // where the location is, if not below the repository
	Line int
}

// Digest is the package's checksum with its type in front, "" if it has none; copies
// of a package share it.
func (p *Package) Digest() string {
	if sum := p.Checksum(); sum != "" {
		return p.Sum.Type + ":" + sum
	}
	return ""
}

// Checksum is the package's checksum alone, by which [Repo.Holding] names it.
func (p *Package) Checksum() string { return strings.ToLower(strings.TrimSpace(p.Sum.Hex)) }

// Packages reads the metadata of all packages, in the repository's order. Of
// their dependencies, which are most of it, only those are kept whose name is
// relevant; the name is valid for the call. An error ends it; nothing is yielded
// before the checksum of all metadata was found right.
func (r *Repo) Packages(ctx context.Context, relevant func(name []byte) bool) iter.Seq2[*Package, error] {
	return func(yield func(*Package, error) bool) {
		text, done, err := r.open(ctx, &r.primary)
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		p := &primary{scanner: scanner{r: text}, relevant: relevant}
		for ctx.Err() == nil {
			pkg, err := p.read()
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield(nil, fmt.Errorf("%s: %w", r.primary.Location.Href, err))
				return
			case !yield(pkg, nil):
				return
			}
		}
		yield(nil, ctx.Err())
	}
}

// open compares a file as it is stored with its checksum, and unpacks it. Of what is
// on the web it has a copy without a name among the temporary files: in memory, half a
// gigabyte would be too much.
func (r *Repo) open(ctx context.Context, d *record) (text io.Reader, done func(), err error) {
	stored, err := r.stored(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	decoder := new(decompress.Decoder)
	done = func() { decoder.Close(); stored.Close() }
	in := bufio.NewReaderSize(stored, 64<<10)
	prefix, _ := in.Peek(decompress.DetectLen)
	text, err = decoder.Reader(decompress.Detect(prefix), in)
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("%s: %w", d.Location.Href, err)
	}
	limit := int64(maxOpen)
	if d.OpenSize > 0 {
		limit = d.OpenSize
	}
	return &fetch.Bounded{R: text, Most: limit}, done, nil
}

// stored opens a file as it is stored, of which the checksum is right.
func (r *Repo) stored(ctx context.Context, d *record) (f *os.File, err error) {
	href, limit := d.Location.Href, int64(maxUnsized)
	if d.Size > 0 {
		limit = d.Size
	}
	if r.Remote() {
		if f, err = os.CreateTemp("", "obs-btf-guard-"); err != nil {
			return nil, err
		}
		os.Remove(f.Name())
	} else if f, err = regular.Open(filepath.Join(r.at.dir, filepath.FromSlash(href))); err != nil {
		return nil, fmt.Errorf("%s: %w", href, regular.WithoutPath(err))
	}
	var sum hash.Hash
	err = r.at.read(ctx, href, limit, func() (io.Writer, error) {
		if sum, err = d.Checksum.new(); err != nil || !r.Remote() {
			return sum, err
		}
		_, err := f.Seek(0, io.SeekStart)
		return io.MultiWriter(sum, f), errors.Join(err, f.Truncate(0))
	})
	if err == nil {
		if err = d.Checksum.matches(sum); err != nil {
			err = fmt.Errorf("%s: %w", href, err)
		}
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// primary reads primary.xml.
type primary struct {
	scanner
	relevant func([]byte) bool
	kept     int // bytes of the attributes kept of a package
}

// Bounds on what is kept of a package. A kernel has six thousand modules, whose
// names together have 200 KB.
const (
	maxKept  = 1 << 16 // dependencies
	maxValue = 4 << 10 // bytes of one text or attribute
	maxBytes = 2 << 20 // of all attributes
)

// read reads the next package, io.EOF behind the last.
func (p *primary) read() (*Package, error) {
	for {
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		if t != start {
			continue
		}
		switch p.depth() {
		case 1:
			if string(p.name) != "metadata" {
				return nil, p.errorf("<%.64s> is not the <metadata> of primary", p.name)
			}
		case 2:
			if string(p.name) != "package" {
				return nil, p.errorf("<%.64s> where a <package> should be", p.name)
			}
			pkg := &Package{Line: p.line}
			p.kept = 0
			if err := p.fill(pkg); err != nil {
				return nil, err
			}
			return pkg, pkg.check()
		}
	}
}

func (p *primary) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{p.line}, args...)...)
}

// fill reads up to the package's end.
func (p *primary) fill(pkg *Package) error {
	var text *string           // where the text that comes belongs
	var list *[]rpm.Dependency // where the entries belong
	in := func(name string) bool { return string(p.name) == name }
	for {
		t, err := p.next()
		switch {
		case err != nil:
			return err
		case t == chars && text != nil:
			err = p.addText(text)
		case t == end:
			text = nil
			switch p.depth() {
			case 1:
				return nil
			case 3:
				list = nil
			}
		case t == start:
			switch {
			case p.depth() == 3:
				text, err = p.field(pkg)
			case p.depth() == 4 && in("sourcerpm"):
				text = &pkg.SourceRPM
			case p.depth() == 4 && in("buildhost"):
				text = &pkg.BuildHost
			case p.depth() == 4 && in("provides"):
				list = &pkg.Provides
			case p.depth() == 4 && in("requires"):
				list = &pkg.Requires
			case p.depth() == 4 && in("recommends"):
				list = &pkg.Recommends
			case p.depth() == 5 && list != nil && in("entry"):
				err = p.entry(list)
			}
		}
		if err != nil {
			return p.errorf("%w", err)
		}
	}
}

// addText appends the text just read.
func (p *primary) addText(to *string) error {
	s := string(p.text)
	if !p.cdata {
		var err error
		if s, err = unescape(p.text); err != nil {
			return err
		}
	}
	if *to += s; len(*to) > maxValue {
		return fmt.Errorf("<%.64s> of more than %d bytes", local(p.top()), maxValue)
	}
	return nil
}

// value reads an attribute that will be kept, "" if it is not there.
func (p *primary) value(name string) (string, error) {
	raw := p.attr(name)
	if len(raw) > maxValue {
		return "", fmt.Errorf("<%.64s>: %s of more than %d bytes", p.name, name, maxValue)
	}
	if p.kept += len(raw); p.kept > maxBytes {
		return "", fmt.Errorf("a package of more than %d bytes that name a kernel or modules", maxBytes)
	}
	return unescape(raw)
}

// field reads what stands directly below a package. Where that is text, it is yet
// to come, to the place returned.
func (p *primary) field(pkg *Package) (text *string, err error) {
	switch string(p.name) {
	case "name":
		return &pkg.Name, nil
	case "arch":
		return &pkg.Arch, nil
	case "version":
		pkg.Epoch, pkg.Version, pkg.Release, err = p.version()
	case "checksum":
		pkg.Sum.Type, err = p.value("type")
		return &pkg.Sum.Hex, err
	case "time":
		var built int64
		if built, err = p.number("build"); built > 0 && built <= math.MaxUint32 { // a header can have no other
			pkg.BuildTime = time.Unix(built, 0).UTC()
		}
	case "size":
		pkg.Size, err = p.number("package")
	case "location":
		if pkg.Location, err = p.value("href"); err == nil {
			pkg.Base, err = p.value("xml:base")
		}
	}
	return nil, err
}

// number reads an attribute, 0 if it is not there.
func (p *primary) number(name string) (int64, error) {
	v := p.attr(name)
	if len(v) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("<%.64s>: %s %.64q is not a number of bytes or seconds", p.name, name, v)
	}
	return n, nil
}

// version reads epoch, ver and rel.
func (p *primary) version() (epoch, version, release string, err error) {
	for _, f := range []struct {
		attr string
		to   *string
	}{{"epoch", &epoch}, {"ver", &version}, {"rel", &release}} {
		if *f.to, err = p.value(f.attr); err != nil {
			return
		}
	}
	if epoch == "0" { // how metadata writes that there is none
		epoch = ""
	}
	return
}

// flags are the comparisons in the words of metadata.
var flags = map[string]uint32{
	"":   0,
	"EQ": rpm.SenseEqual,
	"LT": rpm.SenseLess,
	"GT": rpm.SenseGreater,
	"LE": rpm.SenseLess | rpm.SenseEqual,
	"GE": rpm.SenseGreater | rpm.SenseEqual,
}

// entry adds a dependency if it is relevant. A version is put together again: a
// kernelrelease, which has hyphens, stands there cut in two.
func (p *primary) entry(list *[]rpm.Dependency) error {
	raw := p.attr("name")
	if bytes.IndexByte(raw, '&') >= 0 {
		name, err := unescape(raw)
		if err != nil {
			return err
		}
		raw = []byte(name)
	}
	if !p.relevant(raw) {
		return nil
	}
	name, err := p.value("name")
	if err != nil {
		return err
	}
	if len(*list) == maxKept {
		return fmt.Errorf("more than %d dependencies that name a kernel or modules", maxKept)
	}
	sense, ok := flags[string(p.attr("flags"))]
	if !ok {
		return fmt.Errorf("<entry>: flags %.64q is no comparison", p.attr("flags"))
	}
	epoch, version, release, err := p.version()
	if err != nil {
		return err
	}
	if release != "" {
		version += "-" + release
	}
	if epoch != "" && version != "" {
		version = epoch + ":" + version
	}
	*list = append(*list, rpm.Dependency{Name: name, Flags: sense, Version: version})
	return nil
}

// check refuses a package without what is needed to name and fetch it.
func (p *Package) check() error {
	for _, f := range []struct{ what, value string }{{"name", p.Name}, {"arch", p.Arch}, {"version", p.Version}, {"location", p.Location}} {
		if strings.TrimSpace(f.value) == "" {
			return fmt.Errorf("line %d: package %.128q has no %s", p.Line, p.Name, f.what)
		}
	}
	p.IsSource = p.Arch == "src" || p.Arch == "nosrc"
	if err := checkHref(p.Location); err != nil {
		return fmt.Errorf("line %d: package %.128q: %w", p.Line, p.Name, err)
	}
	return nil
}
