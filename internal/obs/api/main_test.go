// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// noon is the time of every test.
var noon = time.Date(2022, 1, 1, 12, 0, 0, 0, time.UTC)

// word is a secret of the tests.
type word string

func (w word) Reveal() string { return string(w) }

// kernel is the target of most tests.
var kernel = Target{"Kernel:Test", "standard", "x86_64", "kernel-default"}

// server remembers what it was asked.
type server struct {
	*httptest.Server
	turn  sync.Mutex // one request after the other: handlers count without locks
	mu    sync.Mutex
	asked []string      // "GET /build/..."
	heads []http.Header // of each
}

// serve makes a server that answers with f.
func serve(t *testing.T, f http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.RequestURI)
		s.heads = append(s.heads, r.Header.Clone())
		s.mu.Unlock()
		s.turn.Lock()
		defer s.turn.Unlock()
		f(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}

// plain starts a server without TLS, on loopback.
func plain(t *testing.T, f http.HandlerFunc) *server {
	s := serve(t, f)
	s.Start()
	return s
}

// secure starts a server with TLS and a certificate that nobody knows.
func secure(t *testing.T, f http.HandlerFunc) *server {
	s := serve(t, f)
	s.StartTLS()
	return s
}

// times is how often a server was asked.
func (s *server) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// client makes a client of a server. waits collects how long it would have slept.
func client(t *testing.T, s *server, change func(*Options)) (c *Client, waits *[]time.Duration) {
	t.Helper()
	waits = new([]time.Duration)
	o := Options{
		URL: s.URL,
		Now: func() time.Time { return noon },
		Sleep: func(_ context.Context, d time.Duration) error {
			*waits = append(*waits, d)
			return nil
		},
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.own.CloseIdleConnections)
	return c, waits
}

// answer writes an answer of OBS: <status> with the code and summary.
func answer(w http.ResponseWriter, status int, code, summary string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<status code=%q>\n  <summary>%s</summary>\n  <details>%d %s</details>\n</status>\n", code, summary, status, summary)
}

func ok(w http.ResponseWriter) { fmt.Fprint(w, `<status code="ok" />`) }

// cut ends the connection of an answer without ending the answer.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// wantError fails unless the error has each of the texts, and none of a secret.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q\nwant  %q", err, text)
		}
	}
	for _, secret := range []string{"hidden", "dTpoaWRkZW4="} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("the error shows a secret: %+v", err)
		}
	}
}
