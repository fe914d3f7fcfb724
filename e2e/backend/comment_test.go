// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// comments are those on packages, which OBS' web application has and its backend has not.
// They behave as its API documents (comments_package_project_name_package_name.yaml,
// comment_comment_id.yaml).
type comments struct {
	mu   sync.Mutex
	last int
	all  map[int][2]string // package's path and text, by number
}

func (c *comments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of, onPackage := strings.CutPrefix(r.URL.Path, "/comments/package/")
	var id int
	switch {
	case r.Method == http.MethodGet && onPackage:
		io.WriteString(w, "<comments>")
		for id, one := range c.all {
			if one[0] == of {
				fmt.Fprintf(w, `<comment who="bot" when="2026-11-28 02:00:00 UTC" id="%d">%s</comment>`, id, html.EscapeString(one[1]))
			}
		}
		io.WriteString(w, "</comments>")
		return
	case r.Method == http.MethodPost && onPackage:
		text, _ := io.ReadAll(r.Body)
		c.last++
		c.all[c.last] = [2]string{of, string(text)}
	case r.Method == http.MethodDelete:
		fmt.Sscanf(r.URL.Path, "/comment/%d", &id)
		delete(c.all, id)
	}
	io.WriteString(w, `<status code="ok"><summary>Ok</summary></status>`)
}

// texts are the comments on a package.
func (c *comments) texts(of string) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if one[0] == of {
			out = append(out, one[1])
		}
	}
	return out
}

// The package that a rebuild of the kernel leaves behind carries one comment, under the
// name that OBS has for it, until it is built again; then that says so.
func TestComment(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	said := &comments{all: map[int][2]string{}}
	px.comments = said
	p := oneProject(t, "direct", s)
	db := filepath.Join(t.TempDir(), "history.db")
	audit := func(exit int, want string, more ...string) {
		t.Helper()
		args := append([]string{"--db", db, "--since-last", "--comment"}, append(more, p.inOBS())...)
		o := runUntil(t, px, nil, nil, "audit", args...)
		all := said.texts(p.name + "/thing")
		if one := len(all) == 1 && strings.Contains(all[0], want); o.Status != exit || len(said.all) != len(all) || want != "" && !one || want == "" && len(all) > 0 {
			t.Errorf("exit status %d, want %d; %q, want %q", o.Status, exit, all, want)
		}
	}
	audit(0, "")
	p.rebuild("kernel-default")
	p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
	audit(1, "", "--dry-run")
	audit(1, "new, stale: "+oldThing)
	audit(0, "new, stale: "+oldThing)
	p.rebuild("thing")
	p.deliver("thing", succeeds(s.kmp["1.3"].files()...))
	audit(0, "resolved")
	audit(0, "resolved")
}
