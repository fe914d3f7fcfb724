// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"slices"
)

// PathElement is a repository that another one builds against.
type PathElement struct {
	Project    string `xml:"project,attr"`
	Repository string `xml:"repository,attr"`
}

// maxPath bounds the path of a repository. Real ones have a dozen.
const maxPath = 100

// Path lists the repositories that one builds against, nearest first: those of
// its own path and, of the last, its path as well (expandsearchpath in
// BSSched::Checker). What was found before an error is returned with it.
func (c *Client) Path(ctx context.Context, project, repository string) ([]PathElement, error) {
	var out []PathElement
	for at := (PathElement{project, repository}); len(out) < maxPath; {
		next, err := c.ownPath(ctx, at)
		if err != nil || len(next) == 0 {
			return out, err
		}
		at = next[len(next)-1]
		if at == (PathElement{project, repository}) || slices.Contains(out, at) {
			return out, nil // a path that leads back
		}
		out = append(out, next...)
	}
	return out, nil
}

// ownPath is the path that a project's configuration gives a repository.
func (c *Client) ownPath(ctx context.Context, at PathElement) ([]PathElement, error) {
	if err := checkProject(at.Project); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName      xml.Name `xml:"project"`
		Repositories []struct {
			Name string        `xml:"name,attr"`
			Path []PathElement `xml:"path"`
		} `xml:"repository"`
	}
	if err := c.document(ctx, &doc, nil, "source", at.Project, "_meta"); err != nil {
		return nil, err
	}
	for _, r := range doc.Repositories {
		if r.Name == at.Repository {
			return r.Path, nil
		}
	}
	return nil, nil
}
