// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// UnixTime is a time that OBS writes in seconds since 1970; zero if it wrote none.
type UnixTime struct{ time.Time }

// UnmarshalText reads the seconds.
func (t *UnixTime) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" {
		t.Time = time.Time{}
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("time %q: %w", s, err)
	}
	t.Time = time.Unix(n, 0).UTC()
	return nil
}

// Filter narrows results down. What is empty is not narrowed down.
type Filter struct{ Packages, Repositories, Arches []string }

// Result is how far one repository is for one architecture.
type Result struct {
	Project    string          `xml:"project,attr"`
	Repository string          `xml:"repository,attr"`
	Arch       string          `xml:"arch,attr"`
	Code       string          `xml:"code,attr"`  // "published", "building", "broken", ...
	State      string          `xml:"state,attr"` // the former name of Code
	Dirty      bool            `xml:"dirty,attr"` // the scheduler has yet to look: what is said may be of before
	Details    string          `xml:"details,attr"`
	Packages   []PackageResult `xml:"status"`
}

// PackageResult is how far one package is.
type PackageResult struct {
	Package string `xml:"package,attr"`
	Code    string `xml:"code,attr"`    // "succeeded", "failed", "unresolvable", "blocked", "scheduled", "building", "excluded", ...
	VersRel string `xml:"versrel,attr"` // version and release of the source that was built, without the rebuild counter; "" if nothing was
	Details string `xml:"details"`
}

// Results says how far a project's packages are. Flavors of the packages in the
// filter are among them.
func (c *Client) Results(ctx context.Context, project string, f Filter) ([]Result, error) {
	if err := checkProject(project); err != nil {
		return nil, err
	}
	query := []string{"view", "status", "view", "versrel", "multibuild", "1"}
	for _, part := range []struct {
		name   string
		values []string
		check  func(string) error
	}{
		{"package", f.Packages, checkPackage},
		{"repository", f.Repositories, func(s string) error { return checkName("repository", s) }},
		{"arch", f.Arches, func(s string) error { return checkName("architecture", s) }},
	} {
		for _, v := range part.values {
			if err := part.check(v); err != nil {
				return nil, err
			}
			query = append(query, part.name, v)
		}
	}
	var doc struct {
		XMLName xml.Name `xml:"resultlist"`
		Results []Result `xml:"result"`
	}
	err := c.document(ctx, &doc, query, "build", project, "_result")
	return doc.Results, err
}

// Dependencies are what a package was built with and what came out of it.
type Dependencies struct {
	Package     string   `xml:"name,attr"`
	Source      string   `xml:"source"` // name of the source package
	Needs       []string `xml:"pkgdep"` // names of binary packages, direct ones
	Subpackages []string `xml:"subpkg"` // names of the binary packages made of it
}

// DepInfo gives the dependencies of all packages of a repository, as the
// scheduler last saw them. Binaries of other projects are among Needs.
func (c *Client) DepInfo(ctx context.Context, project, repository, arch string) ([]Dependencies, error) {
	if err := (Target{project, repository, arch, "any"}).check(); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName  xml.Name       `xml:"builddepinfo"`
		Packages []Dependencies `xml:"package"`
	}
	err := c.document(ctx, &doc, nil, "build", project, repository, arch, "_builddepinfo")
	return doc.Packages, err
}
