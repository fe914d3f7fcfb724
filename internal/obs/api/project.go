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
	repositories, err := c.Repositories(ctx, at.Project)
	if err != nil {
		return nil, err
	}
	for _, r := range repositories {
		if r.Name == at.Repository {
			return r.Path, nil
		}
	}
	return nil, nil
}

// Repository is what a project's configuration says of one of its repositories.
type Repository struct {
	Name   string        `xml:"name,attr"`
	Path   []PathElement `xml:"path"`
	Arches []string      `xml:"arch"` // that it is built for, by the names of schedulers
}

// Repositories lists the repositories of a project, whether or not anything was
// built in them.
func (c *Client) Repositories(ctx context.Context, project string) ([]Repository, error) {
	if err := checkProject(project); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName      xml.Name     `xml:"project"`
		Repositories []Repository `xml:"repository"`
	}
	err := c.document(ctx, &doc, nil, "source", project, "_meta")
	return doc.Repositories, err
}
