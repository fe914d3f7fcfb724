// SPDX-License-Identifier: Apache-2.0

// Package parallel does the same with many things, several at once.
package parallel

import (
	"context"
	"sync"
)

// Each calls f with the numbers below n, in their order and so many at once. It begins
// nothing more when the context has ended, and returns when all that it began is done.
func Each(ctx context.Context, n, atOnce int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, atOnce) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
}
