// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Lines writes the builds of kernels for people: where the base changed, and with what.
// verbose: all that is known of each build.
func Lines(w io.Writer, lines []history.Line, verbose bool) error {
	t := lineWriter{prose.NewWriter(w, false), verbose}
	for i, l := range lines {
		if i > 0 {
			t.Line("")
		}
		changes := ""
		switch n := l.Changes(); {
		case n == 1:
			changes = ", the base changed once"
		case n > 1:
			changes = fmt.Sprintf(", the base changed %d times", n)
		case len(l.Steps) > 1:
			changes = ", all with the same base"
		}
		t.Line("%s (%s): %s%s", l.KernelRelease, l.Arch, prose.Several(len(l.Steps), "build"), changes)
		for i := range l.Steps {
			t.step(&l, i)
		}
	}
	return t.Flush()
}

type lineWriter struct {
	*prose.Writer
	verbose bool
}

// step writes a build: what its base is, and below it what is to be known.
func (t lineWriter) step(l *history.Line, i int) {
	s := &l.Steps[i]
	built := "unknown         "
	if !s.Built.IsZero() {
		built = s.Built.UTC().Format("2006-01-02 15:04")
	}
	base := "same base"
	switch {
	case s.Fingerprint.IsZero():
		base = "no .BTF"
	case s.TypeCount == 0: // the kernel refuses it
		base = "base " + s.Fingerprint.Short() + ", which cannot be read"
	case i == 0 || s.BaseChanged || t.verbose:
		base = fmt.Sprintf("base %s, %s types", s.Fingerprint.Short(), prose.Number(int(s.TypeCount)))
	}
	t.Line("  %s  %s  %s", built, s.Package, base)
	if s.BaseChanged {
		t.change(l, i)
	}
	if t.verbose {
		t.details(s)
	}
	t.judgements(s)
}

const lineIndent = "                    "

// change tells what is different from the build before.
func (t lineWriter) change(l *history.Line, i int) {
	s, before := &l.Steps[i], &l.Steps[i-1]
	var what []string
	switch {
	case s.Fingerprint.IsZero():
		what = []string{"its .BTF is gone"}
	case before.Fingerprint.IsZero():
		what = []string{"it has .BTF"}
	case s.TypeCount > 0 && before.TypeCount > 0:
		what = []string{more(s.TypeCount, before.TypeCount, "type"), more(s.StringBytes, before.StringBytes, "string byte")}
	default:
		what = []string{"another base"}
	}
	if again := sameBase(l.Steps[:i], s.Fingerprint); again != "" {
		what = append(what, "the base of "+again+" again")
	}
	t.Line("%schange   since %s: %s", lineIndent, before.Release, strings.Join(what, "; "))
	for _, d := range s.Differences {
		if d.From != "" && d.To != "" {
			t.Line("%s         %s: %s → %s", lineIndent, d.What, d.From, d.To)
		}
	}
	if len(s.Same) > 0 {
		t.Line("%s         the same: %s", lineIndent, strings.Join(s.Same, ", "))
	}
	if unknown := s.Unknown(); len(unknown) > 0 {
		t.Line("%s         not known: %s", lineIndent, strings.Join(unknown, ", "))
	}
}

// more says how much a count has grown or shrunk.
func more(now, before uint32, what string) string {
	n, word := int64(now)-int64(before), "more"
	if n < 0 {
		n, word = -n, "fewer"
	}
	switch n {
	case 0:
		return "as many " + what + "s"
	case 1:
		return "1 " + what + " " + word
	}
	return fmt.Sprintf("%d %ss %s", n, what, word)
}

// sameBase is the first build that had a base.
func sameBase(steps []history.Step, base fingerprint.Digest) string {
	i := slices.IndexFunc(steps, func(s history.Step) bool { return s.Fingerprint == base && !base.IsZero() })
	if i < 0 {
		return ""
	}
	return steps[i].Release
}

func (t lineWriter) details(s *history.Step) {
	for _, d := range []struct{ name, value string }{
		{"base", digestText(s.Fingerprint)}, {"file", s.Path}, {"host", s.Host}, {"disturl", s.DistURL},
		{"compiler", s.Toolchain.Compiler}, {"linker", s.Toolchain.Linker}, {"pahole", s.Toolchain.Pahole}, {"header", "sha256:" + s.Digest},
	} {
		if d.value != "" {
			t.Line("%s%-8s %s", lineIndent, d.name, d.value)
		}
	}
}

func digestText(d fingerprint.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// judgements tells how modules fared on a vmlinux, by pairing and build: what is not
// ok, or all.
func (t lineWriter) judgements(s *history.Step) {
	for i, j := range s.Judgements {
		like := func(k history.Judgement) bool { return k.Pairing == j.Pairing && k.Of == j.Of }
		if i > 0 && like(s.Judgements[i-1]) {
			continue
		}
		var counts []string
		for _, k := range s.Judgements[i:] {
			if like(k) && (t.verbose || k.Severity != string(guard.OK)) {
				counts = append(counts, prose.Number(k.Modules)+" "+string(k.Verdict))
			}
		}
		if len(counts) > 0 {
			of := "its own modules"
			if j.Pairing != string(guard.PairBuild) {
				of = "modules of " + j.Of
			}
			t.Line("%s%-8s %s on it: %s", lineIndent, guard.Pairing(j.Pairing).Word(), of, strings.Join(counts, ", "))
		}
	}
}
