// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/xml"
	"fmt"
	"io"
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
	token, err := s.in.RawToken() // the decoder above sees to it that the right element ends
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
