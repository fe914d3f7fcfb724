// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestComments reads, writes and removes comments as the API documents it.
func TestComments(t *testing.T) {
	ctx := context.Background()
	var body, kind string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		body, kind = string(text), r.Header.Get("Content-Type")
		switch {
		case r.Method == http.MethodGet:
			io.WriteString(w, `<comments project="home:Admin" package="0ad">
  <comment who="Iggy" when="2021-10-15 13:28:22 UTC" id="12">later</comment>
  <comment who="tom" when="2021-10-15 13:28:21 UTC" id="2" parent="1">a &lt;!-- mark --&gt;
b</comment></comments>`)
		case r.URL.Path == "/comment/404":
			answer(w, 404, "not_found", "Couldn't find Comment with id '404'")
		case r.URL.Path == "/comment/403":
			answer(w, 403, "delete_comment_not_authorized", "Sorry, you are not authorized to delete this comment")
		default:
			ok(w)
		}
	})
	s.Start()
	c, _ := client(t, s, nil)
	got, err := c.Comments(ctx, "home:Admin", "0ad")
	want := []Comment{{2, "tom", "a <!-- mark -->\nb"}, {12, "Iggy", "later"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := c.AddComment(ctx, "home:Admin", "0ad", "two\nlines ü"); err != nil || body != "two\nlines ü" || kind != "text/plain; charset=utf-8" {
		t.Errorf("%v, %q as %q", err, body, kind)
	}
	for id, want := range map[int]string{1: "", 404: "", 403: "DELETE /comment/403: 403 delete_comment_not_authorized"} {
		if err := c.DeleteComment(ctx, id); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %q", id, err, want)
		}
	}
	for _, asked := range []string{"GET /comments/package/home:Admin/0ad", "POST /comments/package/home:Admin/0ad", "DELETE /comment/1"} {
		if !slices.Contains(s.asked, asked) {
			t.Errorf("not asked: %s, but %q", asked, s.asked)
		}
	}
	before := s.times()
	for _, bad := range []string{"", "0ad:flavor", "..", "a/b"} {
		_, err := c.Comments(ctx, "home:Admin", bad)
		if err == nil || c.AddComment(ctx, "home:Admin", bad, "x") == nil {
			t.Errorf("%q is taken for a package", bad)
		}
	}
	if s.times() != before {
		t.Error("asked for what is no package")
	}
}

// TestCommentTwice sends a comment once, whatever becomes of it, and removes one as often
// as it takes.
func TestCommentTwice(t *testing.T) {
	for name, tc := range map[string]struct {
		call  func(c *Client) error
		times int
		fails bool
	}{
		"add":    {func(c *Client) error { return c.AddComment(context.Background(), "P", "p", "x") }, 1, true},
		"delete": {func(c *Client) error { return c.DeleteComment(context.Background(), 1) }, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			failing := true
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if failing {
					failing = false
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				ok(w)
			})
			s.Start()
			c, _ := client(t, s, nil)
			if err := tc.call(c); s.times() != tc.times || (err != nil) != tc.fails {
				t.Errorf("%v after %d requests, want %d", err, s.times(), tc.times)
			}
		})
	}
}
