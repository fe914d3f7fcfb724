// SPDX-License-Identifier: Apache-2.0

// Package fetch asks web servers, for a repository's files as for OBS: with bounds in
// time for each step, limits in size, and errors that tell what may pass from what will not.
package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds in time. An answer that drips has a deadline, too: a minute, and more for
// what came by then.
const (
	connectTimeout = 20 * time.Second
	stallTimeout   = time.Minute // without a byte of the answer
	grace          = time.Minute // until an answer must have come at slowest
	slowest        = 1 << 10     // bytes a second, from the beginning
)

// ErrStalled is the error of an answer of which nothing comes any more.
var ErrStalled = fmt.Errorf("no byte of the answer for %v", stallTimeout)

// ErrSlow is the error of an answer that would take for ever.
var ErrSlow = fmt.Errorf("less than %d bytes a second of the answer", slowest)

// Transport connects through the proxies of the environment. answer is how long a
// server may take to begin its answer. With certs, which may be nil, HTTP is 1.1.
// Nothing is decompressed on the way: sizes and checksums are those of what is sent.
func Transport(answer time.Duration, certs *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:       certs,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: answer,
		IdleConnTimeout:       time.Minute,
		ForceAttemptHTTP2:     certs == nil,
		DisableCompression:    true,
	}
}

// Do sends a request. Its error does not have the URL, which may hold secrets. The
// answer's body is to be closed; reading it ends in [ErrStalled] when nothing comes
// for long, and in [ErrSlow] when too little does.
func Do(client *http.Client, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		host := req.URL.Host
		if e, ok := errors.AsType[*url.Error](err); ok {
			if u, err := url.Parse(e.URL); err == nil { // where it was redirected to
				host = u.Host
			}
			err = e.Err
		}
		if req.Context().Err() != nil { // given up here
			return nil, err
		}
		var answer time.Duration
		if t, ok := client.Transport.(*http.Transport); ok {
			answer = t.ResponseHeaderTimeout
		}
		return nil, unanswered(host, answer, err)
	}
	resp.Body = &body{resp.Body, ctx, cancel, time.AfterFunc(stallTimeout, func() { cancel(ErrStalled) }), time.Now(), 0, resp.StatusCode/100 == 2}
	return resp, nil
}

// body is the body of an answer.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	began  time.Time
	n      int64 // bytes that came
	good   bool  // what was asked for, not the text of an error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.Reset(stallTimeout)
	}
	if b.n == 0 && b.good && isWebPage(p[:n]) {
		return 0, ErrWebPage
	}
	b.n += int64(n)
	if took := time.Since(b.began); err == nil && took > grace && b.n < slowest*int64(took/time.Second) {
		return n, ErrSlow
	}
	if err != nil && context.Cause(b.ctx) == ErrStalled {
		err = ErrStalled
	}
	return n, broken(err)
}

// isWebPage reports whether what begins so is HTML. A comment may begin any XML.
func isWebPage(begin []byte) bool {
	return strings.HasPrefix(http.DetectContentType(begin), "text/html") && !bytes.HasPrefix(bytes.TrimSpace(begin), []byte("<!--"))
}

func (b *body) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// MayPass reports whether a connection that failed can succeed the next time. It is
// not for errors of what a server answered.
func MayPass(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return false
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return false // the server does not speak TLS
	}
	if errors.Is(err, ErrWebPage) {
		return false
	}
	dns, ok := errors.AsType[*net.DNSError](err)
	return !ok || !dns.IsNotFound
}

// Sleep waits, or until the context ends, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
