// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestNotes holds that each format has what is wrong beside a verdict that is ok,
// and what the kernel says of it.
func TestNotes(t *testing.T) {
	r := result()
	r.Problems = nil
	good := r.Findings[0]
	good.Notes = []guard.Note{{Rule: guard.OtherMagic, Severity: guard.Fail, Message: "it does not load", Log: []string{"good: version magic 'a' should be 'b'"}}}
	other := good
	other.Module = &guard.Module{Package: good.Module.Package, Path: "other.ko", Name: "other", Release: "1-default"}
	r.Findings = []guard.Finding{good, other}
	if d := NewDocument(r, "1.0"); d.Worst() != guard.Fail {
		t.Errorf("a report that is read weighs %s", d.Worst())
	}
	for _, tt := range []struct {
		name  string
		write func(io.Writer) error
		want  []string
	}{
		{"text", func(w io.Writer) error { return Text(w, r, TextOptions{}) }, []string{
			"FAIL build ", "2 same-base", "vermagic good ", "it does not load\n", "| good: version magic 'a' should be 'b'\n", "likewise other\n",
			"  - vermagic: Build the module with the headers", "0 ok, 0 warn, 2 fail"}},
		{"JSON", func(w io.Writer) error { return NewDocument(r, "1.0").Compact(w) }, []string{
			`"notes":[{"rule":"vermagic","severity":"fail","message":"it does not load","log":["good: version magic 'a' should be 'b'"]}]`, `"exit":1`}},
		{"lint", func(w io.Writer) error { return List(r, "1.0").Lint(w, 1) }, []string{": E: btf-vermagic good.ko on kernel-default-1-1.x86_64: it does not load\n"}},
		{"JUnit", func(w io.Writer) error { return List(r, "1.0").JUnit(w, time.Time{}) }, []string{`failures="2"`, `type="btf-vermagic"`, "vermagic: good.ko on kernel-default-1-1.x86_64: it does not load"}},
		{"SARIF", func(w io.Writer) error { return List(r, "1.0").SARIF(w) }, []string{`"ruleId": "btf-vermagic"`, `"level": "error"`, "vermagic: good.ko on kernel-default-1-1.x86_64: it does not load"}},
		{"HTML", func(w io.Writer) error { return HTML(w, r, "1.0", false) }, []string{"vermagic, fail", "| good: version magic &#39;a&#39;", "2 fail"}},
	} {
		var out bytes.Buffer
		if err := tt.write(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", tt.name, want, &out)
			}
		}
	}
}

// TestNotesThatAreOK are shown to who asks for everything.
func TestNotesThatAreOK(t *testing.T) {
	r := result()
	r.Problems, r.Findings = nil, r.Findings[:1]
	r.Findings[0].Notes = []guard.Note{{Rule: guard.ReadersRefuse, Severity: guard.OK, Message: "an old reader refuses it"}}
	for _, verbose := range []bool{false, true} {
		var out bytes.Buffer
		if err := Text(&out, r, TextOptions{Verbose: verbose}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "an old reader") != verbose || !strings.Contains(out.String(), "1 ok, 0 warn, 0 fail") || strings.Contains(out.String(), "What to do") {
			t.Errorf("verbose %v:\n%s", verbose, &out)
		}
	}
	var lint, sarif bytes.Buffer
	if err := List(r, "1.0").Lint(&lint, 0); err != nil || lint.Len() > 0 {
		t.Errorf("%v\n%s", err, &lint)
	}
	if err := List(r, "1.0").SARIF(&sarif); err != nil || strings.Contains(sarif.String(), "an old reader") {
		t.Errorf("%v\n%s", err, &sarif)
	}
}

// TestDuplicated names the first module that repeats structs, sums up the others, and
// gives machines the figures of each.
func TestDuplicated(t *testing.T) {
	r := result()
	r.Problems = nil
	one := r.Findings[0]
	one.Notes = []guard.Note{{Rule: guard.Duplicated, Severity: guard.Warn, Message: "it repeats 21 structs", Repeats: &guard.Repeats{
		Structs: strings.Split("a b c d e f g h i j k l m n o p q r s t u", " "), Copies: 22, Bytes: 500, Of: 600, Kfuncs: []string{"bpf_a"}}}}
	two, three := one, one
	two.Module = &guard.Module{Package: one.Module.Package, Path: "two.ko", Name: "two", Release: "1-default"}
	three.Module = &guard.Module{Package: one.Module.Package, Path: "three.ko", Name: "three", Release: "1-default"}
	three.Notes = []guard.Note{{Rule: guard.Duplicated, Severity: guard.OK, Message: "it repeats 1 struct", Repeats: &guard.Repeats{Structs: []string{"a"}, Copies: 1, Bytes: 10, Of: 100}}}
	r.Findings = []guard.Finding{one, two, three}
	var text, doc bytes.Buffer
	if err := Text(&text, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := NewDocument(r, "1.0").Compact(&doc); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WARN build ", ": 3 same-base; 2 duplicated\n", "it repeats 21 structs\n", "likewise two\n",
		"=> all 2 repeat 44 structs, 1,000 of 1,200 bytes of .BTF\n", "  - duplicated: pahole before 1.31 (libbpf before 1.6) does not merge", "1 ok, 2 warn, 0 fail"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	for _, want := range []string{`"repeats":{"structs":{"count":21,"first":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q","r","s","t"]},"copies":22,"bytes":500,"of":600,"kfuncs":["bpf_a"]}`,
		`"repeats":{"structs":{"count":1,"first":["a"]},"copies":1,"bytes":10,"of":100}`, `"summary":{"duplicated":2,"modules":3,"same-base":3}`} {
		if !strings.Contains(doc.String(), want) {
			t.Errorf("no %s in\n%s", want, &doc)
		}
	}
	if g := newGroups(r); len(g) != 1 || g[0].Notes["duplicated"] != 2 {
		t.Errorf("%+v", g)
	}
}
