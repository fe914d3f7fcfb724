// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestWords has what people read of each way in which a network fails.
func TestWords(t *testing.T) {
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	host := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u.Host
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	t.Cleanup(secure.Close)
	known := x509.NewCertPool()
	known.AddCert(secure.Certificate())
	quiet := serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	hangUp := func(w http.ResponseWriter) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
	closing := serve(func(w http.ResponseWriter, _ *http.Request) { hangUp(w) })
	page := func(text string) string {
		return serve(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
	}
	plain := page("<status/>")
	for _, tc := range []struct {
		name, address string
		certs         *tls.Config
		proxy         string
		want          string // "" for no error
	}{
		{"an answer", plain, nil, "", ""},
		{"nobody listens", gone.URL, nil, "", "nobody listens at " + host(gone.URL) + "; check host and port"},
		{"unknown certificate", secure.URL, nil, "", "the certificate of " + host(secure.URL) + " is not trusted: this machine does not know who issued it; install the issuer's certificate"},
		{"a certificate of others", secure.URL, &tls.Config{RootCAs: known, ServerName: "elsewhere.invalid"}, "", "the certificate of " + host(secure.URL) + " is not trusted: it is for other hosts; check the name"},
		{"an old certificate", secure.URL, &tls.Config{RootCAs: known, Time: func() time.Time { return time.Unix(1<<40, 0) }}, "",
			"the certificate of " + host(secure.URL) + " is not trusted: it has expired, or is not valid yet; check the clock of this machine"},
		{"no TLS", strings.Replace(plain, "http:", "https:", 1), nil, "", host(plain) + " does not speak TLS there; check the port, or whether it is http://, not https://"},
		{"no answer", quiet, nil, "", host(quiet) + " did not answer within 1 s; try again later"},
		{"hangs up", closing, nil, "", host(closing) + " closed the connection without an answer"},
		{"hangs up later", serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "<status>")
			w.(http.Flusher).Flush()
			hangUp(w)
		}), nil, "", "the connection ended before the whole answer had come"},
		{"a web page", page("\n<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>"), nil, "", ErrWebPage.Error()},
		{"XML that begins with a comment", page("<!-- of OBS -->\n<status/>"), nil, "", ""},
		{"a web page of a redirect", serve(http.RedirectHandler(page("<html></html>"), http.StatusFound).ServeHTTP), nil, "", ErrWebPage.Error()},
		{"a mirror that is gone", serve(http.RedirectHandler(gone.URL+"/?secret", http.StatusFound).ServeHTTP), nil, "", "nobody listens at " + host(gone.URL) + "; check host and port"},
		{"a proxy that is gone", "https://download.invalid/", nil, gone.URL, "nobody listens at the proxy (https_proxy, http_proxy); check host and port"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			transport := Transport(time.Second, tc.certs)
			transport.Proxy = nil
			if tc.proxy != "" {
				proxy, err := url.Parse(tc.proxy)
				if err != nil {
					t.Fatal(err)
				}
				transport.Proxy = http.ProxyURL(proxy)
			}
			defer transport.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.address, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := Do(&http.Client{Transport: transport}, req)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || err.Error() != tc.want) {
				t.Errorf("%v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestUnresolved is about names, for which a test has no server.
func TestUnresolved(t *testing.T) {
	for want, cause := range map[string]error{
		"no such host: a.example; check the name, and whether this machine has a network": &net.DNSError{Err: "no such host", Name: "a.example", Server: "192.0.2.53:53", IsNotFound: true},
		"no name server answers for a.example; check whether this machine has a network":  &net.DNSError{Err: "i/o timeout", Name: "a.example", Server: "192.0.2.53:53", IsTimeout: true},
		"no connection to a.example:443 within 20 s; check host, port and firewall":       &net.OpError{Op: "dial", Err: timeout{}},
		"strange": errors.New("strange"),
	} {
		if err := unanswered("a.example:443", time.Minute, cause); err.Error() != want || !errors.Is(err, cause) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestStatus(t *testing.T) {
	for code, want := range map[int]string{
		401: "401 Unauthorized; it wants a login: LOGIN",
		403: "403 Forbidden; it does not let you read this; LOGIN",
		404: "404 Not Found; check the address",
		407: "407 Proxy Authentication Required; the proxy wants a login: check https_proxy and http_proxy",
		429: "429 Too Many Requests; it is busy: try again later",
		502: "502 Bad Gateway; the server failed: try again later",
		400: "400 Bad Request",
		799: "799 unknown",
	} {
		if got := Status(code, "LOGIN"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
