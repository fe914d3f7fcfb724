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
	var reason string
	err := elements(in, "buildinfo", func(path []string, element xml.StartElement) error {
		switch {
		case len(path) == 1:
			e.Package = attribute(element, "package")
		case len(path) == 2 && path[1] == "bdep":
			if len(e.Packages) == maxEnvPackages {
				return fmt.Errorf("more than %d packages in a build root", maxEnvPackages)
			}
			name, version := attribute(element, "name"), attribute(element, "version")
			if release := attribute(element, "release"); release != "" {
				version += "-" + release
			}
			if name != "" && version != "" {
				e.Packages[name] = version
			}
		}
		return nil
	}, func(path []string, text []byte) error {
		if len(path) != 2 {
			return nil
		}
		switch path[1] {
		case "versrel":
			e.VersRel = string(text)
		case "release":
			e.Release = string(text)
		case "error":
			reason = string(text)
		}
		return nil
	})
	if err == nil && reason != "" && len(e.Packages) == 0 {
		err = fmt.Errorf("no build root: %s", words(reason))
	}
	return e, err
}
