// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestPath expands paths as OBS' expandsearchpath does. Each project has one
// repository, r, unless it is written with another.
func TestPath(t *testing.T) {
	for _, tc := range []struct {
		name  string
		paths string // "A: B C; B: D"
		want  string
		fails string
	}{
		{"none", "A:", "", ""},
		{"one", "A: B; B:", "B", ""},
		{"only the last is expanded", "A: B C; B: X; C: D; D:", "B C D", ""},
		{"the last was listed before", "A: B C; C: B; B: D; D:", "B C D", ""},
		{"listed twice", "A: B C B; B: C D; C: X; D:", "B C D", ""},
		{"leads back", "A: B; B: C; C: A", "B C", ""},
		{"leads to itself", "A: A", "", ""},
		{"leads back to the middle", "A: B C; C: D B; B: E C", "B C D E", ""},
		{"another repository of its own", "A: A/s B; B:", "A/s B", ""},
		{"a repository that is not there", "A: B C/s; C:", "B C/s", ""},
		{"a project that is not there", "A: B C", "B C", "GET /source/C/_meta: 404"},
		{"a remote project that is not shown", "A: B openSUSE.org:X", "B openSUSE.org:X", "GET /source/openSUSE.org:X/_meta: 403"},
		{"not a name", "A: B ../C", "B ../C", `project: "../C" is no name in OBS`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain(t, func(w http.ResponseWriter, r *http.Request) {
				name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/source/"), "/_meta")
				for line := range strings.SplitSeq(tc.paths, "; ") {
					if path, ok := strings.CutPrefix(line, name+":"); ok {
						fmt.Fprintf(w, `<project name=%q><repository name="other"><path project="X" repository="r"/></repository><repository name="r">`, name)
						for e := range strings.FieldsSeq(path) {
							i := strings.LastIndex(strings.TrimPrefix(e, "../"), "/")
							if i < 0 {
								fmt.Fprintf(w, `<path project=%q repository="r"/>`, e)
							} else {
								fmt.Fprintf(w, `<path project=%q repository=%q/>`, e[:i], e[i+1:])
							}
						}
						fmt.Fprint(w, `</repository></project>`)
						return
					}
				}
				if strings.HasPrefix(name, "openSUSE.org:") {
					answer(w, 403, "no_access", "remote")
					return
				}
				answer(w, 404, "unknown_project", "no such project")
			})
			c, _ := client(t, s, nil)
			path, err := c.Path(context.Background(), "A", "r")
			var got []string
			for _, e := range path {
				got = append(got, strings.TrimSuffix(e.Project+"/"+e.Repository, "/r"))
			}
			if !slices.Equal(got, strings.Fields(tc.want)) {
				t.Errorf("path %q, want %q", got, tc.want)
			}
			if tc.fails != "" {
				wantError(t, err, tc.fails)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEndlessPath: a path that always names a further repository ends.
func TestEndlessPath(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		at := strings.Split(r.URL.Path, "/")[2]
		fmt.Fprintf(w, `<project name=%q><repository name="r"><path project="%[1]sx" repository="r"/></repository></project>`, at)
	})
	c, _ := client(t, s, nil)
	path, err := c.Path(context.Background(), "A", "r")
	wantError(t, err, "path of A/r: more than 100 repositories")
	if len(path) != maxPath {
		t.Errorf("%d elements", len(path))
	}
}
