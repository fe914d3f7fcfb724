// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
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
	began := time.Now()
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
				fmt.Fprint(w, "\r\x1b[K", progressLine(p, time.Since(began)))
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

// progressLine fits into 80 columns. elapsed is since reading began.
func progressLine(p *collect.Progress, elapsed time.Duration) string {
	const width = 30
	read, total := p.Bytes()
	full := 0
	if total > 0 {
		full = int(min(read, total) * width / total)
	}
	line := fmt.Sprintf("[%s%s] %s of %s MB, %s modules", strings.Repeat("#", full), strings.Repeat(" ", width-full),
		prose.Number(int(read/1e6)), prose.Number(int(total/1e6)), prose.Number(int(p.Modules())))
	// The first tenth says little of the rest.
	if read > total/10 && read < total {
		left := time.Duration(float64(elapsed) * float64(total-read) / float64(read))
		line += ", " + left.Round(time.Second).String() + " left"
	}
	return line
}
