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
	var out []Dependencies
	names, kept := 0, map[string]string{}
	keep := func(s string) string {
		if old, ok := kept[s]; ok {
			return old
		}
		kept[s] = s
		return s
	}
	// Beside packages there are cycles, which name packages as well.
	inPackage := func(path []string, depth int) bool { return len(path) == depth && path[1] == "package" }
	err := elements(newDecoder(r), "builddepinfo", func(path []string, e xml.StartElement) error {
		if !inPackage(path, 2) {
			return nil
		}
		if len(out) == most.Packages {
			return fmt.Errorf("more than %d packages", most.Packages)
		}
		out = append(out, Dependencies{Package: keep(attribute(e, "name"))})
		return nil
	}, func(path []string, text []byte) error {
		if !inPackage(path, 3) {
			return nil
		}
		if names++; names > most.Names {
			return fmt.Errorf("more than %d names", most.Names)
		}
		d := &out[len(out)-1]
		switch path[2] {
		case "source":
			d.Source = keep(string(text))
		case "pkgdep":
			d.Needs = append(d.Needs, keep(string(text)))
		case "subpkg":
			d.Subpackages = append(d.Subpackages, keep(string(text)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
