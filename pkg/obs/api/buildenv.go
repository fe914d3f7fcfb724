// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"io"
	"strings"
)

// BuildEnv is what a build was made of: the packages of its build root. OBS keeps
// it with the results, as _buildenv, and foretells it for the next build, as
// _buildinfo.
type BuildEnv struct {
	Project    string
	Repository string
	Package    string
	SrcMD5     string
	VersRel    string // version and release of the source, without the rebuild counter
	Release    string // of the packages that it made, "1.3"; "" if it does not say
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

// buildEnvXML is a _buildenv as BSXML.pm of OBS has it.
type buildEnvXML struct {
	XMLName    xml.Name `xml:"buildinfo"`
	Project    string   `xml:"project,attr"`
	Repository string   `xml:"repository,attr"`
	Package    string   `xml:"package,attr"`
	SrcMD5     string   `xml:"srcmd5"`
	VersRel    string   `xml:"versrel"`
	Release    string   `xml:"release"`
	Deps       []struct {
		Name    string `xml:"name,attr"`
		Version string `xml:"version,attr"`
		Release string `xml:"release,attr"`
	} `xml:"bdep"`
}

func (x *buildEnvXML) env() BuildEnv {
	e := BuildEnv{x.Project, x.Repository, x.Package, x.SrcMD5, x.VersRel, x.Release, map[string]string{}}
	for _, d := range x.Deps {
		if d.Release != "" {
			d.Version += "-" + d.Release
		}
		if d.Name != "" && d.Version != "" {
			e.Packages[d.Name] = d.Version
		}
	}
	return e
}

// BuildEnv gives what the last build of a target was made of. OBS keeps none of
// the builds before it.
func (c *Client) BuildEnv(ctx context.Context, t Target) (BuildEnv, error) {
	if err := t.check(); err != nil {
		return BuildEnv{}, err
	}
	var x buildEnvXML
	err := c.document(ctx, &x, nil, t.path("_buildenv")...)
	return x.env(), err
}

// maxEnv bounds a _buildenv in a file; real ones have 100 KB.
const maxEnv = 16 << 20

// ReadBuildEnv reads a _buildenv or _buildinfo.
func ReadBuildEnv(r io.Reader) (BuildEnv, error) {
	var x buildEnvXML
	err := xml.NewDecoder(io.LimitReader(r, maxEnv)).Decode(&x)
	return x.env(), err
}
