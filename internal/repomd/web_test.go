// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// noWait makes the waits between attempts none.
var noWait = Options{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}

// repository is a repository with one package of that content.
func repository(t *testing.T, content, checksum string) string {
	t.Helper()
	dir := t.TempDir()
	stored{
		ext: ".gz",
		text: onePackage(fmt.Sprintf(`<checksum type="sha256" pkgid="YES">%s</checksum><size package="%d"/><location href="x86_64/kernel+a~1.rpm"/>`,
			checksum, len(content))),
		files: map[string]string{"x86_64/kernel+a~1.rpm": content},
	}.write(t, dir)
	return dir
}

// fetchOnly fetches the only package of a repository.
func fetchOnly(t *testing.T, source string) (path string, err error) {
	t.Helper()
	r, err := Open(t.Context(), source, noWait)
	if err != nil {
		return "", err
	}
	for p, err := range r.Packages(t.Context(), tokensOnly) {
		if err != nil {
			return "", err
		}
		return r.Fetch(t.Context(), p, t.TempDir())
	}
	return "", nil
}

func TestFetch(t *testing.T) {
	const content = "the package"
	good := digest("sha256", []byte(content))
	dir := repository(t, content, good)
	files := http.FileServer(http.Dir(dir))
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	isPackage := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".rpm") }
	asked := map[string]int{}
	for name, test := range map[string]struct {
		source, want string // want of the error, "" for none
	}{
		"folder":       {dir, ""},
		"file URL":     {"file://" + dir, ""},
		"server":       {serve(files.ServeHTTP), ""},
		"below a path": {serve(http.StripPrefix("/a b/c", files).ServeHTTP) + "/a%20b/c/", ""},
		"with a query": {serve(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "secret" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			files.ServeHTTP(w, r)
		}) + "?secret", ""},
		"unavailable for a while": {serve(func(w http.ResponseWriter, r *http.Request) {
			if asked[r.URL.Path]++; asked[r.URL.Path] < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			files.ServeHTTP(w, r)
		}), ""},
		"cut off for a while": {serve(func(w http.ResponseWriter, r *http.Request) {
			if asked["cut"]++; isPackage(r) && asked["cut"] < 5 {
				w.Header().Set("Content-Length", fmt.Sprint(len(content)))
				w.Write([]byte(content[:3]))
				return
			}
			files.ServeHTTP(w, r)
		}), ""},
		"unavailable": {serve(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }),
			"repodata/repomd.xml: the server answers 502 Bad Gateway; the server failed: try again later (tried 4 times)"},
		"not there": {serve(http.NotFound) + "?secret", "repodata/repomd.xml: the server answers 404 Not Found"},
		"package not there": {serve(func(w http.ResponseWriter, r *http.Request) {
			if isPackage(r) {
				http.NotFound(w, r)
				return
			}
			files.ServeHTTP(w, r)
		}), "x86_64/kernel+a~1.rpm: the server answers 404"},
		"another package": {serve(func(w http.ResponseWriter, r *http.Request) {
			if isPackage(r) {
				w.Write([]byte("the pickage"))
				return
			}
			files.ServeHTTP(w, r)
		}), "x86_64/kernel+a~1.rpm: sha256 is "},
		"a longer package": {serve(func(w http.ResponseWriter, r *http.Request) {
			if isPackage(r) {
				w.(http.Flusher).Flush() // so that no length is announced
				w.Write([]byte(content + content))
				return
			}
			files.ServeHTTP(w, r)
		}), "more than the 11 bytes"},
		"an announced longer package": {serve(func(w http.ResponseWriter, r *http.Request) {
			if isPackage(r) {
				w.Write([]byte(content + content))
				return
			}
			files.ServeHTTP(w, r)
		}), "22 bytes, at most 11 are read"},
		"folder, wrong checksum": {repository(t, "the pickage", good), "kernel+a~1.rpm: sha256 is "},
		"no checksum":            {repository(t, content, ""), "kernel+a~1.rpm: checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			path, err := fetchOnly(t, test.source)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v, want %q in it", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != content || filepath.Base(path) != "kernel+a~1.rpm" {
				t.Errorf("%s: %q, %v", path, got, err)
			}
		})
	}
}

// TestNothingLeft holds that a download that fails leaves no file behind.
func TestNothingLeft(t *testing.T) {
	dir := repository(t, "the pickage", digest("sha256", []byte("the package")))
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	r, err := Open(t.Context(), s.URL, noWait)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	for p := range r.Packages(t.Context(), tokensOnly) {
		if path, err := r.Fetch(t.Context(), p, to); err == nil || path != "" {
			t.Errorf("%q, %v", path, err)
		}
	}
	if files, _ := filepath.Glob(to + "/*/*"); len(files) > 0 {
		t.Errorf("%v", files)
	}
}

// TestElsewhere holds that a package with an xml:base is not followed.
func TestElsewhere(t *testing.T) {
	dir := t.TempDir()
	stored{text: onePackage(`<location xml:base="http://127.0.0.1:1/" href="a.rpm"/>`)}.write(t, dir)
	if _, err := fetchOnly(t, dir); err == nil || !strings.Contains(err.Error(), "outside of the repository") {
		t.Error(err)
	}
}

func TestRedirect(t *testing.T) {
	request := func(s string) *http.Request {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Request{URL: u}
	}
	via := []*http.Request{request("https://example.org/")}
	if err := checkRedirect(request("https://mirror.example.org/"), via); err != nil {
		t.Error(err)
	}
	if err := checkRedirect(request("http://mirror.example.org/"), via); err == nil {
		t.Error("followed from https to http")
	}
	if err := checkRedirect(request("https://mirror.example.org/"), make([]*http.Request, 10)); err == nil {
		t.Error("followed without end")
	}
}

// TestSecrets holds that user, password and query are not shown.
func TestSecrets(t *testing.T) {
	const secret = "https://user:word@example.org/repo?token"
	r, err := newPlace(secret, Options{})
	if err != nil || r.String() != "https://example.org/repo" || Name(secret) != r.String() {
		t.Errorf("%s, %s, %v", r, Name(secret), err)
	}
	if got := r.address("a%2f/b c").String(); got != "https://user:word@example.org/repo/a%252f/b%20c?token" {
		t.Error(got)
	}
	if got := Name("https://user:word@%zz/"); got != "https://..." {
		t.Error(got)
	}
}
