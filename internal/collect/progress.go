// SPDX-License-Identifier: Apache-2.0

package collect

import "sync/atomic"

// Progress tells how far Collect has come. It may be read while Collect runs;
// the zero value is ready.
type Progress struct {
	total, read, modules atomic.Int64
}

// Bytes returns the bytes read so far of the files that are to be read.
func (p *Progress) Bytes() (read, total int64) { return p.read.Load(), p.total.Load() }

// Modules counts the modules opened so far.
func (p *Progress) Modules() int64 { return p.modules.Load() }

func (p *Progress) expect(files []file) {
	if p == nil {
		return
	}
	for _, f := range files {
		p.total.Add(f.size)
	}
}

func (p *Progress) advance(n int64) {
	if p != nil {
		p.read.Add(n)
	}
}

func (p *Progress) module() {
	if p != nil {
		p.modules.Add(1)
	}
}
