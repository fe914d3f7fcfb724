// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/policy"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

func parse(t *testing.T, name, text string) policy.Policy {
	t.Helper()
	p, err := policy.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apply weighs a result as guard.Judge does, and returns what decided.
func apply(p policy.Policy, res *guard.Result) map[guard.Ruling]bool {
	used := map[guard.Ruling]bool{}
	for i := range res.Findings {
		f, pkg := &res.Findings[i], ""
		if f.Module.Package != nil {
			pkg = f.Module.Package.Name
		}
		if by, weighs := p.Weigh(f.Verdict, f.Pairing, pkg, f.Module.Name); by != nil {
			f.Severity, f.Ruling, used[*by] = weighs, by, true
		}
	}
	for i := range res.Labels {
		l := &res.Labels[i]
		if by, weighs := p.Weigh(l.Verdict, "", l.Package.Name, ""); by != nil {
			l.Severity, l.Ruling, used[*by] = weighs, by, true
		}
	}
	return used
}

// rule writes a rule with the given lines beside action and reason.
func rule(action string, lines ...string) string {
	return "[[rule]]\naction = \"" + action + "\"\nreason = \"to " + action + "\"\n" + strings.Join(lines, "\n") + "\n"
}

func finding(v guard.Verdict, pairing guard.Pairing, pkg, module string) guard.Finding {
	f := guard.Finding{Verdict: v, Severity: v.Severity(), Pairing: pairing, Module: &guard.Module{Name: module}}
	if pkg != "" {
		f.Module.Package = &guard.Package{Name: pkg}
	}
	return f
}

func TestMatch(t *testing.T) {
	rejected := finding(guard.Rejected, guard.PairRebuild, "kernel-default-extra", "hid_apple")
	loose := finding(guard.Rejected, guard.PairGiven, "", "hid_apple")
	tests := []struct {
		name    string
		lines   string
		finding guard.Finding
		want    bool
	}{
		{"verdict", `verdict = "rejected"`, rejected, true},
		{"another verdict", `verdict = "misread"`, rejected, false},
		{"one of several verdicts", `verdict = ["misread", "rejected"]`, rejected, true},
		{"pairing", `pairing = "rebuild"`, rejected, true},
		{"another pairing", `pairing = ["build", "across"]`, rejected, false},
		{"one of several pairings", `pairing = ["build", "rebuild"]`, rejected, true},
		{"package", `package = "kernel-default-extra"`, rejected, true},
		{"package is not its beginning", `package = "kernel-default"`, rejected, false},
		{"package by glob", `package = "kernel-*-ext?a"`, rejected, true},
		{"one of several packages", `package = ["x*", "*-extra"]`, rejected, true},
		{"package of a loose module", `package = "*"`, loose, false},
		{"hyphens of a package are no underscores", `package = "kernel_default_extra"`, rejected, false},
		{"module", `module = "hid_apple"`, rejected, true},
		{"module with a hyphen", `module = "hid-apple"`, rejected, true},
		{"module with an escaped hyphen", `module = 'hid\-*'`, rejected, true},
		{"module that names itself with a hyphen", `module = "hid_apple"`, finding(guard.Rejected, guard.PairRebuild, "", "hid-apple"), true},
		{"range in a module's glob", `module = "[g-i]id-[^b-z]*"`, rejected, true},
		{"range that leaves it out", `module = "[a-c]id-apple"`, rejected, false},
		{"hyphen among others", `module = 'hid[.\-]apple'`, rejected, true},
		{"bracket after a range", `module = 'hid-[\]a]pple'`, rejected, true},
		{"case counts", `module = "HID*"`, rejected, false},
		{"module of a loose file", `module = "hid*"`, loose, true},
		{"all selectors", `verdict = "rejected"` + "\n" + `pairing = "rebuild"` + "\n" + `package = "kernel-*"` + "\n" + `module = "hid*"`, rejected, true},
		{"all selectors but one", `pairing = "rebuild"` + "\n" + `package = "kernel-*"` + "\n" + `module = "usb*"`, rejected, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(tt.lines, "verdict") {
				tt.lines += "\n" + `verdict = "rejected"`
			}
			p := parse(t, "f", rule("warn", tt.lines))
			res := guard.Result{Findings: []guard.Finding{tt.finding}}
			used := apply(p, &res)
			got := res.Findings[0]
			want := tt.finding
			if tt.want {
				want.Severity, want.Ruling = guard.Warn, &guard.Ruling{Reason: "to warn", Where: "f:1"}
			}
			if got.Severity != want.Severity || !cmp.Equal(got.Ruling, want.Ruling) {
				t.Errorf("%s %+v, want %s %+v", got.Severity, got.Ruling, want.Severity, want.Ruling)
			}
			if unused := len(p.Idle(&res, used)); (unused == 0) != tt.want {
				t.Errorf("%d rules decided nothing", unused)
			}
		})
	}
}

