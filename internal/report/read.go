// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/piecemeal"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Bounds of a report that is read. Where it comes from, anybody may have written
// it: three bytes of a list can ask for hundreds.
const (
	mostVerdicts = 100_000
	mostOthers   = 10_000
	mostStrings  = 1 << 20 // in all lists together: reasons, lines of logs, notes
	mostValue    = 1 << 20 // bytes of one element, or of one field that is no list
)

// ReadDocument reads a report that an earlier run wrote. Fields of later versions
// are passed over; memory is in proportion to what is kept.
func ReadDocument(r io.Reader) (*Document, error) {
	d := documentReader{Reader: piecemeal.NewReader(r, mostValue), strings: mostStrings}
	if err := d.Object(d.read); err != nil {
		return nil, err
	}
	if d.doc.Schema != Schema {
		return nil, fmt.Errorf("schema %d, this program knows %d", d.doc.Schema, Schema)
	}
	d.doc.fill()
	return &d.doc, nil
}

type documentReader struct {
	*piecemeal.Reader
	strings int // how many more
	doc     Document
}

// read reads the value of one field.
func (d *documentReader) read(key string) error {
	switch key {
	case "schema":
		return d.Decode(&d.doc.Schema)
	case "tool":
		return d.Decode(&d.doc.Tool)
	case "exit":
		return d.Decode(&d.doc.Exit)
	case "summary":
		return d.Decode(&d.doc.Summary)
	case "hook":
		if err := d.Decode(&d.doc.Hook); err != nil || d.doc.Hook == nil {
			return err
		}
		return d.charge(len(d.doc.Hook.Notes))
	case "bases":
		return readList(d, &d.doc.Bases, mostOthers, func(b *Base) int {
			if b.Refused != nil {
				return len(b.Rules) + len(b.Refused.Log)
			}
			return len(b.Rules)
		})
	case "verdicts":
		return readList(d, &d.doc.Verdicts, mostVerdicts, (*Verdict).strings)
	case "labels":
		return readList(d, &d.doc.Labels, mostOthers, func(l *Label) int { return len(l.Reasons) })
	case "changes":
		return readList(d, &d.doc.Changes, mostOthers, func(c *Change) int { return len(c.Added.First) + len(c.Removed.First) + len(c.Changed.First) })
	case "rebuild":
		return readList(d, &d.doc.Remakes, mostOthers, func(*Remake) int { return 0 })
	case "history":
		return readList(d, &d.doc.History, mostOthers, func(*history.Build) int { return 0 })
	case "packages":
		return readList(d, &d.doc.Packages, mostOthers, func(*Package) int { return 0 })
	case "errors":
		return readList(d, &d.doc.Errors, mostOthers, func(*Error) int { return 0 })
	}
	return d.Skip()
}

// strings counts what a verdict has in lists.
func (v *Verdict) strings() int {
	n := len(v.Reasons) + len(v.Notes)
	if v.Kernel != nil {
		n += len(v.Kernel.Log) + len(v.Kernel.Hidden)
	}
	for i := range v.Notes {
		n += len(v.Notes[i].Log)
	}
	return n
}

func (d *documentReader) charge(n int) error {
	if d.strings -= n; d.strings < 0 {
		return fmt.Errorf("more than %d reasons, lines and names in all lists", mostStrings)
	}
	return nil
}

// readList reads a list of at most so many, each with so many strings in lists of its own.
func readList[T any](d *documentReader, list *[]T, most int, strings func(*T) int) error {
	return d.List(most, func() error {
		*list = append(*list, *new(T))
		v := &(*list)[len(*list)-1]
		if err := d.Decode(v); err != nil {
			return err
		}
		return d.charge(strings(v))
	})
}

// fill makes empty lists of those that are not there: a report has no null.
func (d *Document) fill() {
	d.Bases, d.Verdicts, d.Labels = list(d.Bases), list(d.Verdicts), list(d.Labels)
	d.Changes, d.Remakes, d.Errors, d.Packages = list(d.Changes), list(d.Remakes), list(d.Errors), list(d.Packages)
	if d.Summary == nil {
		d.Summary = map[string]int{}
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		c.Added.First, c.Removed.First, c.Changed.First = list(c.Added.First), list(c.Removed.First), list(c.Changed.First)
	}
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		v.Reasons = list(v.Reasons)
		if v.Kernel != nil {
			v.Kernel.Log = list(v.Kernel.Log)
		}
	}
	for i := range d.Labels {
		d.Labels[i].Reasons = list(d.Labels[i].Reasons)
	}
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Worst is the heaviest severity in the report.
func (d *Document) Worst() guard.Severity {
	worst := guard.OK
	for _, v := range d.Verdicts {
		worst = worst.Or(v.Severity)
		for _, n := range v.Notes {
			worst = worst.Or(n.Severity)
		}
	}
	for _, b := range d.Bases {
		if b.Refused != nil {
			worst = worst.Or(b.Refused.Severity) // "" where it was not judged
		}
	}
	for _, l := range d.Labels {
		worst = worst.Or(l.Severity)
	}
	return worst
}
