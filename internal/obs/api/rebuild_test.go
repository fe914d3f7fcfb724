// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

const command = "POST /build/Kernel:Test?cmd=rebuild&package=kernel-default&repository=standard&arch=x86_64"

// TestRebuild: what is sent, what is sent again, and what the error says.
func TestRebuild(t *testing.T) {
	status := func(n int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n); io.WriteString(w, body) }
	}
	after := func(n int, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			answer(w, n, "busy", "come back")
		}
	}
	good := func(w http.ResponseWriter, _ *http.Request) { ok(w) }
	short := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		ok(w)
		w.(http.Flusher).Flush()
		cut(w, r)
	}
	for _, tc := range []struct {
		name    string
		answers []http.HandlerFunc
		times   int
		unknown bool
		want    string
	}{
		{"taken", []http.HandlerFunc{good}, 1, false, ""},
		{"refused", []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			io.WriteString(w, `<status code="cmd_execution_no_permission"><summary>no permission to execute command 'rebuild'</summary></status>`)
		}}, 1, false, command + ": 403 cmd_execution_no_permission: no permission to execute command 'rebuild' (OBS says)"},
		{"unknown package", []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "404", "unknown package: x") }}, 1, false, command + ": 404 unknown package: x (OBS says)"},
		{"cut after the request was read", []http.HandlerFunc{cut, good}, 1, true, " closed the connection without an answer; OBS may have taken the command or not"},
		{"cut in the answer", []http.HandlerFunc{short, good}, 1, true, "the connection ended before the whole answer had come"},
		{"500", []http.HandlerFunc{status(500, ""), good}, 1, true, command + ": 500 Internal Server Error"},
		{"502 of a proxy", []http.HandlerFunc{status(502, "<html/>"), good}, 1, true, "502 Bad Gateway"},
		{"504 of a proxy", []http.HandlerFunc{status(504, ""), good}, 1, true, "504 Gateway Timeout"},
		{"503 without a time", []http.HandlerFunc{status(503, ""), good}, 1, true, "503"},
		{"503 with a time", []http.HandlerFunc{after(503, "3"), good}, 2, false, ""},
		{"429", []http.HandlerFunc{after(429, "3"), after(429, ""), good}, 3, false, ""},
		{"always 429", []http.HandlerFunc{after(429, "1")}, 4, false, command + ": 429 busy: come back (OBS says)"},
		{"a web page", []http.HandlerFunc{status(200, "<html>log in</html>"), good}, 1, true, "200 with an answer that is not OBS'"},
		{"no answer at all", []http.HandlerFunc{status(200, ""), good}, 1, true, "200 with an answer that is not OBS'"},
		{"another code", []http.HandlerFunc{status(200, `<status code="failed"><summary>no</summary></status>`), good}, 1, true, `status "failed": no`},
		{"sent elsewhere", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, good}, 1, false, "302: the server sends elsewhere; a command does not follow"},
		{"sent elsewhere as it is", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, good}, 1, false, "a command does not follow"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			s := plain(t, func(w http.ResponseWriter, r *http.Request) {
				f := tc.answers[min(n, len(tc.answers)-1)]
				n++
				f(w, r)
			})
			c, _ := client(t, s, nil)
			err := c.Rebuild(context.Background(), kernel)
			if tc.want != "" {
				wantError(t, err, tc.want)
			} else if err != nil {
				t.Fatal(err)
			}
			if errors.Is(err, ErrUnknownOutcome) != tc.unknown {
				t.Errorf("unknown outcome: %t, want %t: %v", !tc.unknown, tc.unknown, err)
			}
			if s.times() != tc.times {
				t.Errorf("sent %d times, want %d", s.times(), tc.times)
			}
			for _, asked := range s.asked {
				if asked != command {
					t.Errorf("sent %s", asked)
				}
			}
		})
	}
}

// TestRebuildOnKeptConnection: a server that closes a kept connection on the
// second request may have read it; net/http must not send it again by itself.
func TestRebuildOnKeptConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var posts atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				for {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					if string(buf[:min(n, 4)]) == "POST" {
						posts.Add(1)
						return
					}
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<reason/>")
				}
			}()
		}
	}()
	defer l.Close()
	c, _ := client(t, &server{Server: &httptest.Server{URL: "http://" + l.Addr().String()}}, nil)
	if _, err := c.Reason(context.Background(), kernel); err != nil {
		t.Fatal(err)
	}
	err = c.Rebuild(context.Background(), kernel)
	if !errors.Is(err, ErrUnknownOutcome) || posts.Load() != 1 {
		t.Errorf("sent %d times: %v", posts.Load(), err)
	}
}

// TestRebuildUnconnected: what was never connected was never taken.
func TestRebuildUnconnected(t *testing.T) {
	c, waits := client(t, refusing(t), nil)
	err := c.Rebuild(context.Background(), kernel)
	wantError(t, err, command, "nobody listens at 127.0.0.1:")
	if errors.Is(err, ErrUnknownOutcome) || len(*waits) != 3 {
		t.Errorf("waited %v: %v", *waits, err)
	}
	s := secure(t, func(w http.ResponseWriter, r *http.Request) { t.Error("sent to a stranger"); ok(w) })
	c, waits = client(t, s, nil)
	err = c.Rebuild(context.Background(), kernel)
	wantError(t, err, command, "certificate")
	if errors.Is(err, ErrUnknownOutcome) || len(*waits) != 0 {
		t.Errorf("waited %v: %v", *waits, err)
	}
}

// TestRebuildCancelled: a command given up under way may have been taken.
func TestRebuildCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := plain(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	c, _ := client(t, s, nil)
	err := c.Rebuild(ctx, kernel)
	if !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestToken: a token goes to the trigger route, with both names of the
// architecture, and nowhere else.
func TestToken(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			w.Write([]byte(reason))
		case r.Header.Get("Authorization") != "Token hidden":
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			answer(w, 401, "invalid_token", "No valid token found")
		default:
			ok(w)
		}
	})
	c, _ := client(t, s, func(o *Options) { o.Token = word("hidden") })
	if err := c.Rebuild(context.Background(), kernel); err != nil {
		t.Error(err)
	}
	if want := "POST /trigger/rebuild?project=Kernel%3ATest&package=kernel-default&repository=standard&arch=x86_64&architecture=x86_64"; s.asked[0] != want {
		t.Errorf("sent %s\nwant %s", s.asked[0], want)
	}
	if _, err := c.Reason(context.Background(), kernel); err != nil || s.heads[1].Get("Authorization") != "" {
		t.Errorf("error %v, Authorization %q", err, s.heads[1].Get("Authorization"))
	}
	c, _ = client(t, s, func(o *Options) { o.Token, o.User, o.Password = word("wrong"), "u", word("hidden") })
	wantError(t, c.Rebuild(context.Background(), kernel), "401 invalid_token: No valid token found (OBS says)")
	if s.times() != 3 {
		t.Errorf("asked %q", s.asked)
	}
	for _, token := range []string{"", "hidden\nX-A: b", "hid den"} {
		c, _ = client(t, s, func(o *Options) { o.Token = word(token) })
		wantError(t, c.Rebuild(context.Background(), kernel), "the token is empty or has characters that no token has")
	}
}
