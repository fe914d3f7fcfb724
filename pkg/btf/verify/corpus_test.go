// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestKernelTrials replays what real kernels did, which allowed mismatches:
// verdict, errno and every line of dmesg must agree, by the rules of their
// version alone and by what their base says, whatever they call themselves.
func TestKernelTrials(t *testing.T) {
	k := corpus.LoadKernels(t)
	for _, banner := range []string{"by version alone", "", "own", "5.14.0-503.el9", "6.4.0-150600.23-default", "6.1-vendor", "99.0"} {
		t.Run(banner, func(t *testing.T) {
			rules := map[string]verify.Rules{}
			for name, stable := range corpus.Stable {
				w := verify.Witnesses{Base: k.Bases[name]}
				switch banner {
				case "":
				case "by version alone":
					w = verify.Witnesses{Version: version(t, stable)}
				case "own":
					w.Version = version(t, stable)
				default:
					w.Version = version(t, banner)
				}
				rules[name] = w.Read().Rules
			}
			replayTrials(t, k, rules)
		})
	}
}

func replayTrials(t *testing.T, k corpus.Kernels, by map[string]verify.Rules) {
	n := 0
	for _, tr := range k.Trials {
		if !tr.Checked {
			continue
		}
		rules := by[tr.Kernel]
		got := verify.Module(tr.Data, k.Bases[tr.Kernel], rules)
		if got.Accepted() != tr.Accepted || int(got.Errno) != tr.Errno {
			t.Errorf("%s on %s: errno %d, the kernel said %d (%q; ours %v)", tr.File, tr.Kernel, got.Errno, tr.Errno, tr.Dmesg, got.Lines)
			continue
		}
		n++
		want := slices.Clone(tr.Dmesg)
		for i, l := range want {
			want[i] = strings.ReplaceAll(l, `\x09`, "\t")
		}
		shown, _ := rules.Notice("nls_iso8859_1", got, verify.AllowYes)
		// The warning of 6.3 and later comes once per boot, so most trials lack it.
		if rules.QuietAllow && !tr.Accepted {
			shown = shown[:len(shown)-1]
			want = slices.DeleteFunc(want, func(s string) bool { return strings.HasPrefix(s, "Kernel module BTF mismatch") })
		}
		if !slices.Equal(trimAll(shown), trimAll(want)) {
			t.Errorf("%s on %s:\n got %q\nwant %q", tr.File, tr.Kernel, shown, want)
		}
	}
	if n < 1000 {
		t.Errorf("only %d trials compared", n)
	}
}

func version(t testing.TB, s string) verify.Version {
	t.Helper()
	v, err := verify.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// trimAll drops blanks at line ends, which the serial console did not keep.
func trimAll(lines []string) []string {
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}