func TestActions(t *testing.T) {
	for action, want := range map[string]guard.Severity{
		"fail": guard.Fail, "rebuild": guard.Rebuild, "warn": guard.Warn, "ignore": guard.OK,
	} {
		res := guard.Result{Findings: []guard.Finding{finding(guard.BTFLost, guard.PairBuild, "", "m")}}
		apply(parse(t, "f", rule(action, `verdict = "btf-lost"`)), &res)
		if f := res.Findings[0]; f.Severity != want || f.Ruling == nil {
			t.Errorf("%s: %s %v, want %s and its reason", action, f.Severity, f.Ruling, want)
		}
	}
}

func TestLabels(t *testing.T) {
	pkg := &guard.Package{Name: "kernel-default"}
	label := func(v guard.Verdict) guard.Label {
		return guard.Label{Package: pkg, Verdict: v, Severity: v.Severity()}
	}
	p := parse(t, "f", rule("fail", `verdict = "unlabeled"`, `package = "kernel-*"`)+
		rule("ignore", `verdict = ["rejected", "unlabeled"]`, `package = "foo"`))
	res := guard.Result{Labels: []guard.Label{label(guard.Unlabeled), label(guard.Mislabeled)}}
	used := apply(p, &res)
	want := []guard.Label{
		{Package: pkg, Verdict: guard.Unlabeled, Severity: guard.Fail, Ruling: &guard.Ruling{Reason: "to fail", Where: "f:1"}},
		label(guard.Mislabeled),
	}
	for i, l := range res.Labels {
		if l.Severity != want[i].Severity || !cmp.Equal(l.Ruling, want[i].Ruling) {
			t.Errorf("%s %+v, want %s %+v", l.Severity, l.Ruling, want[i].Severity, want[i].Ruling)
		}
	}
	unused := p.Idle(&res, used)
	if diff := cmp.Diff([]string{"f:6: to ignore"}, unused); diff != "" {
		t.Error(diff)
	}
}

// TestLastDecides has a distribution's file and that of one package.
func TestLastDecides(t *testing.T) {
	system := parse(t, "system", rule("rebuild", `verdict = "rejected"`)+rule("fail", `verdict = "rejected"`, `module = "xpad"`))
	source := parse(t, "source", rule("warn", `verdict = "rejected"`, `module = "ipheth"`)+rule("ignore", `verdict = "misread"`))
	res := guard.Result{}
	for _, module := range []string{"tcp_bbr", "xpad", "ipheth"} {
		res.Findings = append(res.Findings, finding(guard.Rejected, guard.PairRebuild, "kernel-default", module))
	}
	res.Findings = append(res.Findings, finding(guard.Malformed, guard.PairBuild, "kernel-default", "crc7"))
	used := apply(system.Then(source), &res)
	var got []string
	for _, f := range res.Findings {
		where := "itself"
		if f.Ruling != nil {
			where = f.Ruling.Where
		}
		got = append(got, f.Module.Name+" "+string(f.Severity)+" by "+where)
	}
	want := []string{"tcp_bbr rebuild by system:1", "xpad fail by system:5", "ipheth warn by source:1", "crc7 fail by itself"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"source:6: to ignore"}, source.Idle(&res, used)); diff != "" {
		t.Error(diff)
	}
	if unused := system.Idle(&res, used); unused != nil {
		t.Errorf("of the system's rules %v decided nothing", unused)
	}
}

func TestNoRules(t *testing.T) {
	res := guard.Result{Findings: []guard.Finding{finding(guard.Rejected, guard.PairBuild, "kernel-default", "xpad")}}
	var none policy.Policy
	used := apply(none.Then(parse(t, "f", "# nothing\n")), &res)
	if f := res.Findings[0]; f.Severity != guard.Fail || f.Ruling != nil {
		t.Errorf("%s %v", f.Severity, f.Ruling)
	}
	if unused := none.Idle(&res, used); unused != nil {
		t.Error(unused)
	}
}

// TestIdle lists the names that are here where a rule matches none of them.
func TestIdle(t *testing.T) {
	kernel, extra := &guard.Package{Name: "kernel-default"}, &guard.Package{Name: "kernel-default-extra"}
	const rule = "[[rule]]\nverdict = \"rejected\"\naction = \"warn\"\nreason = \"why\"\n"
	const head = "a.conf:1: why"
	for selector, want := range map[string]string{
		`package = "kernel-default-5.15.12-1.3"`: head + ". No package here has such a name; names here are kernel-default, kernel-default-extra",
		`package = "kernel-default-ex*"`:         head,
		`module = "hid-aple"`:                    head + ". No module here has such a name",
		`module = "hid-apple"`:                   head,
		``:                                       head,
	} {
		p := parse(t, "a.conf", rule+selector+"\n")
		res := &guard.Result{Bases: []*guard.Base{{Package: kernel}},
			Findings: []guard.Finding{{Module: &guard.Module{Name: "hid-apple", Package: extra}}}}
		if got := p.Idle(res, nil); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
		if got := p.Idle(res, map[guard.Ruling]bool{{Reason: "why", Where: "a.conf:1"}: true}); got != nil {
			t.Errorf("%s: %q, although it decided", selector, got)
		}
		if got := p.Everywhere().Idle(res, nil); got != nil {
			t.Errorf("%s: %q, although it need not decide here", selector, got)
		}
	}
}
