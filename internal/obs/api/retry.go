// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The waits between attempts: doubled each time, half of it by chance so that
// many clients do not come back together. maxWait also bounds what a server may
// ask for; one that wants more is not asked again.
const (
	firstWait = time.Second
	maxWait   = 2 * time.Minute
)

// passing is an error that may pass.
type passing struct {
	error
	after time.Duration // what the server wants to be waited, -1 if it does not say
}

func (p *passing) Unwrap() error { return p.error }

// try calls f until it succeeds, fails for good, or was tried often enough.
func (c *Client) try(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		p, ok := errors.AsType[*passing](err)
		if !ok {
			return err
		}
		if n == c.o.Attempts || p.after > maxWait {
			return p
		}
		wait := p.after
		if wait < 0 {
			wait = min(firstWait<<min(n-1, 10), maxWait)
			wait = wait/2 + rand.N(wait/2)
		}
		if c.o.Sleep(ctx, wait) != nil {
			return p
		}
	}
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return -1
}
