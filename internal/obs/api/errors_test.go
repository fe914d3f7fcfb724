// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestKindsOfErrors tells errors apart that may pass, that will not, and that say
// that something is not there.
func TestKindsOfErrors(t *testing.T) {
	status := func(n int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			answer(w, n, "code", "words")
		}
	}
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) }
	}
	read := func(c *Client) error { _, err := c.Reason(context.Background(), kernel); return err }
	rebuild := func(c *Client) error { return c.Rebuild(context.Background(), kernel) }
	for _, tc := range []struct {
		name              string
		server            *server
		call              func(c *Client) error
		passing, notFound bool
	}{
		{"500", plain(t, status(500, "")), read, true, false},
		{"503 for an hour", plain(t, status(503, "3600")), read, true, false},
		{"429", plain(t, status(429, "")), read, true, false},
		{"404", plain(t, status(404, "")), read, false, true},
		{"403", plain(t, status(403, "")), read, false, false},
		{"401", plain(t, status(401, "")), read, false, false},
		{"connection cut", plain(t, cut), read, true, false},
		{"cut in the answer", plain(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, reason)
			cut(w, r)
		}), read, true, false},
		{"nobody listens", refusing(t), read, true, false},
		{"a stranger's certificate", secure(t, text(reason)), read, false, false},
		{"a web page", plain(t, text("<html/>")), read, false, false},
		{"no name", plain(t, text("")), func(c *Client) error {
			_, err := c.Reason(context.Background(), Target{})
			return err
		}, false, false},
		{"part of a file", plain(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			cut(w, r)
		}), func(c *Client) error {
			_, err := c.Download(context.Background(), kernel, Binary{Name: "a.rpm", Size: 1000}, t.TempDir())
			return err
		}, true, false},
		{"another file", plain(t, text("text")), func(c *Client) error {
			_, err := c.Download(context.Background(), kernel, Binary{Name: "a.rpm", Size: 1000}, t.TempDir())
			return err
		}, false, false},
		{"rebuild, busy", plain(t, status(503, "1")), rebuild, true, false},
		{"rebuild, not connected", refusing(t), rebuild, true, false},
		{"rebuild, may have been taken", plain(t, status(502, "")), rebuild, false, false},
		{"rebuild, cut", plain(t, cut), rebuild, false, false},
		{"rebuild, unknown package", plain(t, status(404, "")), rebuild, false, true},
		{"given up while waiting", plain(t, status(500, "")), func(c *Client) error {
			c.o.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
			return read(c)
		}, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := client(t, tc.server, nil)
			err := tc.call(c)
			wantError(t, err)
			err = fmt.Errorf("wrapped: %w", err)
			if Passing(err) != tc.passing || NotFound(err) != tc.notFound {
				t.Errorf("passing %t, not found %t: %v", Passing(err), NotFound(err), err)
			}
		})
	}
	if Passing(nil) || NotFound(nil) {
		t.Error("no error is one")
	}
}
