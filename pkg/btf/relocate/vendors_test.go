// SPDX-License-Identifier: Apache-2.0

package relocate_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// vendors is what kernels call themselves. "" is a raw table, which has no banner.
var vendors = []string{"4.18.0-553.el8_10", "5.14.0-503.el9", "6.4.0-150600.23-default", "6.1-vendor", "99.0", ""}

// reading is how a kernel with this base reads BTF when it calls itself so.
func reading(t *testing.T, base *btf.Table, banner string) verify.Reading {
	t.Helper()
	w := verify.Witnesses{Base: base}
	if banner != "" {
		var err error
		if w.Version, err = verify.ParseVersion(banner); err != nil {
			t.Fatal(err)
		}
	}
	return w.Read()
}

// TestKernels replays what single kernels did by their own names and by those of others: what is recorded is of the code
// that ran, and must follow from the base whatever its banner says.
func TestKernels(t *testing.T) {
	for _, k := range corpus.LoadEach(t) {
		own := k.Name[strings.LastIndex("-"+k.Name[:strings.IndexByte(k.Name, '.')], "-"):]
		for _, banner := range append([]string{own}, vendors...) {
			t.Run(fmt.Sprintf("%s as %q", k.Name, banner), func(t *testing.T) {
				read := reading(t, k.Base, banner)
				if banner == own && read.Conflict != "" {
					t.Errorf("against its own name: %s", read.Conflict)
				}
				wrong := 0
				for _, tr := range k.Trials {
					if !tr.Checked {
						continue
					}
					if msg := replay(tr, k, read.Rules); msg != "" {
						if wrong++; wrong <= 5 {
							t.Errorf("%s (%s): %s", tr.File, tr.From, msg)
						}
					}
				}
				if wrong > 0 || len(k.Trials) < 1000 {
					t.Errorf("%d of %d trials are not as recorded", wrong, len(k.Trials))
				}
			})
		}
	}
}

// replay tries one table and says how the answer differs from the kernel's.
func replay(tr corpus.Trial, k corpus.Kernel, rules verify.Rules) string {
	var got relocate.Result
	if tr.HasBase {
		got = relocate.Onto(k.Base, rules).Module(tr.Data, tr.BaseData)
	} else {
		got.Result, got.Data = verify.Module(tr.Data, k.Base, rules), tr.Data
	}
	allow := verify.AllowNo
	if k.Allowed {
		allow = verify.AllowYes
	}
	shown, _ := rules.Notice(k.Carrier, got.Result, allow)
	if k.Allowed && rules.QuietAllow && len(shown) > 0 {
		shown = shown[:len(shown)-1] // it comes once, and was not recorded
	}
	switch want := logged(strings.Split(recorded.Replace(strings.Join(tr.Dmesg, "\n")), "\n")); {
	case got.Accepted() != tr.Accepted, tr.Errno != 0 && int(got.Errno) != tr.Errno:
		return fmt.Sprintf("errno %d, the kernel said %d (%q; ours %q)", got.Errno, tr.Errno, want, shown)
	case !slices.Equal(logged(shown), want):
		return fmt.Sprintf("\n got %q\nwant %q", logged(shown), want)
	case tr.Accepted && tr.Sum != "":
		h := fnv.New64a()
		h.Write(got.Data)
		if sum := fmt.Sprintf("%016x", h.Sum64()); len(got.Data) != tr.Size || sum != tr.Sum {
			return fmt.Sprintf("%d bytes, %s; the kernel had %d, %s", len(got.Data), sum, tr.Size, tr.Sum)
		}
	}
	return ""
}

// recorded undoes what /dev/kmsg does to a line: it escapes tabs, newlines, of
// which a kernel before 5.17 logs some inside a record, and backslashes.
var recorded = strings.NewReplacer(`\x09`, "\t", `\x0a`, "\n", `\x5c`, `\`)

// logged gives what was logged in lines. A console does not keep blanks at line
// ends.
func logged(lines []string) []string {
	return trimAll(strings.Split(strings.Join(lines, "\n"), "\n"))
}
