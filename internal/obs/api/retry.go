// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
)

// try calls f until it succeeds, fails for good, or was tried often enough.
func (c *Client) try(ctx context.Context, f func() error) error {
	return fetch.Retry(ctx, c.o.Attempts, c.o.Sleep, f)
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
