// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"
	"time"
)

const reason = `<reason><explain>new build</explain></reason>`

// TestRetry: reading goes on while there is hope.
func TestRetry(t *testing.T) {
	header := func(status int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", after)
			answer(w, status, "busy", "come back")
		}
	}
	status := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, n, "code", "words") }
	}
	short := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(reason))
		cut(w, r)
	}
	chunked := func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(reason))
		w.(http.Flusher).Flush()
		cut(w, r)
	}
	good := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(reason)) }
	for _, tc := range []struct {
		name    string
		answers []http.HandlerFunc // the last one for ever
		times   int
		waits   []time.Duration // -1: what chance says
		want    string          // of the error
	}{
		{"good", []http.HandlerFunc{good}, 1, nil, ""},
		{"cut before the answer", []http.HandlerFunc{cut, good}, 2, []time.Duration{-1}, ""},
		{"cut in a body with a length", []http.HandlerFunc{short, good}, 2, []time.Duration{-1}, ""},
		{"cut in a body without", []http.HandlerFunc{chunked, good}, 2, []time.Duration{-1}, ""},
		{"500, 502, 504", []http.HandlerFunc{status(500), status(502), status(504), good}, 4, []time.Duration{-1, -1, -1}, ""},
		{"always 503", []http.HandlerFunc{status(503)}, 4, []time.Duration{-1, -1, -1}, ": 503 code: words"},
		{"always cut", []http.HandlerFunc{cut}, 4, []time.Duration{-1, -1, -1}, "closed the connection without an answer"},
		{"429 with seconds", []http.HandlerFunc{header(429, "7"), good}, 2, []time.Duration{7 * time.Second}, ""},
		{"503 with a date", []http.HandlerFunc{header(503, noon.Add(time.Minute).Format(http.TimeFormat)), good}, 2, []time.Duration{time.Minute}, ""},
		{"503 with a date gone by", []http.HandlerFunc{header(503, noon.Add(-time.Hour).Format(http.TimeFormat)), good}, 2, []time.Duration{0}, ""},
		{"503 with nonsense", []http.HandlerFunc{header(503, "soon"), good}, 2, []time.Duration{-1}, ""},
		{"503 with minus", []http.HandlerFunc{header(503, "-5"), good}, 2, []time.Duration{-1}, ""},
		{"503 for an hour", []http.HandlerFunc{header(503, "3600"), good}, 1, nil, "it wants to be asked again in 1h0m0s"},
		{"404", []http.HandlerFunc{status(404), good}, 1, nil, ": 404 code: words (OBS says)"},
		{"403", []http.HandlerFunc{status(403), good}, 1, nil, ": 403 code: words (OBS says)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			s := plain(t, func(w http.ResponseWriter, r *http.Request) {
				f := tc.answers[min(n, len(tc.answers)-1)]
				n++
				f(w, r)
			})
			c, waits := client(t, s, nil)
			_, err := c.Reason(context.Background(), kernel)
			if tc.want != "" {
				wantError(t, err, "GET /build/Kernel:Test/standard/x86_64/kernel-default/_reason: ", tc.want)
			} else if err != nil {
				t.Fatal(err)
			}
			if s.times() != tc.times {
				t.Errorf("asked %d times, want %d", s.times(), tc.times)
			}
			if !slices.EqualFunc(*waits, tc.waits, func(got, want time.Duration) bool {
				return got == want || want < 0 && got >= time.Second/2 && got < 4*time.Second
			}) {
				t.Errorf("waits %v, want %v", *waits, tc.waits)
			}
		})
	}
}

// TestCancelled: an ended context ends the attempts.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := plain(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	c, _ := client(t, s, nil)
	if _, err := c.Reason(ctx, kernel); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if s.times() != 1 {
		t.Errorf("asked %d times", s.times())
	}
}

// TestStatusError: what OBS says, and what others say that stand between.
func TestStatusError(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"OBS", `<status code="unknown_package"><summary>Package  not
			found</summary><details>home:x/y</details></status>`, "404 unknown_package: Package not found: home:x/y (OBS says)"},
		{"backend", `<status code="404"><summary>unknown package: y</summary><details>404 unknown package: y</details></status>`, "404 unknown package: y (OBS says)"},
		{"only details", `<status code="x"><details>d</details></status>`, "404 x: d (OBS says)"},
		{"only a code", `<status code="x"/>`, "404 x (no words of OBS in the answer)"},
		{"web page", `<!DOCTYPE html><html><head><title>404</title></head><body><br></body></html>`, "404 Not Found (no words of OBS in the answer); check the address"},
		{"nothing", "", "404 Not Found (no words of OBS in the answer); check the address"},
		{"cut off", `<status code="x"><summary>a`, "404 Not Found (no words of OBS in the answer); check the address"},
		{"terminal escapes", "<status code=\"x\"><summary>a\u009b2J\u202eb</summary></status>", "404 x: a\ufffd2J\ufffdb (OBS says)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); w.Write([]byte(tc.body)) })
			c, _ := client(t, s, nil)
			_, err := c.Reason(context.Background(), kernel)
			want := "GET /build/Kernel:Test/standard/x86_64/kernel-default/_reason: " + tc.want
			if e, ok := errors.AsType[*StatusError](err); !ok || e.StatusCode != 404 || err.Error() != want {
				t.Errorf("error %v\nwant  %s", err, want)
			}
		})
	}
}

// refusing gives the address of a port where nobody listens, nor can while the test
// runs: it is bound.
func refusing(t *testing.T) *server {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return &server{Server: &httptest.Server{URL: fmt.Sprintf("http://127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)}}
}
