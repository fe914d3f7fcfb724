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
			b := &body{io.NopCloser(iotest.ErrReader(broken)), ctx, cancel, time.NewTimer(time.Hour)}
			defer b.Close()
			if _, err := b.Read(make([]byte, 1)); err != tc.want {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}
