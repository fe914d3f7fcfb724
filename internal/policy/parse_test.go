// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/obs-btf-guard/obs-btf-guard/internal/policy"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

const (
	known       = "same-base, relocatable, compatible, no-btf, btf-lost, drifted, unproven, misread, rejected, unrelocatable, malformed, vermagic, other-headers, readers-refuse, kfuncs-lost, ids-unrelocated, duplicated, unlabeled, mislabeled, refused"
	quotes      = `syntax error: expected a value in straight quotes, as in action = "warn"`
	outside     = " stands outside of a rule, which begins with [[rule]]"
	ownRule     = ": give it a rule without"
	labelsNever = "unlabeled is about a package, which has no "
)

// good is a rule in three lines.
const good = "verdict = 'rejected'\naction = 'warn'\nreason = 'r'\n"

var mistakes = []struct {
	name string
	text string
	want []string
}{
	{"unknown key", "[[rule]]\n" + good + "pakage = 'x'\n",
		[]string{`5: unknown key "pakage" (a rule has verdict, pairing, package, module, action, reason); did you mean "package"?`}},
	{"key with a dot", "[[rule]]\n" + good + "module.name = 'x'\n",
		[]string{`5: unknown key "module.name" (a rule has verdict, pairing, package, module, action, reason)`}},
	{"unknown verdict", "[[rule]]\n\nverdict = 'reject'\naction = 'warn'\nreason = 'r'\n",
		[]string{`3: verdict: must be one of ` + known + `, not "reject"; did you mean "rejected"?`}},
	{"unknown words of a list, each in its line", "[[rule]]\naction = 'warn'\nreason = 'r'\nverdict = [\n'rejected',\n'a', # why\n\n'B']\n",
		[]string{`6: verdict: must be one of ` + known + `, not "a"`, `8: verdict: must be one of ` + known + `, not "B"`}},
	{"unknown pairing", "[[rule]]\n" + good + "pairing = 'older'\n",
		[]string{`5: pairing: must be one of build, update, across, weak, given, running, not "older"`}},
	{"mistyped pairing and action", "[[rule]]\nverdict = 'rejected'\npairing = 'udpate'\naction = 'wran'\nreason = 'r'\n",
		[]string{`3: pairing: must be one of build, update, across, weak, given, running, not "udpate"; did you mean "update"?`,
			`4: action: must be one of fail, build-again, warn, ignore, not "wran"; did you mean "warn"?`}},
	{"unknown action", "[[rule]]\nverdict = 'rejected'\naction = 'ok'\nreason = 'r'\n",
		[]string{`3: action: must be one of fail, build-again, warn, ignore, not "ok"`}},
	{"nothing given", "# a\n[[rule]]\n",
		[]string{"2: this rule has no verdict", "2: this rule has no action", "2: this rule has no reason"}},
	{"no reason in the first of two", "[[rule]]\nverdict = 'rejected'\naction = 'warn'\n[[rule]]\n" + good,
		[]string{"1: this rule has no reason"}},
	{"blank reason", "[[rule]]\nverdict = 'rejected'\naction = 'warn'\nreason = \"\"\"\n \\t\n\"\"\"\n",
		[]string{"4: reason is blank (it is printed in the build log)"}},
	{"wrong types", "[[rule]]\nverdict = 1\npairing = true\npackage = {}\nmodule = 2024-01-01\naction = ['warn']\nreason = 1.5\n",
		[]string{
			"2: verdict is a number, it has to be a string or a list of strings",
			"3: pairing is true or false, it has to be a string or a list of strings",
			"4: package is a table, it has to be a string or a list of strings",
			"5: module is a date or time, it has to be a string or a list of strings",
			"6: action is a list, it has to be a string",
			"7: reason is a number, it has to be a string",
		}},
	{"wrong types in a list", "[[rule]]\n" + good + "module = [\n'a',\n7,\n['b']]\n",
		[]string{
			"7: module has a number in its list, which has to be of strings",
			"7: module has a list in its list, which has to be of strings", // TOML's parser does not say where
		}},
	{"empty list", "[[rule]]\naction = 'warn'\nreason = 'r'\nverdict = []\n", []string{"4: verdict is an empty list"}},
	{"bad glob", "[[rule]]\n" + good + "package = ['kernel-*', 'k[']\nmodule = 'a\\'\n",
		[]string{`5: package: "k[" is no valid glob (look at its [ ] and \)`, `6: module: "a\\" is no valid glob (look at its [ ] and \)`}},
	{"bad glob behind a star", "[[rule]]\n" + good + "module = 'nvidia*[z'\n",
		[]string{`5: module: "nvidia*[z" is no valid glob (look at its [ ] and \)`}},
	{"blank glob", "[[rule]]\n" + good + "package = ''\nmodule = ['a', ' ']\n", []string{"5: package is blank", "6: module is blank"}},
	{"duplicate key", "[[rule]]\n" + good + "\"action\" = 'fail'\n", []string{"5: action stands twice in this rule, first in line 3"}},
	{"one bracket", "\n[rule]\n" + good, []string{"2: a rule begins with [[rule]], in two brackets"}},
	{"one bracket and more", "[rule]\nverdict = 'rejected'\naction = 'warn'\n",
		[]string{"1: a rule begins with [[rule]], in two brackets", "1: this rule has no reason"}},
	{"another table", "[[rule]]\n" + good + "[policy]\nanything = 1\n[[rules]]\nverdict = 'x'\n[[rule.more]]\n[[rule]]\n" + good + "x = 1\n",
		[]string{
			`5: unknown table "policy" (there are only rules, each begins with [[rule]])`,
			`7: unknown table "rules" (there are only rules, each begins with [[rule]])`,
			`9: unknown table "rule.more" (there are only rules, each begins with [[rule]])`,
			`14: unknown key "x" (a rule has verdict, pairing, package, module, action, reason)`,
		}},
	{"no table", "verdict = 'rejected'\nrule.action = 'warn'\nrule = []\n",
		[]string{`1: key "verdict"` + outside, `2: key "rule.action"` + outside, `3: key "rule"` + outside}},
	{"on its own base", "[[rule]]\nverdict = ['compatible', 'same-base']\nreason = 'r'\naction = 'rebuild'\n",
		[]string{"4: same-base says that a module is on its own base, which can only be ignored"}},
	{"a note built again", "[[rule]]\nverdict = ['rejected', 'kfuncs-lost']\nreason = 'r'\naction = 'rebuild'\n",
		[]string{"4: building again does not repair kfuncs-lost: use fail, warn or ignore"}},
	{"labels by module and pairing", "[[rule]]\nverdict = ['unlabeled', 'mislabeled']\naction = 'warn'\nreason = 'r'\nmodule = '*'\npairing = 'build'\n",
		[]string{"5: " + labelsNever + "module" + ownRule, "6: " + labelsNever + "pairing" + ownRule}},
	{"word without quotes", "[[rule]]\nverdict = rejected\n", []string{"2: " + quotes}},
	{"word without quotes in a list", "[[rule]]\nverdict = [rejected]\n", []string{"2: " + quotes}},
	{"second word without quotes", "[[rule]]\nverdict = [\"rejected\", misread]\n", []string{"2: " + quotes}},
	{"printer's quotes", "[[rule]]\nverdict = “rejected”\n", []string{"2: " + quotes}},
	{"no value", "[[rule]]\nverdict =\n", []string{"2: " + quotes}},
	{"no equals sign", "[[rule]]\naction: warn\n", []string{"2: syntax error: expected '=' after key"}},
	{"open quote", "[[rule]]\naction = \"warn\n", []string{"2: syntax error: basic strings cannot have new lines"}},
	{"open list at the end", "[[rule]]\nverdict = [\n'rejected'", []string{"3: syntax error: array is incomplete"}},
	{"open bracket", "[[rule]\n", []string{"1: syntax error: expected ']]' to close array table name"}},
	{"no name in brackets", "[[]]\n", []string{"1: syntax error: invalid character at start of key: U+005D ']'"}},
	{"not UTF-8", "[[rule]]\nreason = 'K\xf6ln'\n", []string{"2: syntax error: not UTF-8"}},
	{"mistakes before one of syntax", "[[rule]]\npakage = 'x'\n[[rule]]\nverdict = 'rejected'\n=\n",
		[]string{
			"1: this rule has no verdict", "1: this rule has no action", "1: this rule has no reason",
			`2: unknown key "pakage" (a rule has verdict, pairing, package, module, action, reason); did you mean "package"?`,
			"5: syntax error: invalid character at start of key: U+003D '='",
		}},
}

