// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
)

// Rebuild has OBS build a target again. OBS takes a missing field for all there
// are, without a package for the whole project, so that nothing is sent unless
// each field is a single name.
//
// It returns nil when OBS said that it took the command, a [StatusError] when it
// refused, and an [ErrUnknownOutcome] when it may have taken it. Only what
// certainly was not taken is tried again: a connection that did not come about,
// and a server that is busy.
//
// A trigger token, if the client has one, goes before user and password. A token
// that was made for one package rebuilds that one, whatever the target says:
// OBS' TriggerController does not compare.
func (c *Client) Rebuild(ctx context.Context, t Target) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("rebuild of %q: %w", t, err)
	}
	r := request{
		method: http.MethodPost,
		path:   []string{"build", t.Project},
		query:  []string{"cmd", "rebuild", "package", t.Package, "repository", t.Repository, "arch", t.Arch},
		header: http.Header{"Accept": {"application/xml"}},
	}
	if c.o.Token != nil {
		r.token = c.o.Token
		r.path = []string{"trigger", "rebuild"}
		// OBS reads arch, and without it rebuilds for all; osc says architecture.
		r.query = []string{"project", t.Project, "package", t.Package, "repository", t.Repository, "arch", t.Arch, "architecture", t.Arch}
	}
	return c.try(ctx, func() error {
		resp, err := c.exchange(ctx, r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
		var s status
		if err == nil {
			err = xml.Unmarshal(text, &s)
		}
		if err == nil && s.Code != "ok" {
			err = fmt.Errorf("status %q: %s", words(s.Code), words(s.Summary))
		}
		if err != nil {
			return fmt.Errorf("%s: %d with an answer that is not OBS': %w; %w", r, resp.StatusCode, err, ErrUnknownOutcome)
		}
		return nil
	})
}
