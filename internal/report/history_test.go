// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

func builtBase(release string, day int, base byte) *guard.Base {
	b := &guard.Base{
		Package: &guard.Package{NEVRA: "kernel-default-" + release + ".x86_64", Built: time.Date(2021, 12, day, 0, 0, 0, 0, time.UTC)},
		Release: "5.15.12-1-default", Arch: "x86_64",
	}
	b.Fingerprint.Base = fingerprint.Digest{base}
	return b
}

// TestRemember carries the builds of earlier reports on, each once.
func TestRemember(t *testing.T) {
	first := history.Remember([]*guard.Base{builtBase("1.1", 1, 1)})
	second := history.Remember([]*guard.Base{builtBase("1.2", 2, 1), builtBase("1.1", 1, 1)}, first)
	loose := builtBase("1.9", 9, 9)
	loose.Package = nil
	third := history.Remember([]*guard.Base{builtBase("1.3", 3, 2), loose}, second, first)
	var got []string
	for _, b := range third {
		got = append(got, b.Package)
	}
	if want := []string{"kernel-default-1.3.x86_64", "kernel-default-1.2.x86_64", "kernel-default-1.1.x86_64"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	want := "kernel-default-1.1.x86_64 of 2021-12-01 (base 010000000000) and 1 build after it, " +
		"kernel-default-1.3.x86_64 of 2021-12-03 (base 020000000000)"
	if got := story(third, "5.15.12-1-default", "x86_64"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := story(third, "5.15.12-1-default", "aarch64"); got != "" {
		t.Errorf("of another architecture: %q", got)
	}
}

// TestReadDocument takes what Compact wrote, of this schema and no other.
func TestReadDocument(t *testing.T) {
	d := NewDocument(result(), "1.0")
	d.History = history.Remember([]*guard.Base{builtBase("1.1", 1, 1)})
	var out bytes.Buffer
	if err := d.Compact(&out); err != nil {
		t.Fatal(err)
	}
	got, err := ReadDocument(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(got)
	if string(again)+"\n" != out.String() {
		t.Errorf("read back as\n%s\nwritten as\n%s", again, &out)
	}
	if d, err := ReadDocument(strings.NewReader(`{"schema": 1, "changes": [{}], "rebuild": null, "new": [1, {"a": [` + strings.Repeat(`"",`, mostValue) + `""]}], "verdicts": [{}]}`)); err != nil {
		t.Error(err)
	} else if again, _ := json.Marshal(d); strings.Contains(string(again), "null") {
		t.Errorf("a null in %s", again)
	}
	for _, text := range []string{"", "[]", `{"schema": 2}`, `{}`, `{"schema": 1`, `{"schema": 1, "verdicts": 1}`, `{"schema": 1, "bases": [1]}`,
		`{"schema": 1, "history": [` + strings.Repeat("{},", mostOthers) + `{}]}`,
		`{"schema": 1, "verdicts": [{"reasons": [` + strings.Repeat(`"",`, mostValue) + `""]}]}`,                                 // one that is too large
		`{"schema": 1, "labels": [` + strings.Repeat(`{"reasons": [`+strings.Repeat(`"",`, mostStrings/10)+`""]},`, 10) + `{}]}`, // too many together
		`{"schema": 1, "tool": {"version": "` + strings.Repeat("x", 3*mostValue) + `"}}`,
		`{"schema": 1, "new": [` + strings.Repeat("[", 100)} {
		if _, err := ReadDocument(strings.NewReader(text)); err == nil {
			t.Errorf("%.80q is a report", text)
		}
	}
}
