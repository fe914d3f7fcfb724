// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// What people read of a network that fails. The rules for these texts:
//
//   - One line, which follows the address that was given: what happened, with the host where
//     it happened, which may be that of a mirror or a proxy; then what to do, where that is known.
//   - No words of Go's libraries, no address of a name server, no query of a URL: that may be secret.

// ErrWebPage is the error of an answer that is a page for people, not what was asked for.
var ErrWebPage = errors.New("a web page came instead: a login page or a proxy answers there; check the address, and what a browser shows")

// failure is an error in words for people. The cause is in it, but not in its text.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

// unanswered explains why no answer came from a host; answer is how long it had to begin one.
// An error that it does not know stays as it is.
func unanswered(host string, answer time.Duration, err error) error {
	text := ""
	say := func(format string, args ...any) { text = fmt.Sprintf(format, args...) }
	op, _ := errors.AsType[*net.OpError](err)
	if op != nil && op.Op == "proxyconnect" {
		host = "the proxy (https_proxy, http_proxy)"
	}
	certificate, _ := errors.AsType[*tls.CertificateVerificationError](err)
	dns, _ := errors.AsType[*net.DNSError](err)
	network, _ := errors.AsType[net.Error](err)
	switch {
	case dns != nil && dns.IsNotFound:
		say("no such host: %s; check the name, and whether this machine has a network", dns.Name)
	case dns != nil:
		say("no name server answers for %s; check whether this machine has a network", dns.Name)
	case certificate != nil:
		say("the certificate of %s is not trusted: %s", host, distrust(certificate.Err))
	case errors.As(err, new(tls.RecordHeaderError)), errors.Is(err, http.ErrSchemeMismatch):
		say("%s does not speak TLS there; check the port, or whether it is http://, not https://", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		say("nobody listens at %s; check host and port", host)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		say("no way leads to %s; check whether this machine has a network", host)
	case op != nil && op.Op == "dial" && op.Timeout():
		say("no connection to %s within %v; check host, port and firewall", host, seconds(connectTimeout))
	case network != nil && network.Timeout() && strings.Contains(err.Error(), "TLS handshake"):
		say("%s did not answer in TLS within %v", host, seconds(connectTimeout))
	case network != nil && network.Timeout():
		say("%s did not answer within %v; try again later", host, seconds(answer))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		say("%s closed the connection without an answer", host)
	default:
		return err
	}
	return &failure{text, err}
}

// distrust says what is wrong with a certificate, and what to do.
func distrust(err error) string {
	invalid, _ := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "this machine does not know who issued it; install the issuer's certificate"
	case errors.As(err, new(x509.HostnameError)):
		return "it is for other hosts; check the name"
	case invalid.Cert != nil && invalid.Reason == x509.Expired:
		return "it has expired, or is not valid yet; check the clock of this machine"
	}
	return strings.TrimPrefix(err.Error(), "x509: ")
}

// broken explains why an answer ended early.
func broken(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return &failure{"the connection ended before the whole answer had come", err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &failure{"the answer stopped; try again later", err}
	}
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }

// Status is an answer of HTTP in words: its number and name, and what to do. login says how
// to log in.
func Status(code int, login string) string {
	return fmt.Sprintf("%d %s", code, cmp.Or(http.StatusText(code), "unknown")) + Advice(code, login)
}

// Advice is what to do about an answer of HTTP, behind a semicolon; "" if nothing is known.
func Advice(code int, login string) string {
	switch {
	case code == http.StatusUnauthorized:
		return "; it wants a login: " + login
	case code == http.StatusForbidden:
		return "; it does not let you read this; " + login
	case code == http.StatusNotFound, code == http.StatusGone:
		return "; check the address"
	case code == http.StatusProxyAuthRequired:
		return "; the proxy wants a login: check https_proxy and http_proxy"
	case code == http.StatusTooManyRequests:
		return "; it is busy: try again later"
	case code >= 500 && code < 600:
		return "; the server failed: try again later"
	}
	return ""
}
