// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Bounds of a report that is read. Where it comes from, anybody may have written
// it: three bytes of a list can ask for hundreds.
const (
	mostVerdicts = 200_000
	mostOthers   = 10_000
)

// ReadDocument reads a report that an earlier run wrote. Fields of later versions
// are passed over; memory is in proportion to what is kept.
func ReadDocument(r io.Reader) (*Document, error) {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errors.New("not a JSON object"), err)
	}
	var d Document
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if err := d.read(dec, key); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if d.Schema != Schema {
		return nil, fmt.Errorf("schema %d, this program knows %d", d.Schema, Schema)
	}
	d.fill()
	return &d, nil
}

// read reads the value of one field.
func (d *Document) read(dec *json.Decoder, key string) error {
	switch key {
	case "schema":
		return dec.Decode(&d.Schema)
	case "tool":
		return dec.Decode(&d.Tool)
	case "exit":
		return dec.Decode(&d.Exit)
	case "summary":
		return dec.Decode(&d.Summary)
	case "hook":
		return dec.Decode(&d.Hook)
	case "bases":
		return readList(dec, &d.Bases, mostOthers)
	case "verdicts":
		return readList(dec, &d.Verdicts, mostVerdicts)
	case "labels":
		return readList(dec, &d.Labels, mostOthers)
	case "changes":
		return readList(dec, &d.Changes, mostOthers)
	case "rebuild":
		return readList(dec, &d.Remakes, mostOthers)
	case "history":
		return readList(dec, &d.History, mostOthers)
	case "errors":
		return readList(dec, &d.Errors, mostOthers)
	}
	var unknown json.RawMessage
	return dec.Decode(&unknown)
}

// readList reads a list of at most so many.
func readList[T any](dec *json.Decoder, list *[]T, most int) error {
	t, err := dec.Token()
	if err != nil || t == nil {
		return err // null
	}
	if t != json.Delim('[') {
		return errors.New("not a list")
	}
	for dec.More() {
		if len(*list) == most {
			return fmt.Errorf("more than %d", most)
		}
		var v T
		if err := dec.Decode(&v); err != nil {
			return err
		}
		*list = append(*list, v)
	}
	_, err = dec.Token()
	return err
}

// fill makes empty lists of those that are not there: a report has no null.
func (d *Document) fill() {
	d.Bases, d.Verdicts, d.Labels = list(d.Bases), list(d.Verdicts), list(d.Labels)
	d.Changes, d.Remakes, d.Errors = list(d.Changes), list(d.Remakes), list(d.Errors)
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
	worst := 0
	for _, v := range d.Verdicts {
		worst = max(worst, slices.Index(guard.Severities, v.Severity))
		for _, n := range v.Notes {
			worst = max(worst, slices.Index(guard.Severities, n.Severity))
		}
	}
	for _, b := range d.Bases {
		if b.Refused != nil && b.Refused.Severity != "" {
			worst = max(worst, slices.Index(guard.Severities, b.Refused.Severity))
		}
	}
	for _, l := range d.Labels {
		worst = max(worst, slices.Index(guard.Severities, l.Severity))
	}
	return guard.Severities[worst]
}
