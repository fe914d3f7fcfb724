// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// The waits between attempts: doubled each time, half of it by chance so that
// many clients do not come back together. MaxWait also bounds what a server may
// ask for; one that wants more is not asked again.
const (
	firstWait = time.Second
	MaxWait   = 2 * time.Minute
)

// Passing is an error that may pass.
type Passing struct {
	error
	after time.Duration
}

// Unwrap gives the error itself.
func (p *Passing) Unwrap() error { return p.error }

// Passes says of an error that it may pass. after is what the server wants to be
// waited, -1 if it does not say.
func Passes(err error, after time.Duration) error { return &Passing{err, after} }

// Retry calls f until it succeeds, fails for good, or was tried often enough. Its
// error is the last of f; sleep waits between attempts.
func Retry(ctx context.Context, attempts int, sleep func(context.Context, time.Duration) error, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		p, ok := errors.AsType[*Passing](err)
		if !ok || n == attempts || p.after > MaxWait {
			return err
		}
		wait := p.after
		if wait < 0 {
			wait = min(firstWait<<min(n-1, 10), MaxWait)
			wait = wait/2 + rand.N(wait/2)
		}
		if sleep(ctx, wait) != nil {
			return err
		}
	}
}
