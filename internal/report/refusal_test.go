// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// TestRefused holds that each format says of a kernel without modules that it refuses
// its own BTF, why, and what to do.
func TestRefused(t *testing.T) {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	w.Func("asan.module_ctor", w.FuncProto(0), btftest.Static)
	b := &guard.Base{Path: "boot/vmlinux", Origin: guard.New, Package: &guard.Package{Path: "k.rpm", Name: "kernel-default", NEVRA: "kernel-default-1-1.x86_64", Arch: "x86_64"}}
	b.Describe(&kernel.Image{Facts: kernel.Facts{Kind: kernel.KindVmlinux, Arch: "x86_64", Bits: 64, Release: "6.1.30-1-default"}, Order: w.Order, BTF: w.Bytes()}, nil, guard.Assumed{})
	r, err := guard.Judge(t.Context(), &guard.Inventory{Bases: []*guard.Base{b}}, guard.Options{})
	if err != nil || len(r.Refusals) != 1 || r.Exit() != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if d := NewDocument(r, "1.0"); d.Worst() != guard.Fail {
		t.Errorf("a report that is read weighs %s", d.Worst())
	}
	prints := &Fingerprints{Bases: []Base{newBase(b)}}
	for _, tt := range []struct {
		name  string
		write func(io.Writer) error
		want  []string
	}{
		{"text", func(w io.Writer) error { return Text(w, r, TextOptions{Policy: "btf-guard.conf"}) }, []string{
			"FAIL refused  kernel-default-1-1.x86_64 (6.1.30-1-default): its own kernel refuses its .BTF\n        Linux 6.1.30 will log:\n", "| BPF: Invalid name\n",
			"=> boots without any BTF", "cause, most likely: Linux 6.1.30 does not take the dot", "What to do\n  - kernel-default-1-1.x86_64: Take over",
			"verdict = [\"refused\"]", "; 1 kernel without usable BTF\n"}},
		{"JSON", func(w io.Writer) error { return NewDocument(r, "1.0").Compact(w) }, []string{
			`"refused":{"severity":"fail","errno":-22,"log":["BPF:`, `"cause":"Linux 6.1.30`, `"exit":1`}},
		{"lint", func(w io.Writer) error { return List(r, "1.0").Lint(w, 1) }, []string{"kernel-default.x86_64: E: btf-refused boot/vmlinux: Invalid name\n"}},
		{"JUnit", func(w io.Writer) error { return List(r, "1.0").JUnit(w, time.Time{}) }, []string{`failures="1"`, `type="btf-refused"`, "| BPF: Invalid name"}},
		{"SARIF", func(w io.Writer) error { return List(r, "1.0").SARIF(w) }, []string{`"ruleId": "btf-refused"`, `"level": "error"`, `"uri": "k.rpm"`}},
		{"HTML", func(w io.Writer) error { return HTML(w, r, "1.0", false) }, []string{"whether their own kernel reads their .BTF", "Invalid name", "FAIL"}},
		{"fingerprints", prints.Text, []string{"its own kernel refuses it"}},
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
