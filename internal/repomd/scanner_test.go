// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// ours writes the tokens of a document, a line each, and texts joined.
func ours(r io.Reader) (string, error) {
	s := scanner{r: r}
	var w words
	for {
		t, err := s.next()
		if err == io.EOF {
			return w.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch t {
		case start:
			w.start(string(s.name))
			for _, a := range s.attrs {
				v, err := unescape(a.value)
				if err != nil {
					return "", err
				}
				w.attr(string(local(a.name)), v)
			}
		case end:
			w.end(string(s.name))
		case chars:
			text := string(s.text)
			if !s.cdata {
				if text, err = unescape(s.text); err != nil {
					return "", err
				}
			}
			w.text += text
		}
	}
}

// theirs does the same with encoding/xml.
func theirs(r io.Reader) (string, error) {
	d := xml.NewDecoder(r)
	var w words
	depth := 0
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return w.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			w.start(string(local([]byte(t.Name.Local))))
			for _, a := range t.Attr {
				w.attr(string(local([]byte(a.Name.Local))), a.Value)
			}
		case xml.EndElement:
			depth--
			w.end(string(local([]byte(t.Name.Local))))
		case xml.CharData:
			if depth > 0 {
				w.text += string(t)
			}
		}
	}
}

type words struct {
	strings.Builder
	text string
}

func (w *words) flush() {
	if w.text != "" {
		fmt.Fprintf(w, "text %q\n", w.text)
	}
	w.text = ""
}

func (w *words) start(name string)       { w.flush(); fmt.Fprintf(w, "start %q\n", name) }
func (w *words) end(name string)         { w.flush(); fmt.Fprintf(w, "end %q\n", name) }
func (w *words) attr(name, value string) { fmt.Fprintf(w, "attr %q %q\n", name, value) }

var documents = []string{
	"<a/>",
	"\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b='1' c=\"2 > 1\"> x &lt;&#x41;<b:c d:e = '&amp;' /> y<!-- > --><![CDATA[<&]]></a>\n",
	"<a><b></b ><?pi ?></a>",
	"<a b='<'/>", "<a", "<a></b>", "<a>&b;</a>", "<a/ >", "< a/>", "<a/><b/>", "<!DOCTYPE a><a/>", "<a b/>", "<a b='1'c='2'/>", "<>", "</>", "<a='1'/>",
}

// FuzzScanner compares the scanner with encoding/xml: where both take a document,
// both read the same out of it. It also reads byte by byte.
func FuzzScanner(f *testing.F) {
	for _, d := range append(documents, onePackage("<format><rpm:provides><rpm:entry name=\"a\"/></rpm:provides></format>")) {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ours(bytes.NewReader(data))
		again, errAgain := ours(iotest.OneByteReader(bytes.NewReader(data)))
		if got != again || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("in one read %q, %v; byte by byte %q, %v", got, err, again, errAgain)
		}
		// encoding/xml makes line feeds of carriage returns.
		if err != nil || bytes.ContainsRune(data, '\r') {
			return
		}
		want, err := theirs(bytes.NewReader(data))
		if err == nil && got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	})
}

// FuzzPrimary reads a hostile primary.xml.
func FuzzPrimary(f *testing.F) {
	for _, d := range append(documents, onePackage("<format><rpm:provides><rpm:entry name=\"kernel-uname-r\" flags=\"EQ\"/></rpm:provides></format>")) {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := &primary{scanner: scanner{r: bytes.NewReader(data)}, relevant: tokensOnly}
		for {
			pkg, err := p.read()
			if err != nil {
				return
			}
			if pkg.Name == "" || checkHref(pkg.Location) != nil {
				t.Errorf("%+v", pkg)
			}
		}
	})
}
