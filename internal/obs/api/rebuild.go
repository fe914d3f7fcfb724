// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
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
	if err := t.Check(); err != nil {
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
	return c.command(ctx, r)
}
