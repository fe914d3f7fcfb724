// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// once begins the line that a kernel since 6.3 logs for the first refused module
// only.
const once = "Kernel module BTF mismatch detected"

// disagreements says what the kernel did otherwise than predicted, nothing if all
// is the same.
func (t trial) disagreements(on *build, got wire.Result) []string {
	var list []string
	differ := func(what string, got, want any) {
		list = append(list, fmt.Sprintf("%s: the kernel %v, predicted %v", what, got, want))
	}
	loads := t.want.Accepted() || on.allow.Loads()
	if loaded := got.Load == ""; loaded != loads {
		differ("loaded", fmt.Sprintf("%v (%s)", loaded, got.Load), loads)
	}
	if got.BTF != t.want.Accepted() {
		differ("accepted", got.BTF, t.want.Accepted())
	}
	if got.BTF && t.want.Accepted() && (got.Size != len(t.data) || got.Sum != t.sum()) {
		differ("copy", fmt.Sprintf("%d bytes %s", got.Size, got.Sum), fmt.Sprintf("%d bytes %s", len(t.data), t.sum()))
	}
	shown, _ := on.rules.Notice(carrierName, t.want, on.allow)
	shown = slices.DeleteFunc(shown, func(l string) bool { return strings.HasPrefix(l, once) })
	if lines := on.verifierLines(got.Lines); !slices.EqualFunc(lines, shown, on.sameLine) {
		differ("log", fmt.Sprintf("%q", lines), fmt.Sprintf("%q", shown))
	}
	return list
}

// sameLine compares a line of the log with the predicted one, which the verifier
// may have printed at more length than the log keeps of a line: 1024 bytes less
// the NUL and the mark of the level, and before 6.3 less a prefix of 32 more
// (LOG_LINE_MAX in kernel/printk).
func (b *build) sameLine(got, want string) bool {
	return got == want || len(got) >= b.rules.LineMax && strings.HasPrefix(want, got)
}

// unescape undoes /dev/kmsg's writing of characters that the prediction has as
// they are; bytes that are not ASCII are \xNN in both.
var unescape = strings.NewReplacer(`\x09`, "\t", `\x0a`, "\n", `\x5c`, `\`)

// verifierLines leaves out the line that comes only once, and others' lines: so the
// trace with which a kernel before 6.4 warns, once, that it cut a fragment. A kernel
// before 5.17 logs the end of a line inside a record.
func (b *build) verifierLines(records []string) (lines []string) {
	trace := false
	for _, r := range records {
		trace = trace || strings.HasPrefix(r, "------------[ cut here")
		if trace || beside(r) {
			trace = trace && !strings.HasPrefix(r, "---[ end trace")
			continue
		}
		if text := unescape.Replace(r); b.rules.SpacedLog {
			lines = append(lines, text)
		} else {
			lines = append(lines, strings.Split(text, "\n")...)
		}
	}
	return lines
}

// beside reports whether a line of the log is not of this trial alone.
func beside(line string) bool {
	return strings.HasPrefix(line, once) || unrelated.MatchString(line)
}

// unrelated is what the kernel says of any module without a signature, and of a
// machine that is slow.
var unrelated = regexp.MustCompile(
	`module verification failed|taints kernel|^(hrtimer|clocksource|workqueue|sched|perf|random|rcu|watchdog): `)

// saidOnce counts the line that comes only once.
func saidOnce(results []wire.Result) int {
	n := 0
	for _, r := range results {
		for _, l := range r.Lines {
			if strings.HasPrefix(l, once) {
				n++
			}
		}
	}
	return n
}

// wantOnce is how often it is to come.
func wantOnce(on *build, trials []trial) int {
	for _, t := range trials {
		if !t.want.Accepted() && on.allow == verify.AllowYes && on.rules.QuietAllow {
			return 1
		}
	}
	return 0
}

// save keeps the sections of a trial for later and tells where.
func (t trial) save(tb testing.TB, on *build) string {
	path := filepath.Join(os.TempDir(), "disagreements", on.krel, t.name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path+".btf", t.BTF, 0o644); err != nil {
		tb.Fatal(err)
	}
	if t.HasBase {
		if err := os.WriteFile(path+".base.btf", t.Base, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return path + ".btf"
}
