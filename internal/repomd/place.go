// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// place is where a repository is: in a folder or behind a URL.
type place struct {
	dir string
	url *url.URL // nil for a folder
	web *web
}

// IsURL reports whether a source is a URL, not a path.
func IsURL(source string) bool {
	scheme, _, ok := strings.Cut(source, "://")
	return ok && !strings.ContainsAny(scheme, "/.")
}

func newPlace(source string, o Options) (place, error) {
	if !IsURL(source) {
		return place{dir: source}, nil
	}
	u, err := url.Parse(source)
	if err != nil {
		return place{}, errors.New("not a URL") // which may hold a password
	}
	switch {
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") && u.Path != "":
		return place{dir: filepath.FromSlash(u.Path)}, nil
	case u.Scheme != "http" && u.Scheme != "https":
		return place{}, fmt.Errorf("a URL of scheme %.32q; http, https and file are known", u.Scheme)
	case u.Host == "":
		return place{}, errors.New("a URL without a host")
	}
	u.Fragment = ""
	return place{url: u, web: newWeb(o)}, nil
}

// String names the place without what may be secret: user, password and query.
func (p place) String() string {
	if p.url == nil {
		return p.dir
	}
	return (&url.URL{Scheme: p.url.Scheme, Host: p.url.Host, Path: p.url.Path}).String()
}

// Name is a source for people, with a URL as in String.
func Name(source string) string {
	if !IsURL(source) {
		return source
	}
	u, err := url.Parse(source)
	if err != nil {
		scheme, _, _ := strings.Cut(source, "://")
		return scheme + "://..."
	}
	return place{url: u}.String()
}

// address is the URL of a file. Metadata has file names as they are, not escaped.
func (p place) address(href string) *url.URL {
	u := *p.url
	u.Path, u.RawPath = path.Join("/", u.Path, href), ""
	return &u
}

// checkHref refuses names of files that are not below the repository.
func checkHref(href string) error {
	clean := href != "" && !strings.ContainsFunc(href, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' })
	if !clean || IsURL(href) || !filepath.IsLocal(filepath.FromSlash(href)) {
		return fmt.Errorf("location %.160q is not that of a file below the repository", href)
	}
	return nil
}

// read copies a file of the repository to what begin gives, at most limit bytes.
// begin is called again where the copy has to start anew. Errors name the file.
func (p place) read(ctx context.Context, href string, limit int64, begin func() (io.Writer, error)) error {
	if err := p.copy(ctx, href, limit, begin); err != nil {
		return fmt.Errorf("%s: %w", href, regular.WithoutPath(err))
	}
	return nil
}

func (p place) copy(ctx context.Context, href string, limit int64, begin func() (io.Writer, error)) error {
	if p.url != nil {
		return p.web.get(ctx, p.address(href), limit, begin)
	}
	f, err := regular.Open(filepath.Join(p.dir, filepath.FromSlash(href)))
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := begin()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, &fetch.Bounded{R: f, Most: limit})
	return err
}
