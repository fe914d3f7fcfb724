// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestCases judges what public reports were about, each module on its vmlinux.
func TestCases(t *testing.T) {
	dir := corpus.Cases(t)
	for _, tc := range []struct {
		name, base, modules string
		verdicts            []guard.Verdict
		note                string // rule, severity and what the message or the log has; "" for none
	}{
		// strip --strip-unneeded; two are too small to tell by themselves, stripped or not.
		{"strip-unneeded", "vmlinux", "*.ko", []guard.Verdict{guard.SameBase, guard.Unproven}, ""},
		{"btfids-nobtf", "vmlinux", "tcp_bbr.ko", []guard.Verdict{guard.NoBTF}, "kfuncs-lost warn missing module BTF, cannot register kfuncs"},
		{"other-headers", "vmlinux", "ipheth.ko", []guard.Verdict{guard.SameBase}, "other-headers fail its struct device has 144 bytes, the vmlinux's 136"},
		{"this-module-size", "vmlinux", "ipheth.ko", []guard.Verdict{guard.NoBTF}, "other-headers fail section size must match the kernel's built struct module size"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			modules, err := filepath.Glob(filepath.Join(dir, tc.name, tc.modules))
			if err != nil || len(modules) == 0 {
				t.Fatalf("no modules (%v)", err)
			}
			s := collect.Check(modules...)
			s.Base = filepath.Join(dir, tc.name, tc.base)
			inv, err := collect.Read(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			res, err := guard.Judge(t.Context(), inv, guard.Options{})
			if err != nil || len(res.Problems) > 0 || len(res.Findings) != len(modules) {
				t.Fatalf("%d findings, %v %v", len(res.Findings), res.Problems, err)
			}
			for _, f := range res.Findings {
				if !slices.Contains(tc.verdicts, f.Verdict) {
					t.Errorf("%s: %s, want one of %s: %q", f.Module.Path, f.Verdict, tc.verdicts, f.Reasons)
				}
				var notes []string
				for _, n := range f.Notes {
					notes = append(notes, string(n.Rule)+" "+string(n.Severity)+" "+n.Message+" "+strings.Join(n.Log, "\n"))
				}
				rule, words, _ := strings.Cut(tc.note, " ")
				severity, words, _ := strings.Cut(words, " ")
				if tc.note == "" && notes != nil || tc.note != "" &&
					(len(notes) != 1 || !strings.HasPrefix(notes[0], rule+" "+severity+" ") || !strings.Contains(notes[0], words)) {
					t.Errorf("%s: notes %q, want %q", f.Module.Path, notes, tc.note)
				}
			}
		})
	}
}
