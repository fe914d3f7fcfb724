// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// authority writes the certificate of a test server into a file.
func authority(t *testing.T, s *server) string {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// asksBasic answers reading with f once the password is there.
func asksBasic(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "u" || password != "hidden" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			answer(w, 401, "authentication_required", "Authentication required")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "hidden", Path: "/"})
		f(w, r)
	}
}

func basic(o *Options) { o.User, o.Password = "u", word("hidden") }

// TestRedirect: answers from elsewhere are taken, and nothing secret goes there.
func TestRedirect(t *testing.T) {
	good := func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(reason)) }
	plainThere := plain(t, good)
	tlsThere := secure(t, good)
	for _, tc := range []struct {
		name string
		tls  bool
		to   string
		want string // of the error
	}{
		{"same host", false, "/elsewhere", ""},
		{"same host over TLS", true, "/elsewhere", ""},
		{"another port", false, plainThere.URL, ""},
		{"another port over TLS", true, tlsThere.URL, ""},
		{"to TLS", false, tlsThere.URL, ""},
		{"from TLS to plain", true, plainThere.URL, "the server sends from https to http: not followed"},
		{"to plain far away", false, "http://192.0.2.1/x", "the server sends to plain http on 192.0.2.1: not followed"},
		{"to a file", false, "file:///etc/passwd", "but not to a URL"},
		{"to FTP", false, "ftp://127.0.0.1/", "the server sends from http to ftp"},
		{"with a password", false, "https://u:hidden@127.0.0.1/", "but not to a URL"},
		{"nowhere", false, "", "but not to a URL"},
		{"round and round", false, "/build/", "sent elsewhere more than 4 times"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := plain
			if tc.tls {
				start = secure
			}
			before := []int{plainThere.times(), tlsThere.times()}
			s := start(t, asksBasic(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/build/") {
					w.Header().Set("Location", tc.to)
					w.WriteHeader(302)
					return
				}
				good(w, r)
			}))
			c, _ := client(t, s, func(o *Options) {
				basic(o)
				o.CAFile = authority(t, tlsThere) // all TLS test servers have the same certificate
			})
			_, err := c.Reason(context.Background(), kernel)
			if tc.want != "" {
				wantError(t, err, "_reason: 302: ", tc.want)
			} else if err != nil {
				t.Fatal(err)
			}
			for i, there := range []*server{plainThere, tlsThere} {
				for _, head := range there.heads[before[i]:] {
					if shown := fmt.Sprint(head); strings.Contains(shown, "Authorization") || strings.Contains(shown, "Cookie") {
						t.Errorf("sent elsewhere: %v", head)
					}
				}
			}
		})
	}
}

// TestTLS: only known authorities, and plain http only where it is permitted.
func TestTLS(t *testing.T) {
	s := secure(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(reason)) })
	ctx := context.Background()
	c, waits := client(t, s, nil)
	_, err := c.Reason(ctx, kernel)
	wantError(t, err, "is not trusted: this machine does not know who issued it")
	if len(*waits) > 0 {
		t.Errorf("asked a stranger again: %v", *waits)
	}
	ca := authority(t, s)
	for name, change := range map[string]func(*Options){"file": func(o *Options) { o.CAFile = ca }, "folder": func(o *Options) { o.CAPath = filepath.Dir(ca) }} {
		c, _ := client(t, s, change)
		if _, err := c.Reason(ctx, kernel); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, _ = client(t, s, func(o *Options) {
		o.CAFile = ca
		o.URL = strings.Replace(o.URL, "127.0.0.1", "localhost", 1) // not in the certificate
	})
	_, err = c.Reason(ctx, kernel)
	wantError(t, err, "is not trusted: it is for other hosts")
	c, waits = client(t, s, func(o *Options) { o.URL = strings.Replace(o.URL, "https", "http", 1) })
	if _, err = c.Reason(ctx, kernel); err == nil || len(*waits) > 0 {
		t.Errorf("plain http to a TLS port: %v", err)
	}

	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{URL: "http://api.example.org"}, "plain http shows passwords"},
		{Options{URL: "http://localhost.example.org"}, "plain http shows passwords"},
		{Options{URL: "http://127.0.0.1.example.org"}, "plain http shows passwords"},
		{Options{URL: "https://u:hidden@api.example.org"}, "a user or password in a URL is not taken"},
		{Options{URL: "https://u:hidden@api.example.org:x"}, "not a URL"},
		{Options{URL: "api.example.org"}, "not the URL of an API"},
		{Options{URL: "u:hidden@api.example.org"}, "not the URL of an API"},
		{Options{URL: "ftp://api.example.org"}, "neither https nor http"},
		{Options{URL: "https://api.example.org?token=hidden"}, "not the URL of an API"},
		{Options{URL: "https://api.example.org", User: "a:b"}, "no user has such a name"},
		{Options{URL: "https://api.example.org", User: "a\"b"}, "no user has such a name"},
		{Options{URL: "https://api.example.org", CAFile: "/none"}, "certificates: open /none"},
		{Options{URL: "https://api.example.org", CAFile: "/dev/null"}, "certificates: none in /dev/null"},
	} {
		_, err := New(tc.o)
		wantError(t, err, tc.want)
	}
	for _, o := range []Options{{URL: "http://api.example.org", AllowHTTP: true}, {URL: "http://127.0.0.1:1"}, {URL: "http://[::1]:1/"}, {URL: "http://localhost"}, {URL: "https://api.example.org/x/"}} {
		if _, err := New(o); err != nil {
			t.Error(err)
		}
	}
}
