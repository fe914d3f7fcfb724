// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// maxDepth is how many elements of a document may be open at once. Real ones have four.
const maxDepth = 10

// newDecoder reads a document that is not deeper than maxDepth: encoding/xml keeps
// something of each element that is open.
func newDecoder(r io.Reader) *xml.Decoder {
	return xml.NewTokenDecoder(&shallow{in: xml.NewDecoder(r)})
}

type shallow struct {
	in   *xml.Decoder
	open int
}

func (s *shallow) Token() (xml.Token, error) {
	token, err := s.in.RawToken() // the decoder above checks that the right element ends
	switch token.(type) {
	case xml.StartElement:
		if s.open++; s.open > maxDepth {
			return nil, fmt.Errorf("elements in more than %d others", maxDepth)
		}
	case xml.EndElement:
		s.open--
	}
	return token, err
}

// elements goes through a document whose outermost element is root. It calls start for
// each element that begins and end for each that ends, with the names of those that are
// open, itself the last; text is what stands in it, behind other elements if it has any,
// and is valid until end returns.
func elements(in *xml.Decoder, root string, start func(path []string, e xml.StartElement) error, end func(path []string, text []byte) error) error {
	var path []string
	var text []byte
	for {
		token, err := in.Token()
		if err != nil {
			if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok && syntax.Msg == "unexpected EOF" {
				err = io.ErrUnexpectedEOF
			}
			return regular.AsShort(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if path = append(path, token.Name.Local); path[0] != root {
				return fmt.Errorf("expected element type <%s> but have <%s>", root, words(path[0]))
			}
			text = text[:0]
			err = start(path, token)
		case xml.CharData:
			text = append(text, token...)
		case xml.EndElement:
			err = end(path, text)
			path, text = path[:len(path)-1], text[:0]
			if len(path) == 0 {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
