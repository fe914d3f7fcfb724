// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// State is what OBS' scheduler says of a repository for one architecture.
type State struct {
	Code    string `xml:"code,attr"`  // "finished": nothing is left to build
	Dirty   bool   `xml:"dirty,attr"` // it is about to be looked at again
	BuildID string `xml:"buildid"`    // of what is in it, "" if OBS does not tell
}

// Settled is the build id of a repository that is finished and stays as it is until
// something is built or removed, "" of any other.
func (s State) Settled() string {
	if s.Code != "finished" || s.Dirty {
		return ""
	}
	return s.BuildID
}

// State asks for the state of a whole repository. Servers before OBS 2.10 do not know the
// question: of them it is zero.
func (c *Client) State(ctx context.Context, t Target) (State, error) {
	if err := t.checkFiles(); err != nil {
		return State{}, err
	}
	var doc struct {
		XMLName xml.Name
		State
	}
	err := c.document(ctx, &doc, []string{"view", "status"}, "build", t.Project, t.Repository, t.Arch)
	if e, ok := errors.AsType[*StatusError](err); ok && e.StatusCode == http.StatusBadRequest {
		return State{}, nil
	}
	switch {
	case err != nil:
		return State{}, err
	case doc.XMLName.Local == "status":
		return doc.State, nil
	case doc.XMLName.Local == "directory": // of the packages
		return State{}, nil
	}
	return State{}, fmt.Errorf("state of %v: the answer is <%s>", t, words(doc.XMLName.Local))
}
