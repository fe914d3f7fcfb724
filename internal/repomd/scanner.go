// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Bounds on a document, which may be hostile.
const (
	maxToken = 16 << 20 // bytes of one tag, or of text between two
	maxDepth = 32       // elements within each other
)

// token is what a scanner found.
type token uint8

const (
	start token = iota // of the element in name, with attrs
	end                // of the element in name
	chars              // text, as it stands in the document
)

// scanner reads XML as a stream, without copying: encoding/xml takes five times as
// long for the 230 MB that the metadata of 60,000 packages has (BenchmarkPackages).
// It knows what such metadata is made of and refuses what it is not: document
// types, other encodings. Namespaces are cut off from names.
type scanner struct {
	r   io.Reader
	buf []byte // buf[pos:] is not yet passed
	pos int
	err error // of r

	line  int // that the last token begins in
	lines int // line feeds in front of buf[pos]

	// The last token. All of it is valid until the next one.
	name  []byte
	attrs []attribute
	text  []byte
	cdata bool // text has no references

	stack  []byte // names of the open elements
	starts []int  // where in stack they begin
	empty  bool   // the last start was also the end
	seen   bool   // there was a root element
}

type attribute struct {
	name  []byte // with its prefix
	value []byte // as it stands in the document
}

func (s *scanner) depth() int { return len(s.starts) }

// rest gives the unread bytes, at least n of them unless the document ends.
func (s *scanner) rest(n int) []byte {
	for len(s.buf)-s.pos < n && s.err == nil {
		if s.pos > 0 {
			s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
			s.pos = 0
		}
		s.buf = slices.Grow(s.buf, max(64<<10, n-len(s.buf)))
		var k int
		k, s.err = s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+k]
	}
	return s.buf[s.pos:]
}

// errTooLong says that a token is longer than any that metadata has.
var errTooLong = fmt.Errorf("more than %d bytes in one tag or text", maxToken)

// find gives the place of sep behind from unread bytes.
func (s *scanner) find(sep string, from int) (int, error) {
	for {
		rest := s.rest(from + len(sep))
		if i := bytes.Index(rest[min(from, len(rest)):], []byte(sep)); i >= 0 {
			return from + i, nil
		}
		from = max(from, len(rest)-len(sep)+1)
		if err := s.more(len(rest)); err != nil {
			return 0, err
		}
	}
}

// more reads beyond the n bytes that are there.
func (s *scanner) more(n int) error {
	switch {
	case n > maxToken:
		return errTooLong
	case len(s.rest(n+1)) > n:
		return nil
	case s.err == io.EOF:
		return regular.ErrShort
	}
	return s.err
}

// pass goes n bytes on.
func (s *scanner) pass(n int) {
	s.lines += bytes.Count(s.buf[s.pos:s.pos+n], []byte{'\n'})
	s.pos += n
}

// next reads a token, io.EOF behind the last. Errors name the line.
func (s *scanner) next() (token, error) {
	t, err := s.scan()
	if err != nil && err != io.EOF {
		err = fmt.Errorf("line %d: %w", s.line, err)
	}
	return t, err
}

func (s *scanner) scan() (token, error) {
	if s.empty {
		s.empty = false
		s.pop()
		return end, nil
	}
	for {
		s.line = s.lines + 1
		rest := s.rest(9)
		var n int
		var err error
		switch {
		case len(rest) == 0:
			return 0, s.finish()
		case rest[0] != '<':
			if err := s.readText(); err != nil {
				return 0, err
			}
			if s.depth() > 0 {
				return chars, nil
			}
			continue
		case bytes.HasPrefix(rest, []byte("</")):
			return end, s.readEnd()
		case bytes.HasPrefix(rest, []byte("<![CDATA[")) && s.depth() > 0:
			if n, err = s.find("]]>", 9); err != nil {
				return 0, err
			}
			s.text, s.cdata = s.buf[s.pos+9:s.pos+n], true
			s.pass(n + 3)
			return chars, nil
		case bytes.HasPrefix(rest, []byte("<!--")):
			if n, err = s.find("-->", 4); err != nil {
				return 0, err
			}
			s.pass(n + 3)
		case bytes.HasPrefix(rest, []byte("<?")):
			if n, err = s.find("?>", 2); err != nil {
				return 0, err
			}
			if err := checkEncoding(s.buf[s.pos : s.pos+n]); err != nil {
				return 0, err
			}
			s.pass(n + 2)
		case bytes.HasPrefix(rest, []byte("<!")):
			return 0, errors.New("a document type or other declaration, which metadata does not have")
		default:
			return start, s.readStart()
		}
	}
}

// finish ends the document.
func (s *scanner) finish() error {
	switch {
	case s.err != io.EOF:
		return s.err
	case s.depth() > 0:
		return fmt.Errorf("ends within <%.64s>: %w", s.top(), regular.ErrShort)
	case !s.seen:
		return fmt.Errorf("no element in it: %w", regular.ErrShort)
	}
	return io.EOF
}

func (s *scanner) readText() error {
	n, err := s.find("<", 0)
	if err == regular.ErrShort {
		n, err = len(s.buf)-s.pos, nil
	}
	if err != nil {
		return err
	}
	s.text, s.cdata = s.buf[s.pos:s.pos+n], false
	outside := bytes.TrimSpace(s.text)
	if !s.seen {
		outside = bytes.TrimPrefix(outside, []byte("\ufeff"))
	}
	if s.depth() == 0 && len(outside) > 0 {
		return fmt.Errorf("text outside of any element: %.64q", outside)
	}
	s.pass(n)
	return nil
}

