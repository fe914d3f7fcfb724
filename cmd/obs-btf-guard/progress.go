// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
)

// Progress is shown only for work that takes longer than this, and then so
// often.
const (
	progressAfter = time.Second
	progressEvery = 100 * time.Millisecond
)

// showProgress draws one line that it takes away again when the function it
// returns is called.
func showProgress(w io.Writer, p *collect.Progress) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		drawn := false
		next := time.NewTimer(progressAfter)
		defer next.Stop()
		for {
			select {
			case <-done:
				if drawn {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case <-next.C:
				fmt.Fprint(w, "\r\x1b[K", progressLine(p))
				drawn = true
				next.Reset(progressEvery)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// progressLine fits into 80 columns.
func progressLine(p *collect.Progress) string {
	const width = 30
	read, total := p.Bytes()
	full := 0
	if total > 0 {
		full = int(min(read, total) * width / total)
	}
	return fmt.Sprintf("[%s%s] %d of %d MB, %d modules",
		strings.Repeat("#", full), strings.Repeat(" ", width-full), read/1e6, total/1e6, p.Modules())
}
