// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
)

// maxRedirects is how often an answer may send a reader elsewhere.
const maxRedirects = 4

// request is one route with its parameters.
type request struct {
	method string
	path   []string // elements, unescaped
	query  []string // name, value, name, value, ...
	header http.Header
	body   []byte
	token  Revealer // instead of every other authentication
}

// path is the route to a target, or to what is below it.
func (t Target) path(below ...string) []string {
	return append([]string{"build", t.Project, t.Repository, t.Arch, t.Package}, below...)
}

// String is the route as errors show it.
func (r request) String() string {
	var b strings.Builder
	b.WriteString(r.method + " ")
	for _, element := range r.path {
		b.WriteString("/" + url.PathEscape(element))
	}
	for i := 0; i < len(r.query); i += 2 {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(url.QueryEscape(r.query[i]) + "=" + url.QueryEscape(r.query[i+1]))
	}
	return b.String()
}

// exchange sends a request and gives the answer to it if that is success, whose
// body is to be closed. It authenticates when asked to and, reading, follows
// redirects. An error is a [fetch.Passing] if the same may succeed later and repeating it
// does no harm.
func (c *Client) exchange(ctx context.Context, r request) (*http.Response, error) {
	_, path, _ := strings.Cut(r.String(), " ")
	u, err := url.Parse(c.base.String() + path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	authorization, err := c.authorization(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	answered := r.token != nil // nothing more to say to a 401
	for hops := 0; ; {
		resp, err := c.send(ctx, r, u, authorization)
		if err != nil {
			return nil, err
		}
		switch code := resp.StatusCode; {
		case code == http.StatusUnauthorized && !answered && c.isOwn(u):
			answered = true
			challenges := resp.Header.Values("WWW-Authenticate")
			refused := newStatusError(r.String(), resp, c.o.Now())
			resp.Body.Close()
			if authorization, err = c.answer(ctx, challenges, authorization != ""); err != nil {
				return nil, fmt.Errorf("%w; %w", refused, err)
			}
		case code == http.StatusMovedPermanently, code == http.StatusFound, code == http.StatusSeeOther,
			code == http.StatusTemporaryRedirect, code == http.StatusPermanentRedirect:
			resp.Body.Close()
			hops++
			if u, err = c.redirect(r, u, resp.Header.Get("Location"), hops); err != nil {
				return nil, fmt.Errorf("%s: %d: %w", r, code, err)
			}
		case code/100 != 2:
			defer resp.Body.Close()
			err := c.refused(r, resp)
			switch {
			case code != http.StatusUnauthorized || !c.isOwn(u):
			case r.token != nil:
				err = fmt.Errorf("%w; the trigger token was not taken", err)
			case strings.HasPrefix(authorization, "Basic "):
				err = fmt.Errorf("%w; the password of user %s was not taken: %s", err, c.o.User, login)
			}
			return nil, err
		default:
			c.accepted(authorization)
			return resp, nil
		}
	}
}

// send sends one request to one place.
func (c *Client) send(ctx context.Context, r request, u *url.URL, authorization string) (*http.Response, error) {
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(traced, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	maps.Copy(req.Header, r.header)
	req.Header.Set("User-Agent", c.o.UserAgent)
	if r.method == http.MethodPost && r.body == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as osc, of an empty body
	}
	client := c.any
	if c.isOwn(u) {
		client = c.own
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
	}
	resp, err := fetch.Do(client, req)
	if err != nil {
		sent := r.method == http.MethodPost && connected.Load()
		if sent {
			err = fmt.Errorf("%s: %w; %w", r, err, ErrUnknownOutcome)
		} else {
			err = fmt.Errorf("%s: %w", r, err)
		}
		if !sent && ctx.Err() == nil && fetch.MayPass(err) {
			return nil, fetch.Passes(err, -1)
		}
		return nil, err
	}
	return resp, nil
}

// redirect gives the place that an answer sends to.
func (c *Client) redirect(r request, from *url.URL, location string, hops int) (*url.URL, error) {
	to, err := from.Parse(location)
	switch {
	case r.method != http.MethodGet:
		return nil, errors.New("the server sends elsewhere; a command does not follow")
	case location == "" || err != nil || to.Host == "" || to.User != nil:
		return nil, errors.New("the server sends elsewhere, but not to a URL")
	case hops > maxRedirects:
		return nil, fmt.Errorf("sent elsewhere more than %d times", maxRedirects)
	case to.Scheme != "https" && (to.Scheme != "http" || from.Scheme != "http"):
		return nil, fmt.Errorf("the server sends from %s to %s: not followed", from.Scheme, words(to.Scheme))
	case to.Scheme == "http" && !c.o.AllowHTTP && !isLoopback(to.Hostname()):
		return nil, fmt.Errorf("the server sends to plain http on %s: not followed", words(to.Host))
	}
	to.Fragment = ""
	return to, nil
}

// isOwn reports whether u is on the API's own scheme, host and port.
func (c *Client) isOwn(u *url.URL) bool {
	return u.Scheme == c.base.Scheme && strings.EqualFold(u.Host, c.base.Host)
}

// refused makes an error of an answer, which may be final or may pass. After a command a
// third case is possible: a server or a proxy that failed may have passed it on, so its
// outcome is unknown.
func (c *Client) refused(r request, resp *http.Response) error {
	e := newStatusError(r.String(), resp, c.o.Now())
	busy := e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable && e.RetryAfter >= 0
	switch {
	case busy, e.StatusCode >= 500 && r.method != http.MethodPost:
		return fetch.Passes(e, e.RetryAfter)
	case e.StatusCode >= 500:
		return fmt.Errorf("%w; %w", e, ErrUnknownOutcome)
	}
	return e
}

// command sends a request that OBS answers with a status.
func (c *Client) command(ctx context.Context, r request) error {
	return c.try(ctx, func() error {
		resp, err := c.exchange(ctx, r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
		var s status
		if err == nil {
			err = xml.Unmarshal(text, &s)
		}
		if err == nil && s.Code != "ok" {
			err = fmt.Errorf("status %q: %s", words(s.Code), words(s.Summary))
		}
		if err != nil {
			return fmt.Errorf("%s: %d with an answer that is not OBS': %w; %w", r, resp.StatusCode, err, ErrUnknownOutcome)
		}
		return nil
	})
}

// maxWhole is the largest answer in bytes that is read as a whole. The names of all
// files of a repository of 100,000 packages have 10 MB.
const maxWhole = 32 << 20

// document reads a route whose answer is the document of v.
func (c *Client) document(ctx context.Context, v any, query []string, path ...string) error {
	return c.read(ctx, query, path, func(r io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(r, maxWhole+1)) // v is filled once, however often the answer breaks off
		if err != nil {
			return err
		}
		if len(text) > maxWhole {
			return fmt.Errorf("more than %d bytes", maxWhole)
		}
		return newDecoder(bytes.NewReader(text)).Decode(v)
	})
}

// read reads a route with decode, which starts anew each time it is called.
func (c *Client) read(ctx context.Context, query, path []string, decode func(io.Reader) error) error {
	r := request{method: http.MethodGet, path: path, query: query, header: http.Header{"Accept": {"application/xml"}}}
	return c.try(ctx, func() error {
		resp, err := c.exchange(ctx, r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		b := &fetch.Bounded{R: resp.Body, Most: c.o.Bounds.Document}
		err = decode(b)
		if err == nil {
			_, err = io.Copy(io.Discard, b) // what breaks off is not the whole
		}
		switch {
		case b.N > b.Most:
			return fmt.Errorf("%s: the answer is larger than %d bytes", r, b.Most)
		case b.Err != nil && ctx.Err() != nil:
			return fmt.Errorf("%s: %w", r, ctx.Err())
		case errors.Is(b.Err, fetch.ErrWebPage):
			return fmt.Errorf("%s: %w", r, b.Err)
		case b.Err != nil:
			return fetch.Passes(fmt.Errorf("%s: after %d bytes: %w", r, b.N, b.Err), -1)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%s: the answer, after %d bytes: it ends too early, or is no XML", r, b.N)
		case err != nil:
			return fmt.Errorf("%s: the answer, after %d bytes: %w", r, b.N, err)
		}
		return nil
	})
}