func (s *scanner) readEnd() error {
	n, err := s.find(">", 2)
	if err != nil {
		return err
	}
	name := bytes.TrimRight(s.buf[s.pos+2:s.pos+n], " \t\r\n")
	if s.depth() == 0 || !bytes.Equal(name, s.top()) {
		return fmt.Errorf("</%.64s> ends <%.64s>", name, s.top())
	}
	s.pass(n + 1)
	s.pop()
	return nil
}

func (s *scanner) readStart() error {
	n, err := s.tagEnd()
	if err != nil {
		return err
	}
	tag := s.buf[s.pos+1 : s.pos+n]
	tag, s.empty = bytes.CutSuffix(tag, []byte("/"))
	i := bytes.IndexAny(tag, " \t\r\n")
	if i < 0 {
		i = len(tag)
	}
	name := tag[:i]
	if len(name) == 0 || bytes.ContainsAny(name, `"'=&<`) {
		return fmt.Errorf("<%.64s is no tag", tag)
	}
	if s.depth() == 0 && s.seen {
		return fmt.Errorf("<%.64s> behind the end of the document", name)
	}
	if s.depth() == maxDepth {
		return fmt.Errorf("more than %d elements within each other", maxDepth)
	}
	if err := s.readAttributes(tag[i:]); err != nil {
		return fmt.Errorf("<%.64s>: %w", name, err)
	}
	s.pass(n + 1)
	s.seen = true
	s.starts = append(s.starts, len(s.stack))
	s.stack = append(s.stack, name...)
	s.name = local(name)
	return nil
}

// tagEnd finds the > of a tag, which may stand in a value as well.
func (s *scanner) tagEnd() (int, error) {
	var quote byte
	for i := 1; ; {
		rest := s.rest(i + 1)
		for ; i < len(rest); i++ {
			switch c := rest[i]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '>':
				return i, nil
			case c == '"' || c == '\'':
				quote = c
			}
		}
		if err := s.more(len(rest)); err != nil {
			return 0, err
		}
	}
}

// readAttributes reads what stands behind the name of a tag.
func (s *scanner) readAttributes(b []byte) error {
	s.attrs = s.attrs[:0]
	for {
		spaced := len(b)
		if b = bytes.TrimLeft(b, " \t\r\n"); len(b) == 0 {
			return nil
		}
		name, rest, ok := bytes.Cut(b, []byte("="))
		name, rest = bytes.TrimRight(name, " \t\r\n"), bytes.TrimLeft(rest, " \t\r\n")
		if !ok || len(b) == spaced || len(name) == 0 || bytes.ContainsAny(name, " \t\r\n\"'<&") || len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return fmt.Errorf("%.64q is no attribute", b)
		}
		n := bytes.IndexByte(rest[1:], rest[0])
		if n < 0 || bytes.IndexByte(rest[1:1+n], '<') >= 0 {
			return fmt.Errorf("the value of %.64s does not end", name)
		}
		for _, a := range s.attrs {
			if bytes.Equal(a.name, name) {
				return fmt.Errorf("two attributes %.64s", name)
			}
		}
		if len(s.attrs) == 32 {
			return errors.New("more than 32 attributes")
		}
		s.attrs = append(s.attrs, attribute{name, rest[1 : 1+n]})
		b = rest[n+2:]
	}
}

// attr gives the value of an attribute, nil if there is none.
func (s *scanner) attr(name string) []byte {
	for _, a := range s.attrs {
		if string(a.name) == name {
			return a.value
		}
	}
	return nil
}

func (s *scanner) top() []byte {
	if s.depth() == 0 {
		return nil
	}
	return s.stack[s.starts[len(s.starts)-1]:]
}

// pop leaves the innermost element and names it.
func (s *scanner) pop() {
	s.name = local(s.top())
	s.stack = s.stack[:s.starts[len(s.starts)-1]]
	s.starts = s.starts[:len(s.starts)-1]
}

// local is a name without its prefix.
func local(name []byte) []byte {
	return name[bytes.LastIndexByte(name, ':')+1:]
}

// checkEncoding refuses declared encodings other than the one that is read.
func checkEncoding(declaration []byte) error {
	_, enc, ok := bytes.Cut(declaration, []byte("encoding"))
	if !ok || !bytes.HasPrefix(declaration, []byte("<?xml ")) {
		return nil
	}
	enc = bytes.Trim(enc, " \t\r\n='\"")
	for _, known := range []string{"utf-8", "utf8", "us-ascii", "ascii"} {
		if len(enc) >= len(known) && strings.EqualFold(string(enc[:len(known)]), known) {
			return nil
		}
	}
	return fmt.Errorf("encoding %.32q; metadata is UTF-8", enc)
}

// unescape replaces the references of a text or value. Only XML's own five
// entities are known, so that none can grow.
func unescape(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '&') < 0 {
		return string(raw), nil
	}
	out := make([]byte, 0, len(raw))
	for {
		before, rest, ok := bytes.Cut(raw, []byte("&"))
		out = append(out, before...)
		if !ok {
			return string(out), nil
		}
		ref, after, ok := bytes.Cut(rest, []byte(";"))
		r, known := reference(string(ref[:min(len(ref), 16)]))
		if !ok || !known {
			return "", fmt.Errorf("reference &%.32s is unknown", ref)
		}
		out = utf8.AppendRune(out, r)
		raw = after
	}
}

func reference(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, is := strings.CutPrefix(digits, "x"); is {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), ok && err == nil && n != 0 && utf8.ValidRune(rune(n))
}
