// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// rulesOf gives the rules of a kernel in the recordings.
func rulesOf(t testing.TB, kernel string) verify.Rules {
	t.Helper()
	v, err := verify.ParseVersion(corpus.Stable[kernel])
	if err != nil {
		t.Fatal(err)
	}
	return verify.RulesFor(v)
}

// TestRelocations replays what a real kernel did: verdict, errno, every line of
// dmesg and every byte of the rewritten section must agree, by its version alone
// and by what its base says, whatever it calls itself.
func TestRelocations(t *testing.T) {
	r := corpus.LoadRelocations(t)
	byVersion := map[string]verify.Rules{}
	for name := range r.Bases {
		byVersion[name] = rulesOf(t, name)
	}
	t.Run("by version alone", func(t *testing.T) { replayRelocations(t, r, byVersion) })
	for _, banner := range vendors {
		t.Run(banner, func(t *testing.T) {
			rules := map[string]verify.Rules{}
			for name, base := range r.Bases {
				rules[name] = reading(t, base, banner).Rules
			}
			replayRelocations(t, r, rules)
		})
	}
}

func replayRelocations(t *testing.T, r corpus.Relocations, by map[string]verify.Rules) {
	for _, tr := range r.Trials {
		t.Run(tr.DataFile, func(t *testing.T) {
			rules := by[tr.Kernel]
			got := relocate.Onto(r.Bases[tr.Kernel], rules).Module(tr.Data, tr.BaseData)
			if got.Fault != "" {
				t.Errorf("%s: fault %q, the kernel had none", tr.From, got.Fault)
			}
			if got.Accepted() != tr.Accepted || int(got.Errno) != tr.Errno {
				t.Fatalf("%s: errno %d, the kernel said %d (%q; ours %v)", tr.From, got.Errno, tr.Errno, tr.Dmesg, got.Lines)
			}
			if tr.Accepted {
				h := fnv.New64a()
				h.Write(got.Data)
				if sum := fmt.Sprintf("%016x", h.Sum64()); len(got.Data) != tr.Size || sum != tr.Relocated {
					t.Errorf("%s: %d bytes, %s; the kernel had %d, %s", tr.From, len(got.Data), sum, tr.Size, tr.Relocated)
				}
				return
			}
			shown, _ := rules.Notice(tr.Module, got.Result, verify.AllowYes)
			if want := trimAll(tr.Dmesg); !slices.Equal(trimAll(shown), want) {
				t.Errorf("%s:\n got %q\nwant %q", tr.From, shown, want)
			}
		})
	}
	if len(r.Trials) < 100 {
		t.Errorf("only %d trials compared", len(r.Trials))
	}
}

// trimAll drops blanks at line ends, which the serial console did not keep.
func trimAll(lines []string) []string {
	lines = slices.Clone(lines)
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}
