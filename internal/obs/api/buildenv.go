// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// BuildEnv is what a build was made of: the packages of its build root. OBS keeps
// it with the results, as _buildenv, and predicts it for the next build, as
// _buildinfo.
type BuildEnv struct {
	Package string // of OBS; "" if it does not say
	VersRel string // version and release of the source, without the rebuild counter
	Release string // of the packages that it made, "1.3"; "" if it does not say
	// Packages are those of the build root by name, with version and release.
	Packages map[string]string
}

// VersionRelease is the version and release of the packages that were made, "" if it
// does not say.
func (e BuildEnv) VersionRelease() string {
	at := strings.LastIndex(e.VersRel, "-")
	if at < 0 || e.Release == "" {
		return ""
	}
	return e.VersRel[:at] + "-" + e.Release
}

// BuildEnv gives what the last build of a target was made of. OBS keeps none of
// the builds before it.
func (c *Client) BuildEnv(ctx context.Context, t Target) (e BuildEnv, err error) {
	if err := t.Check(); err != nil {
		return e, err
	}
	err = c.read(ctx, nil, t.path("_buildenv"), func(r io.Reader) error {
		e, err = ReadBuildEnv(r)
		return err
	})
	return e, err
}

// Bounds of a _buildenv. Real ones have 100 KB, and a thousand packages.
const (
	maxEnv         = 16 << 20
	maxEnvPackages = 20_000
)

// ReadBuildEnv reads a _buildenv or _buildinfo. One that names no package of a
// build root, as OBS writes it where there can be none, is an error.
func ReadBuildEnv(r io.Reader) (BuildEnv, error) {
	in := &io.LimitedReader{R: r, N: maxEnv}
	e, err := readBuildEnv(newDecoder(in))
	switch {
	case err != nil && in.N == 0:
		return BuildEnv{}, fmt.Errorf("build environment of more than %d bytes", maxEnv)
	case err != nil:
		return BuildEnv{}, err
	case len(e.Packages) == 0:
		return BuildEnv{}, errors.New("names no package of a build root")
	}
	return e, nil
}

// readBuildEnv reads a <buildinfo> element by element: what is not kept costs
// nothing.
func readBuildEnv(in *xml.Decoder) (BuildEnv, error) {
	e := BuildEnv{Packages: map[string]string{}}
	var path []string // names of the elements that are open
	var reason string
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return e, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			switch {
			case path[0] != "buildinfo":
				return e, fmt.Errorf("expected element type <buildinfo> but have <%s>", words(path[0]))
			case len(path) == 1:
				e.Package = attribute(token, "package")
			case len(path) == 2 && path[1] == "bdep":
				if len(e.Packages) == maxEnvPackages {
					return e, fmt.Errorf("more than %d packages in a build root", maxEnvPackages)
				}
				name, version := attribute(token, "name"), attribute(token, "version")
				if release := attribute(token, "release"); release != "" {
					version += "-" + release
				}
				if name != "" && version != "" {
					e.Packages[name] = version
				}
			}
		case xml.CharData:
			if len(path) == 2 {
				switch path[1] {
				case "versrel":
					e.VersRel += string(token)
				case "release":
					e.Release += string(token)
				case "error":
					reason += string(token)
				}
			}
		case xml.EndElement:
			if path = path[:len(path)-1]; len(path) > 0 {
				continue
			}
			if reason != "" && len(e.Packages) == 0 {
				return e, fmt.Errorf("no build root: %s", words(reason))
			}
			return e, nil
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
