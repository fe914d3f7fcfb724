// SPDX-License-Identifier: Apache-2.0

// Package api talks to an Open Build Service: it reads what was built, from what
// and why, has single packages rebuilt, and comments on them. [New] makes a [Client],
// whose methods are routes of the API.
//
// Reading is repeated where the network or the server fails for a while. A command
// is sent once: where it cannot be known whether OBS took it, the error is an
// [ErrUnknownOutcome]. What OBS refuses is a [StatusError] in OBS' own words.
//
// Certificates are always verified. User, password, signature and session go to
// the API's own scheme, host and port, never to where it redirects, and stand in
// no URL and no error.
package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
)

// Revealer holds a secret; oscrc.Secret is one. It is asked when a request needs
// the secret, which is not kept.
type Revealer interface{ Reveal() string }

// Options say where the API is and who asks. All but URL may be left out; the
// source server of a backend has the same routes and asks for nobody.
type Options struct {
	URL string // of the API, "https://api.opensuse.org"

	// User with Password or SSHKey, or with both: then the password is tried
	// first, as osc does. SSHKey is a file, or the fingerprint of a key in the
	// agent; without password and key, a key of the agent or of ~/.ssh is taken.
	User     string
	Password Revealer
	SSHKey   string

	// Token is a trigger token: Rebuild then needs nothing else. It opens no
	// other route.
	Token Revealer

	// AllowHTTP permits http:// for other addresses than those of the loopback
	// interface, which need no permission.
	AllowHTTP bool

	CAFile    string // further certificates in PEM, beside the system's
	CAPath    string // folder of such files
	UserAgent string

	// Attempts is how often a request is tried at most, 0 means 4.
	Attempts int
	// Bounds of what is read, 0 means the default.
	Bounds Bounds
	// Sleep waits between attempts, Now is the clock. Tests replace them.
	Sleep func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
}

// Bounds are what a server may have a client keep. All of openSUSE:Factory are
// 17,000 packages with a million names, in a third of a Document.
type Bounds struct {
	Document int64 // bytes of a document, 128 MiB by default
	Packages int   // in the dependencies of a repository, 200,000 by default
	Names    int   // likewise, 4,000,000 by default
}

// Client talks to one API. It can be used by several goroutines.
type Client struct {
	o    Options
	base *url.URL     // without a slash at its end
	own  *http.Client // for the API's own origin, with its session cookie
	any  *http.Client // for where it redirects

	mu    sync.Mutex
	basic bool // the API took the password: it is sent along from now on
}

// answerTimeout is how long OBS may take to begin an answer: it may have to download
// a package first.
const answerTimeout = 3 * time.Minute

// New makes a client. Nothing is sent.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return nil, errors.New("API: not a URL") // which may hold a password
	case base.User != nil:
		return nil, errors.New("API: a user or password in a URL is not taken")
	case base.Host == "" || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("API: not the URL of an API, as https://api.example.org is one") // likewise
	case base.Scheme == "http" && !o.AllowHTTP && !isLoopback(base.Hostname()):
		return nil, fmt.Errorf("API %s: plain http shows passwords to everybody on the way; osc's option allow_http permits it", o.URL)
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("API %q: neither https nor http", o.URL)
	case strings.ContainsFunc(o.User, func(c rune) bool { return c <= ' ' || c == '"' || c == ':' || c == 0x7f }):
		return nil, errors.New("API: no user has such a name (a blank, a colon, a quote or a control character)")
	}
	base = base.JoinPath()
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), strings.TrimRight(base.RawPath, "/")
	roots, err := certificates(o.CAFile, o.CAPath)
	if err != nil {
		return nil, err
	}
	transport := fetch.Transport(answerTimeout, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Attempts = cmp.Or(max(o.Attempts, 0), 4)
	o.Bounds = Bounds{cmp.Or(o.Bounds.Document, 128<<20), cmp.Or(o.Bounds.Packages, 200_000), cmp.Or(o.Bounds.Names, 4_000_000)}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = fetch.Sleep
	}
	o.UserAgent = cmp.Or(o.UserAgent, "obs-btf-guard")
	return &Client{
		o:    o,
		base: base,
		own:  &http.Client{Transport: transport, CheckRedirect: stay, Jar: jar},
		any:  &http.Client{Transport: transport, CheckRedirect: stay},
	}, nil
}

// URL is that of the API.
func (c *Client) URL() string { return c.base.String() }

// isLoopback reports whether what is sent to a host stays on the machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// certificates gives the authorities to trust: nil for the system's alone.
func certificates(file, folder string) (*x509.CertPool, error) {
	var files []string
	if file != "" {
		files = append(files, file)
	}
	if folder != "" {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		for _, e := range entries {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	if files == nil {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	found := false
	for _, name := range files {
		pem, err := os.ReadFile(name)
		if err != nil && name == file {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		found = pool.AppendCertsFromPEM(pem) || found
	}
	if !found {
		return nil, fmt.Errorf("certificates: none in %s", strings.Join(files, ", "))
	}
	return pool, nil
}
