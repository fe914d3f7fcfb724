// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strconv"
)

// Comment is what somebody wrote on a package's page.
type Comment struct {
	ID   int    `xml:"id,attr"`
	Who  string `xml:"who,attr"` // user
	Text string `xml:",chardata"`
}

// User is who asks, "" if nobody in particular.
func (c *Client) User() string { return c.o.User }

// checkComments says what is wrong with the names of a package that has comments, which
// a flavor of one has not.
func checkComments(project, pkg string) error {
	return errors.Join(checkProject(project), checkName("package", pkg))
}

// Comments lists the comments on a package, oldest first. The API of OBS has them, and a
// backend has not.
func (c *Client) Comments(ctx context.Context, project, pkg string) ([]Comment, error) {
	if err := checkComments(project, pkg); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName  xml.Name  `xml:"comments"`
		Comments []Comment `xml:"comment"`
	}
	err := c.document(ctx, &doc, nil, "comments", "package", project, pkg)
	slices.SortFunc(doc.Comments, func(a, b Comment) int { return a.ID - b.ID })
	return doc.Comments, err
}

// AddComment comments on a package. It is sent once: an [ErrUnknownOutcome] says that the
// comment may be there or not.
func (c *Client) AddComment(ctx context.Context, project, pkg, text string) error {
	if err := checkComments(project, pkg); err != nil {
		return err
	}
	return c.command(ctx, request{
		method: http.MethodPost, path: []string{"comments", "package", project, pkg}, body: []byte(text),
		header: http.Header{"Accept": {"application/xml"}, "Content-Type": {"text/plain; charset=utf-8"}},
	})
}

// DeleteComment removes a comment. That there is none of that number is no error.
func (c *Client) DeleteComment(ctx context.Context, id int) error {
	err := c.command(ctx, request{
		method: http.MethodDelete, path: []string{"comment", strconv.Itoa(id)}, header: http.Header{"Accept": {"application/xml"}},
	})
	if NotFound(err) {
		return nil
	}
	return err
}
