// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// Binary is a file that a build left: a package, a log or anything else.
type Binary struct {
	Name  string   `xml:"filename,attr"`
	Size  int64    `xml:"size,attr"`
	MTime UnixTime `xml:"mtime,attr"`
	MD5   string   `xml:"md5,attr"` // "" if the server does not tell
}

// Binaries lists the files of a target. Names are checked: none leaves a folder.
// A backend lists nothing, and says nothing, for a package that it does not know.
func (c *Client) Binaries(ctx context.Context, t Target) ([]Binary, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName  xml.Name `xml:"binarylist"`
		Binaries []Binary `xml:"binary"`
	}
	err := c.document(ctx, &doc, []string{"withmd5", "1"}, t.path()...)
	if e, ok := errors.AsType[*StatusError](err); ok && e.StatusCode == http.StatusBadRequest {
		err = c.document(ctx, &doc, nil, t.path()...) // a server that does not know the parameter
	}
	if err != nil {
		return nil, err
	}
	for _, b := range doc.Binaries {
		if err := checkFile(b.Name); err != nil {
			return nil, fmt.Errorf("files of %v: %w", t, err)
		}
		if b.Size < 0 {
			return nil, fmt.Errorf("files of %v: %s has %d bytes", t, b.Name, b.Size)
		}
	}
	return doc.Binaries, nil
}

// FileInfo is what OBS reads from the header of a package.
type FileInfo struct {
	Name       string     `xml:"name"`
	Epoch      string     `xml:"epoch"`
	Version    string     `xml:"version"`
	Release    string     `xml:"release"`
	Arch       string     `xml:"arch"`
	Source     string     `xml:"source"` // name of the source package
	Size       int64      `xml:"size"`
	MTime      UnixTime   `xml:"mtime"`
	Provides   []string   `xml:"provides"` // "kernel-base = 6.19.2-1"
	Requires   []string   `xml:"requires"`
	Recommends []string   `xml:"recommends"`
	Supplies   []Supplied `xml:"provides_ext"`
}

// Supplied is one of Provides and who requires it.
type Supplied struct {
	Provides   string     `xml:"dep,attr"`
	RequiredBy []Consumer `xml:"requiredby"`
}

// Consumer is a package in the repositories of a target, with those of the
// projects that it builds on.
type Consumer struct {
	Name       string `xml:"name,attr"`
	Epoch      string `xml:"epoch,attr"`
	Version    string `xml:"version,attr"`
	Release    string `xml:"release,attr"`
	Arch       string `xml:"arch,attr"`
	Project    string `xml:"project,attr"`
	Repository string `xml:"repository,attr"`
}

// FileInfo gives what a built package provides and requires, and who requires it.
func (c *Client) FileInfo(ctx context.Context, t Target, file string) (FileInfo, error) {
	if err := errors.Join(t.check(), checkFile(file)); err != nil {
		return FileInfo{}, err
	}
	var doc struct {
		XMLName xml.Name `xml:"fileinfo"`
		FileInfo
	}
	err := c.document(ctx, &doc, []string{"view", "fileinfo_ext"}, t.path(file)...)
	return doc.FileInfo, err
}
