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
	Size  int64    `xml:"size,attr"` // -1 if OBS would have to download it first, see WholeRepository
	MTime UnixTime `xml:"mtime,attr"`
	MD5   string   `xml:"md5,attr"` // "" if the server does not tell
}

// Binaries lists the files of a target. Names are checked: none leaves a folder.
// A backend lists nothing, and says nothing, for a package that it does not know.
// Of a [WholeRepository] no MD5 is known.
func (c *Client) Binaries(ctx context.Context, t Target) ([]Binary, error) {
	if err := t.checkFiles(); err != nil {
		return nil, err
	}
	query := []string{"withmd5", "1"}
	if t.Package == WholeRepository {
		query = []string{"view", "names"} // or it gives paths on the server that it downloads from
	}
	var doc struct {
		XMLName  xml.Name `xml:"binarylist"`
		Binaries []Binary `xml:"binary"`
	}
	err := c.document(ctx, &doc, query, t.path()...)
	if e, ok := errors.AsType[*StatusError](err); ok && e.StatusCode == http.StatusBadRequest && query[0] == "withmd5" {
		err = c.document(ctx, &doc, nil, t.path()...) // a server that does not know the parameter
	}
	if err != nil {
		return nil, err
	}
	for i, b := range doc.Binaries {
		if err := checkFile(b.Name); err != nil {
			return nil, fmt.Errorf("files of %v: %w", t, err)
		}
		if b.Size < 0 {
			return nil, fmt.Errorf("files of %v: %s has %d bytes", t, b.Name, b.Size)
		}
		if t.Package == WholeRepository && b.Size == 0 { // size=""
			doc.Binaries[i].Size = -1
		}
	}
	return doc.Binaries, nil
}

// FileInfo is what OBS reads from the header of a package.
type FileInfo struct {
	Name       string   `xml:"name"`
	Epoch      string   `xml:"epoch"`
	Version    string   `xml:"version"`
	Release    string   `xml:"release"`
	Arch       string   `xml:"arch"`
	Source     string   `xml:"source"` // name of the source package
	Size       int64    `xml:"size"`
	MTime      UnixTime `xml:"mtime"`
	Provides   []string `xml:"provides"` // "kernel-base = 6.19.2-1"
	Requires   []string `xml:"requires"`
	Recommends []string `xml:"recommends"`
}

// MostInfos is of how many files of a package or repository [Client.FileInfo] should be
// asked, which is a request for each. The kernels of a distribution, and all modules for
// them, are some hundred.
const MostInfos = 5000

// FileInfo gives what a built package provides and requires. A package that OBS
// has yet to download, it downloads for this.
func (c *Client) FileInfo(ctx context.Context, t Target, file string) (FileInfo, error) {
	if err := errors.Join(t.checkFiles(), checkFile(file)); err != nil {
		return FileInfo{}, err
	}
	var doc struct {
		XMLName xml.Name `xml:"fileinfo"`
		FileInfo
	}
	err := c.document(ctx, &doc, []string{"view", "fileinfo"}, t.path(file)...)
	return doc.FileInfo, err
}
