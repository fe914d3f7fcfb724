// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
)

// Options say how repositories behind URLs are asked.
type Options struct {
	UserAgent string
	// Attempts is how often a file is asked for at most, 0 means 4.
	Attempts int
	// Sleep waits between attempts. Tests replace it.
	Sleep func(ctx context.Context, d time.Duration) error
}

const answerTimeout = time.Minute

// login says how to log in.
const login = "give user and password in the URL, as https://USER:PASSWORD@HOST/"

// web asks web servers.
type web struct {
	client *http.Client
	Options
}

func newWeb(o Options) *web {
	o.Attempts = cmp.Or(max(o.Attempts, 0), 4)
	o.UserAgent = cmp.Or(o.UserAgent, "obs-btf-guard")
	if o.Sleep == nil {
		o.Sleep = fetch.Sleep
	}
	return &web{Options: o, client: &http.Client{CheckRedirect: checkRedirect, Transport: fetch.Transport(answerTimeout, nil)}}
}

// checkRedirect follows to mirrors, but not from https to what anybody on the way
// can change: the index has nothing that would show it.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("redirected 10 times")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("redirected from https to " + req.URL.Scheme)
	}
	return nil
}

// get downloads at most limit bytes, trying again where that may help.
func (w *web) get(ctx context.Context, u *url.URL, limit int64, begin func() (io.Writer, error)) error {
	err := fetch.Retry(ctx, w.Attempts, w.Sleep, func() error { return w.once(ctx, u, limit, begin) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*fetch.Passing](err); ok {
		return fmt.Errorf("%w (tried %d times)", err, w.Attempts)
	}
	return err
}

func (w *web) once(ctx context.Context, u *url.URL, limit int64, begin func() (io.Writer, error)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return errors.New("not a URL that can be asked for")
	}
	req.Header.Set("User-Agent", w.UserAgent)
	resp, err := fetch.Do(w.client, req)
	if err != nil {
		return connection(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout:
		return fetch.Passes(errors.New("the server answers "+fetch.Status(resp.StatusCode, login)), -1)
	default:
		return errors.New("the server answers " + fetch.Status(resp.StatusCode, login))
	}
	if resp.ContentLength > limit {
		return fmt.Errorf("%d bytes, at most %d are read", resp.ContentLength, limit)
	}
	to, err := begin()
	if err != nil {
		return err
	}
	body := &fetch.Bounded{R: resp.Body, Most: limit}
	_, err = io.Copy(to, body)
	if body.Err != nil { // not the writer's
		return connection(body.Err)
	}
	return err
}

// connection marks the errors of a connection that can succeed the next time. Those
// of redirects cannot.
func connection(err error) error {
	_, network := errors.AsType[net.Error](err)
	cut := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) || errors.Is(err, fetch.ErrStalled)
	if (network || cut) && fetch.MayPass(err) {
		return fetch.Passes(err, -1)
	}
	return err
}
