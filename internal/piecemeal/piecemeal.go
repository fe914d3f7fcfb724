// SPDX-License-Identifier: Apache-2.0

// Package piecemeal reads JSON that anybody may have written value by value: memory is
// in proportion to what its caller keeps, not to the document. A decoder alone holds all
// of the value that it decodes.
package piecemeal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// A Reader reads one document.
type Reader struct {
	dec  *json.Decoder
	in   allowance
	most int
}

// NewReader returns a reader of r that takes no value of more than about most bytes.
func NewReader(r io.Reader, most int) *Reader {
	p := &Reader{most: most}
	p.in = allowance{r: r, most: most}
	p.dec = json.NewDecoder(&p.in)
	return p
}

// allowance reads no more than what is left, which is renewed before each value.
type allowance struct {
	r          io.Reader
	left, most int
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, fmt.Errorf("a value of more than %d bytes", a.most)
	}
	n, err := a.r.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

// Decode reads the next value.
func (p *Reader) Decode(v any) error {
	p.in.left = p.most
	return regular.AsShort(p.dec.Decode(v))
}

func (p *Reader) token() (json.Token, error) {
	p.in.left = p.most
	t, err := p.dec.Token()
	return t, regular.AsShort(err)
}

// Object reads an object; field is to read the value of each.
func (p *Reader) Object(field func(key string) error) error {
	if t, err := p.token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("not a JSON object"), err)
	}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if err := field(key); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	_, err := p.token()
	return err
}

// List reads a list, or null, of at most so many elements; element is to read each.
func (p *Reader) List(most int, element func() error) error {
	t, err := p.token()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('[') {
		return errors.New("not a list")
	}
	for n := 0; p.dec.More(); n++ {
		if n == most {
			return fmt.Errorf("more than %d", most)
		}
		if err := element(); err != nil {
			return err
		}
	}
	_, err = p.token()
	return err
}

// Skip passes over a value of any size.
func (p *Reader) Skip() error {
	for depth := 0; ; {
		t, err := p.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}
