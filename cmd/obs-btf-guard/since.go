// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/audit"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/internal/repomd"
	"github.com/urfave/cli/v2"
)

// baseline is the audit that another one is compared with.
type baseline struct {
	c        *cli.Context
	snapshot audit.Snapshot // nil: none
	what     string         // in words
	first    bool           // nothing is remembered of --since-last
}

// newBaseline reads the file of --since.
func newBaseline(c *cli.Context) (*baseline, error) {
	b := &baseline{c: c}
	if c.IsSet("since") && c.Bool("since-last") {
		return nil, misuse(c, "--since and --since-last; give one of them")
	}
	if !c.IsSet("since") {
		return b, nil
	}
	path := c.String("since")
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, regular.WithoutPath(err))
	}
	defer f.Close()
	if b.snapshot, err = audit.ReadSnapshot(f); err != nil {
		return nil, fmt.Errorf("%s: not an audit: %w", path, err)
	}
	b.what = path
	return b, nil
}

// lastAudit is what is kept for --since-last.
type lastAudit struct {
	At       time.Time
	Findings audit.Snapshot
}

// key is the same for the same sources, whatever user stands in a URL.
func (b *baseline) key() string {
	var names []string
	for _, s := range b.c.Args().Slice() {
		names = append(names, repomd.Name(s))
	}
	slices.Sort(names)
	return fmt.Sprintf("audit %v %q", b.c.Bool("metadata-only"), slices.Compact(names))
}

// recall finds the last audit of the same sources. Without one everything is new.
func (b *baseline) recall(m *memory) error {
	if m == nil {
		return misuse(b.c, "--since-last needs a history, and there is none: name one with --db")
	}
	value, err := m.last(b.key())
	if err != nil {
		return fmt.Errorf("the last audit: %w", err)
	}
	var last lastAudit
	if value == nil {
		fmt.Fprintf(b.c.App.ErrWriter, "obs-btf-guard: no earlier audit of these sources is remembered; everything is new\n")
		b.snapshot, b.what, b.first = audit.Snapshot{}, "the beginning", true
		return nil
	}
	if err := json.Unmarshal(value, &last); err != nil {
		return fmt.Errorf("the last audit: %w", err)
	}
	b.snapshot, b.what = last.Findings, "the audit of "+last.At.UTC().Format("2006-01-02 15:04")
	return nil
}

// again says what the next audit will be compared with if this one is not remembered.
func (b *baseline) again() string {
	if b.first {
		return "to the next one everything will be new again"
	}
	return "the next one will be compared with " + b.what + " again"
}

func (b *baseline) compare(res *audit.Result) {
	if b.snapshot != nil {
		res.Compare(b.snapshot, prose.Printable(b.what))
	}
}

// keep has the next audit compared with this one, if all of it could be read: what was
// not seen is not gone. Where the next one will be compared with an older one instead, it
// says so, and that it could not be remembered is an error.
func (b *baseline) keep(m *memory, res *audit.Result) error {
	if !b.c.Bool("since-last") || b.c.Bool("dry-run") {
		return nil
	}
	if len(res.Problems) > 0 {
		fmt.Fprintf(b.c.App.ErrWriter, "obs-btf-guard: not all could be read, so this audit is not remembered; %s\n", b.again())
		return nil
	}
	value, err := json.Marshal(lastAudit{time.Now(), res.Snapshot()})
	if err != nil {
		return err
	}
	if !m.next(b.key(), value) {
		return fmt.Errorf("--since-last: this audit is not remembered; %s", b.again())
	}
	return nil
}
