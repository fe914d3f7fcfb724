// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
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
	Dirty      bool            `xml:"dirty,attr"` // the scheduler has yet to look: the answer may be outdated
	Packages   []PackageResult `xml:"status"`
}

// PackageResult is how far one package is.
type PackageResult struct {
	Package string `xml:"package,attr"`
	Code    string `xml:"code,attr"` // "succeeded", "failed", "unresolvable", "blocked", "scheduled", "building", "excluded", ...
	Details string `xml:"details"`
}

// resultPackages is how many packages are asked for at once. Their names stand in
// the URL, and servers refuse those of more than some 8 KB (414).
const resultPackages = 100

// Results says how far a project's packages are. Flavors of the packages in the
// filter are among them. Many packages are asked for in several requests: Dirty then
// says that one of the answers was.
func (c *Client) Results(ctx context.Context, project string, f Filter) ([]Result, error) {
	if err := checkProject(project); err != nil {
		return nil, err
	}
	var rest []string // of the query, for each request
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
			if part.name != "package" {
				rest = append(rest, part.name, v)
			}
		}
	}
	if len(f.Packages) <= resultPackages {
		return c.results(ctx, project, f.Packages, rest)
	}
	var out []Result
	for packages := range slices.Chunk(f.Packages, resultPackages) {
		part, err := c.results(ctx, project, packages, rest)
		if err != nil {
			return nil, err
		}
		out = merge(out, part)
	}
	return out, nil
}

// results is one request of [Client.Results].
func (c *Client) results(ctx context.Context, project string, packages, rest []string) ([]Result, error) {
	query := []string{"view", "status", "multibuild", "1"}
	for _, p := range packages {
		query = append(query, "package", p)
	}
	var doc struct {
		XMLName xml.Name `xml:"resultlist"`
		Results []Result `xml:"result"`
	}
	err := c.document(ctx, &doc, append(query, rest...), "build", project, "_result")
	return doc.Results, err
}

// merge adds later results for other packages. A flavor may be in both.
func merge(to, more []Result) []Result {
	for _, r := range more {
		i := slices.IndexFunc(to, func(o Result) bool {
			return o.Project == r.Project && o.Repository == r.Repository && o.Arch == r.Arch
		})
		if i < 0 {
			to = append(to, r)
			continue
		}
		names := map[string]bool{}
		for _, p := range r.Packages {
			names[p.Package] = true
		}
		r.Packages = append(slices.DeleteFunc(to[i].Packages, func(p PackageResult) bool { return names[p.Package] }), r.Packages...)
		r.Dirty = r.Dirty || to[i].Dirty
		to[i] = r
	}
	return to
}
