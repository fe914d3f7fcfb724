// SPDX-License-Identifier: Apache-2.0

// Package repomd reads rpm-md repositories, which createrepo_c makes and zypper
// and dnf install from: what packages there are and what they provide and
// require, without any of the packages.
//
// [Open] reads a repository's index, [Repo.Packages] goes through its packages as
// a stream, and [Repo.Fetch] gets one of them. What the index lists is used only
// once its checksum was found right. Nobody's signature is looked at: the
// checksums find damage, and hold packages to the index that names them.
package repomd

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// What a repository may ask for. The largest there are have a primary of some 50
// MB, which unpacks to 500, and file lists of twice that.
const (
	maxIndex   = 8 << 20   // bytes of repomd.xml
	maxStored  = 512 << 20 // bytes of one of the others as it is stored
	maxUnsized = 64 << 20  // bytes of one whose size the index does not say
	maxOpen    = 8 << 30   // and unpacked
	maxPackage = 8 << 30   // bytes of a package
)

const indexPath = "repodata/repomd.xml"

// Repo is a repository whose index was read.
type Repo struct {
	Source   string // where it is, for people: without user and query of a URL
	Revision string // as the index has it, may be ""

	at        place
	primary   record
	filelists record // without href where the repository has none
}

// record is how repomd.xml lists a file.
type record struct {
	Type     string   `xml:"type,attr"`
	Checksum checksum `xml:"checksum"`
	Location struct {
		Href string `xml:"href,attr"`
		Base string `xml:"http://www.w3.org/XML/1998/namespace base,attr"`
	} `xml:"location"`
	Size     int64 `xml:"size"`      // 0: not said
	OpenSize int64 `xml:"open-size"` // unpacked; likewise
}

// Open reads the index of the repository at a folder or at an http, https or
// file URL. Everything else it lists, as other forms of primary (zck, sqlite) and
// modules, is left alone. Errors name the file below the repository, and the line
// where there is one.
func Open(ctx context.Context, source string, o Options) (*Repo, error) {
	at, err := newPlace(source, o)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = at.read(ctx, indexPath, maxIndex, func() (io.Writer, error) { text.Reset(); return &text, nil })
	if err != nil {
		return nil, err
	}
	r := &Repo{Source: at.String(), at: at}
	if err := r.readIndex(text.Bytes()); err != nil {
		return nil, fmt.Errorf("%s: %w", indexPath, err)
	}
	return r, nil
}

// Remote reports whether Fetch downloads.
func (r *Repo) Remote() bool { return r.at.url != nil }

func (r *Repo) readIndex(text []byte) error {
	var index struct {
		XMLName  xml.Name `xml:"repomd"`
		Revision string   `xml:"revision"`
		Data     []record `xml:"data"`
	}
	// encoding/xml knows no entities but XML's own five.
	if err := xml.Unmarshal(text, &index); err != nil {
		if se := (*xml.SyntaxError)(nil); errors.As(err, &se) {
			return fmt.Errorf("line %d: %s", se.Line, se.Msg)
		}
		return err
	}
	r.Revision = index.Revision
	for _, d := range index.Data {
		switch {
		case d.Type == "primary" && r.primary.Type == "":
			r.primary = d
		case d.Type == "filelists" && r.filelists.Type == "":
			r.filelists = d
		}
	}
	if r.primary.Type == "" {
		return errors.New("lists no primary, the packages' metadata")
	}
	if err := r.primary.check(); err != nil {
		return fmt.Errorf("primary: %w", err)
	}
	return nil
}

// check refuses a record that does not say what to read.
func (d *record) check() error {
	if err := d.Checksum.check(); err != nil {
		return err
	}
	if d.Location.Base != "" {
		return fmt.Errorf("lies outside of the repository, at %.128q, and is not looked for there", d.Location.Base)
	}
	if err := checkHref(d.Location.Href); err != nil {
		return err
	}
	if d.Size < 0 || d.Size > maxStored {
		return fmt.Errorf("size %d, at most %d bytes are read", d.Size, maxStored)
	}
	if d.OpenSize < 0 || d.OpenSize > maxOpen {
		return fmt.Errorf("open-size %d, at most %d bytes are read", d.OpenSize, maxOpen)
	}
	return nil
}
