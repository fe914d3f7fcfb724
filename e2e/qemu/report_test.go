// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// reportLoads passes on what the test of BPF_BTF_LOAD said.
func reportLoads(t *testing.T, res wire.Result) {
	if res.Load != "" || !strings.Contains(res.Said, "--- PASS") && !strings.Contains(res.Said, "--- SKIP") {
		t.Errorf("BPF_BTF_LOAD: %s", res.Load)
	}
	t.Logf("BPF_BTF_LOAD:\n%s", res.Said)
}

// report compares results and predictions. It sums them up by the sort of trial
// and by what was predicted.
func report(t *testing.T, s series, results []wire.Result) {
	agree := 0
	sorts, reasons := map[string]int{}, map[string]int{}
	for i, got := range results {
		tr := s.list[i]
		if got.Trial != i {
			t.Fatalf("result %d is of trial %d", i, got.Trial)
		}
		sort, _, _ := strings.Cut(tr.name, "-")
		if tr.want.Accepted() {
			sorts[sort+" accepted"]++
		} else {
			sorts[sort+" refused"]++
		}
		reasons[reason(tr.want)]++
		list := tr.disagreements(s.on, got)
		if len(list) == 0 {
			agree++
			continue
		}
		t.Errorf("%s (%s):\n%s", tr.name, tr.save(t, s.on), strings.Join(list, "\n"))
	}
	if got, want := saidOnce(results), wantOnce(s.on, s.list[:len(results)]); got != want {
		t.Errorf("%q is in the log %d times, predicted %d", once, got, want)
	}
	for _, counts := range []map[string]int{reasons, sorts} {
		for _, k := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("%5d  %s", counts[k], k)
		}
	}
	if s.skipped > 0 {
		t.Logf("%5d  left out: the kernel would leave its tables", s.skipped)
	}
	t.Logf("%d trials on %s (Linux %v): %d agree", len(results), s.on.krel, s.on.version, agree)
}

// particular is what differs from table to table in one message.
var particular = regexp.MustCompile(`'[^']*'|btf_info:[0-9a-f]+|\d+`)

// reason is the message that ends a log, whether or not it is shown, without
// names and numbers.
func reason(res verify.Result) string {
	if res.Accepted() {
		return "accepted"
	}
	for _, l := range slices.Backward(res.Lines) {
		if text := strings.TrimSpace(strings.TrimPrefix(l.Text, "BPF:")); text != "" {
			return particular.ReplaceAllString(text, "*")
		}
	}
	return "refused without a word"
}
