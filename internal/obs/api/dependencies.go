// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
)

// Dependencies are what a package was built with and what came out of it.
type Dependencies struct {
	Package     string
	Source      string   // name of the source package
	Needs       []string // names of binary packages, direct ones
	Subpackages []string // names of the binary packages made of it
}

// DepInfo gives the dependencies of all packages of a repository, as the
// scheduler last saw them. Binaries of other projects are among Needs.
func (c *Client) DepInfo(ctx context.Context, project, repository, arch string) ([]Dependencies, error) {
	if err := (Target{project, repository, arch, "any"}).Check(); err != nil {
		return nil, err
	}
	var out []Dependencies
	err := c.read(ctx, nil, []string{"build", project, repository, arch, "_builddepinfo"}, func(r io.Reader) (err error) {
		out, err = readDependencies(r, c.o.Bounds)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readDependencies reads a <builddepinfo> element by element, and keeps each name
// once: the document of a large project has a hundred megabytes.
func readDependencies(r io.Reader, most Bounds) ([]Dependencies, error) {
	var (
		out   []Dependencies
		d     *Dependencies // the package that is being read
		path  []string      // names of the elements that are open
		text  []byte
		names int
		kept  = map[string]string{}
	)
	keep := func(s string) string {
		if old, ok := kept[s]; ok {
			return old
		}
		kept[s] = s
		return s
	}
	for in := newDecoder(r); ; {
		token, err := in.Token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			switch {
			case path[0] != "builddepinfo":
				return nil, fmt.Errorf("expected element type <builddepinfo> but have <%s>", words(path[0]))
			case len(path) == 2 && path[1] == "package": // others are cycles, which name packages as well
				if len(out) == most.Packages {
					return nil, fmt.Errorf("more than %d packages", most.Packages)
				}
				out = append(out, Dependencies{})
				d = &out[len(out)-1]
				for _, a := range token.Attr {
					if a.Name.Local == "name" {
						d.Package = keep(a.Value)
					}
				}
			}
			text = text[:0]
		case xml.CharData:
			if len(path) == 3 && d != nil {
				text = append(text, token...)
			}
		case xml.EndElement:
			if len(path) == 3 && d != nil {
				if names++; names > most.Names {
					return nil, fmt.Errorf("more than %d names", most.Names)
				}
				switch path[2] {
				case "source":
					d.Source = keep(string(text))
				case "pkgdep":
					d.Needs = append(d.Needs, keep(string(text)))
				case "subpkg":
					d.Subpackages = append(d.Subpackages, keep(string(text)))
				}
			}
			path = path[:len(path)-1]
			switch len(path) {
			case 1:
				d = nil
			case 0:
				return out, nil
			}
		}
	}
}