func TestMistakes(t *testing.T) {
	for _, tt := range mistakes {
		want := "btf-guard.conf:" + strings.Join(tt.want, "\nbtf-guard.conf:")
		for how, text := range map[string]string{
			"": tt.text, " with CRLF": strings.ReplaceAll(tt.text, "\n", "\r\n"), " with BOM": "\ufeff" + tt.text,
		} {
			t.Run(tt.name+how, func(t *testing.T) {
				_, err := policy.Parse("btf-guard.conf", []byte(text))
				if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestManyMistakes(t *testing.T) {
	_, err := policy.Parse("f", []byte(strings.Repeat("x = 1\n", 200)))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if got, want := lines[len(lines)-1], "f:101: 100 more mistakes from here on"; len(lines) != 101 || got != want {
		t.Errorf("%d lines, the last is %q, want %q", len(lines), got, want)
	}
}

func TestTooLarge(t *testing.T) {
	text := []byte("#" + strings.Repeat(" ", policy.MaxSize-1))
	if _, err := policy.Parse("f", text); err != nil {
		t.Errorf("%d bytes: %v", len(text), err)
	}
	_, err := policy.Parse("f", append(text, ' '))
	if got, want := fmt.Sprint(err), "f: 1048577 bytes, a policy has at most 1048576"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAsWritten has what people write: all of it is a rule that warns.
func TestAsWritten(t *testing.T) {
	for name, text := range map[string]string{
		"plain":          "[[rule]]\n" + good,
		"byte order":     "\ufeff[[rule]]\n" + good,
		"CRLF":           strings.ReplaceAll("[[rule]]\n"+good, "\n", "\r\n"),
		"no last line":   strings.TrimSpace("[[rule]]\n" + good),
		"spaces":         "  [[ rule ]]  # one\n\t" + strings.ReplaceAll(good, " = ", "="),
		"quoted keys":    "[[\"rule\"]]\n\"verdict\" = 'rejected'\n'action' = 'warn'\nreason = 'r'\n",
		"long reason":    "[[rule]]\nverdict = 'rejected'\naction = 'warn'\nreason = \"\"\"\n   r\n\"\"\"\n",
		"list and comma": "[[rule]]\nverdict = [ # both\n'misread',\n\n'rejected',\n]\naction = 'warn'\nreason = 'r'\n",
	} {
		t.Run(name, func(t *testing.T) {
			res := guard.Result{Findings: []guard.Finding{finding(guard.Rejected, guard.PairBuild, "", "m")}}
			apply(parse(t, "f", text), &res)
			if f := res.Findings[0]; f.Severity != guard.Warn || !cmp.Equal(f.Ruling, &guard.Ruling{Reason: "r", Where: "f:1"}) {
				t.Errorf("%s %+v", f.Severity, f.Ruling)
			}
		})
	}
}

func TestReasonIsOneLine(t *testing.T) {
	res := guard.Result{Findings: []guard.Finding{finding(guard.Rejected, guard.PairBuild, "", "m")}}
	apply(parse(t, "f", "[[rule]]\nverdict = 'rejected'\naction = 'warn'\nreason = '''\nboo#1194501:\n  machines reboot\n  at once'''"), &res)
	if got, want := res.Findings[0].Ruling.Reason, "boo#1194501: machines reboot at once"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRaise has verdicts that are fine by themselves and what may be made of
// them.
func TestRaise(t *testing.T) {
	for _, v := range guard.Verdicts {
		for _, action := range []string{"fail", "rebuild", "warn", "ignore"} {
			_, err := policy.Parse("f", []byte(rule(action, `verdict = "`+string(v)+`"`)))
			if want := v != guard.SameBase || action == "ignore"; (err == nil) != want {
				t.Errorf("%s %s: %v", action, v, err)
			}
		}
	}
}

var mistakeLine = regexp.MustCompile(`(?m)^f:(\d+): .+$`)

// FuzzParse holds Parse to its promises: mistakes in the order of lines that are
// there, and no file taken that TOML's own decoder refuses or reads as another
// number of rules.
func FuzzParse(f *testing.F) {
	for _, tt := range mistakes {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("\ufeff[[rule]]\r\n" + good + "[[rule]]\n" + good + "package = ['a', 'b-[a-z]*']\nmodule = \"\"\"\\u006e\\\n vidia*\"\"\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse("f", text)
		if err != nil {
			last := 1
			found := mistakeLine.FindAllStringSubmatch(err.Error(), -1)
			for _, m := range found {
				line, _ := strconv.Atoi(m[1])
				if line < last || line > strings.Count(string(text), "\n")+1 {
					t.Errorf("line %d after %d: %v", line, last, err)
				}
				last = line
			}
			if len(found) != strings.Count(err.Error(), "\n")+1 {
				t.Errorf("not a mistake in each line: %q", err)
			}
			return
		}
		var res guard.Result
		for _, v := range guard.Verdicts {
			res.Findings = append(res.Findings, finding(v, guard.PairRebuild, "kernel-default", "hid_apple"))
		}
		apply(p, &res)
		for _, f := range res.Findings {
			if f.Ruling == nil && f.Severity != f.Verdict.Severity() || f.Ruling != nil && f.Ruling.Reason == "" {
				t.Errorf("%s %s %v", f.Verdict, f.Severity, f.Ruling)
			}
		}
		var doc struct{ Rule []map[string]any }
		if err := toml.Unmarshal([]byte(strings.TrimPrefix(string(text), "\ufeff")), &doc); err != nil {
			t.Errorf("taken, but is no TOML: %v", err)
		}
		if got := len(p.Idle(&guard.Result{}, nil)); got != len(doc.Rule) {
			t.Errorf("%d rules, TOML has %d", got, len(doc.Rule))
		}
	})
}
