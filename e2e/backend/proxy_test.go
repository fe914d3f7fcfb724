// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// proxy stands between the program and the source server, writes down what is
// asked, and makes trouble where a test wants it.
type proxy struct {
	*httptest.Server
	forward  http.Handler
	comments http.Handler // in place of the backend, which has none; may be nil

	mu       sync.Mutex
	requests []string // "GET /build/p/_result"
	troubles []trouble
}

// trouble is what happens to the next request of a kind, instead of an answer.
type trouble struct {
	method, contains string // what the request has; a blank is the end of its URL
	happens          func(w http.ResponseWriter, r *http.Request, forward http.Handler)
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	needsBackend(t)
	to, err := url.Parse(server.source)
	if err != nil {
		t.Fatal(err)
	}
	px := &proxy{forward: httputil.NewSingleHostReverseProxy(to)}
	px.Server = httptest.NewServer(px)
	t.Cleanup(px.Close)
	return px
}

func (px *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	px.mu.Lock()
	px.requests = append(px.requests, r.Method+" "+r.URL.RequestURI())
	i := slices.IndexFunc(px.troubles, func(t trouble) bool {
		return t.method == r.Method && strings.Contains(r.URL.RequestURI()+" ", t.contains)
	})
	happens := func(w http.ResponseWriter, r *http.Request, forward http.Handler) { forward.ServeHTTP(w, r) }
	if i >= 0 {
		happens = px.troubles[i].happens
		px.troubles = slices.Delete(px.troubles, i, i+1)
	}
	px.mu.Unlock()
	if px.comments != nil && strings.HasPrefix(r.URL.Path, "/comment") {
		px.comments.ServeHTTP(w, r)
		return
	}
	happens(w, r, px.forward)
}

// asked lists the requests since the record began that begin as said.
func (px *proxy) asked(prefix string) []string {
	var out []string
	px.mu.Lock()
	defer px.mu.Unlock()
	for _, r := range px.requests {
		if strings.HasPrefix(r, prefix) {
			out = append(out, r)
		}
	}
	return out
}

// watched reports whether somebody has asked more than once how far a build is,
// and so has made up his mind to wait for it.
func (px *proxy) watched() bool {
	n := 0
	for _, request := range px.asked("GET ") {
		if strings.Contains(request, "/_result?") {
			n++
		}
	}
	return n > 1
}

// forget starts the record anew.
func (px *proxy) forget() {
	px.mu.Lock()
	defer px.mu.Unlock()
	px.requests = nil
}

// trouble makes trouble for the next request of a kind.
func (px *proxy) trouble(method, contains string, happens func(http.ResponseWriter, *http.Request, http.Handler)) {
	px.mu.Lock()
	defer px.mu.Unlock()
	px.troubles = append(px.troubles, trouble{method, contains, happens})
}

// untroubled counts the troubles that nobody has run into.
func (px *proxy) untroubled() int {
	px.mu.Lock()
	defer px.mu.Unlock()
	return len(px.troubles)
}

// lostBefore closes the connection instead of asking the server.
func lostBefore(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// lostAfter asks the server and closes the connection instead of answering.
func lostAfter(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
	forward.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// brokenOff closes the connection in the middle of the answer.
func brokenOff(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	answer := httptest.NewRecorder()
	forward.ServeHTTP(answer, r)
	maps.Copy(w.Header(), answer.Header())
	body := answer.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.Code)
	w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// answers does not ask the server, and answers as OBS does where something is
// wrong.
func answers(code int, headers ...string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(code)
		fmt.Fprintf(w, `<status code="%d"><summary>trouble made for a test</summary></status>`, code)
	}
}
