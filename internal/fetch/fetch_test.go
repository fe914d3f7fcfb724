// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// TestMayPass tells what a second attempt can mend.
func TestMayPass(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"connection refused", syscall.ECONNREFUSED, true},
		{"answer cut off", io.ErrUnexpectedEOF, true},
		{"stalled", ErrStalled, true},
		{"name server does not answer", &net.DNSError{IsTimeout: true}, true},
		{"no such host", &net.DNSError{IsNotFound: true}, false},
		{"certificate of nobody", &tls.CertificateVerificationError{Err: errors.New("unknown authority")}, false},
		{"no TLS", tls.RecordHeaderError{Msg: "first record"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := MayPass(fmt.Errorf("GET /: %w", tc.err)); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// TestDo: the error of a connection does not show the URL.
func TestDo(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/hidden", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Do(&http.Client{Transport: Transport(time.Minute, nil)}, req); err == nil || strings.Contains(err.Error(), "hidden") || !MayPass(err) {
		t.Errorf("%v", err)
	}
}

// TestBody: an answer that was given up for stalled says so; one that failed
// otherwise says how.
func TestBody(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name        string
		cause, want error
	}{
		{"stalled", ErrStalled, ErrStalled},
		{"given up by the caller", context.Canceled, broken},
		{"broken", nil, broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			if tc.cause != nil {
				cancel(tc.cause)
			}
			b := &body{io.NopCloser(iotest.ErrReader(broken)), ctx, cancel, time.NewTimer(time.Hour), time.Now(), 0, true}
			defer b.Close()
			if _, err := b.Read(make([]byte, 1)); err != tc.want {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// drip is a server that sends a byte at a time.
type drip struct{ every time.Duration }

func (d drip) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(d)}, nil
}

func (d drip) Read(p []byte) (int, error) {
	time.Sleep(d.every)
	return copy(p, "x"), nil
}

// TestSlow gives an answer up that would take for ever, though it never stalls.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.org/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := Do(&http.Client{Transport: drip{10 * time.Second}}, req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		began := time.Now()
		if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, ErrSlow) || time.Since(began) > 2*grace {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
