// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"fmt"
)

// PathElement is a repository that another one builds against.
type PathElement struct {
	Project    string `xml:"project,attr"`
	Repository string `xml:"repository,attr"`
}

// maxPath bounds the path of a repository. Real ones have a dozen.
const maxPath = 100

// Path lists the repositories that one builds against, nearest first and each
// once: those of its own path and, of the last, its path as well, which goes on
// until a repository comes last for the second time (expandsearchpath in OBS'
// BSSched/ProjPacks.pm). What was found before an error is returned with it, as
// for a remote project that does not show its configuration.
func (c *Client) Path(ctx context.Context, project, repository string) ([]PathElement, error) {
	var out []PathElement
	at := PathElement{project, repository}
	listed, expanded := map[PathElement]bool{at: true}, map[PathElement]bool{}
	for !expanded[at] {
		expanded[at] = true
		path, err := c.ownPath(ctx, at)
		if err != nil || len(path) == 0 {
			return out, err
		}
		for _, e := range path {
			if listed[e] {
				continue
			}
			if len(out) == maxPath {
				return out, fmt.Errorf("path of %s/%s: more than %d repositories", project, repository, maxPath)
			}
			listed[e] = true
			out = append(out, e)
		}
		at = path[len(path)-1]
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
