// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Lint writes one line for each finding that is not ok, as rpmlint does and
// editors read:
//
//	kernel-default.x86_64: E: btf-rejected /usr/lib/modules/.../ipheth.ko on kernel-default-5.15.12-1.3.x86_64: ...
//
// Of those that share package, verdict and vmlinux it writes at most so many, 0
// for all.
func Lint(w io.Writer, r *guard.Result, most int) error {
	out := bufio.NewWriter(w)
	line := func(where, letter, what, text string) {
		text = strings.Join(strings.Fields(text), " ")
		fmt.Fprintf(out, "%s: %s: %s %s\n", Printable(where), letter, what, Printable(text))
	}
	for _, p := range r.Problems {
		line(p.Path, "E", "btf-unreadable", p.Err.Error())
	}
	for _, b := range r.Refusals {
		if b.Severity != guard.OK {
			where := b.Base.Path
			if p := b.Base.Package; p != nil {
				where = p.Name + "." + p.Arch
			}
			line(where, letters[b.Severity], check(guard.Refused), b.Base.Path+": "+refusalSaid(b))
		}
	}
	for _, g := range groups(r.Findings) {
		for _, p := range g.parts() {
			if p.severity() == guard.OK {
				continue
			}
			count := map[*guard.Package]int{}
			for _, f := range p {
				if count[f.Module.Package]++; most == 0 || count[f.Module.Package] <= most {
					line(owner(f), letters[f.Severity], check(f.Verdict), what(f))
				}
			}
		}
		for _, rule := range guard.Rules {
			count := map[*guard.Package]int{}
			findings, notes := g.noted(rule, false)
			for i, f := range findings {
				if count[f.Module.Package]++; most == 0 || count[f.Module.Package] <= most {
					line(owner(f), letters[notes[i].Severity], "btf-"+string(rule), onBase(f)+": "+notes[i].Message)
				}
			}
		}
	}
	for _, l := range r.Labels {
		if l.Severity != guard.OK {
			line(l.Package.Name+"."+l.Package.Arch, letters[l.Severity], check(l.Verdict), strings.Join(l.Reasons, "; "))
		}
	}
	return out.Flush()
}

var letters = map[guard.Severity]string{guard.Warn: "W", guard.Rebuild: "W", guard.Fail: "E"}

// check is a verdict as the name of a check.
func check(v guard.Verdict) string {
	if strings.Contains(string(v), "btf") {
		return string(v)
	}
	return "btf-" + string(v)
}

// owner names the package as rpmlint does, or a loose file.
func owner(f guard.Finding) string {
	if p := f.Module.Package; p != nil {
		return p.Name + "." + p.Arch
	}
	return f.Module.Path
}

// what is the file, the vmlinux, and the shortest reason there is: the line by
// which one finds the trouble in dmesg, or our own.
func what(f guard.Finding) string {
	s := onBase(f)
	switch {
	case f.Kernel != nil && !f.Kernel.Accepts && len(f.Kernel.Log) > 0:
		s += ": " + f.Kernel.Log[len(f.Kernel.Log)-1]
	case len(f.Reasons) > 0:
		s += ": " + f.Reasons[0]
	}
	return s
}

// onBase is the file and the vmlinux.
func onBase(f guard.Finding) string {
	if f.Base == nil {
		return f.Module.Path
	}
	return f.Module.Path + " on " + f.Base.Label()
}
