// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// manPage is the source of the man page with hyphens and backslashes as they are
// shown.
func manPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/man/obs-btf-guard.conf.5")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\-`, "-", `\e`, `\`).Replace(string(page))
}

// TestManPageWords: it explains each word that there is, once, and no other.
func TestManPageWords(t *testing.T) {
	page := manPage(t)
	var want []string
	for _, key := range keys {
		want = append(want, ".It Ic "+key+"\n")
	}
	for _, p := range pairings {
		want = append(want, ".It Cm "+p.Word()+"\n")
	}
	for _, v := range verdicts {
		want = append(want, ".It Cm "+string(v)+"\n.Pq "+string(v.Severity())+"\n")
	}
	for _, action := range actions {
		want = append(want, ".It Cm "+action+"\n")
	}
	got := regexp.MustCompile(`(?m)^\.It (Ic|Cm) .*\n(\.Pq .*\n)?`).FindAllString(page, -1)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("explained are\n%q, there are\n%q", got, want)
	}
}

// TestManPageExamples: they are rules, and the mistakes are ours.
func TestManPageExamples(t *testing.T) {
	page := manPage(t)
	examples := regexp.MustCompile(`(?s)\n\.Bd -literal -offset indent\n(.*?)\n\.Ed\n`).FindAllStringSubmatch(page, -1)
	rules := 0
	for _, m := range examples {
		if !strings.Contains(m[1], "[[rule]]") {
			continue
		}
		p, err := Parse("example", []byte(m[1]))
		if err != nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
		rules += len(p.rules)
	}
	if rules != 5 {
		t.Errorf("%d rules in its examples, not 5", rules)
	}
	_, err := Parse("btf-guard.conf", []byte("[[rule]]\nverdict = 'rejected'\naction = 'warn'\nreason = 'r'\npakage = 'x'\n"+
		"\n\n\n[[rule]]\nverdict = 'rejected'\naction = 'warn'\n"))
	if want := "\n" + fmt.Sprint(err) + "\n"; !strings.Contains(page, want) {
		t.Errorf("it does not show%s", want)
	}
}

// TestSystemFile: the file as installed has no rules, and becomes one where the
// comment sign is taken from a line that nothing but it makes a comment.
func TestSystemFile(t *testing.T) {
	text, err := os.ReadFile("../../obs/obs-btf-guard.conf")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Parse("system", text); err != nil || len(p.rules) != 0 {
		t.Errorf("%d rules, %v", len(p.rules), err)
	}
	p, err := Parse("system", regexp.MustCompile(`(?m)^#([^ \n])`).ReplaceAll(text, []byte("$1")))
	if err != nil || len(p.rules) != 1 {
		t.Errorf("%d rules in the example, %v", len(p.rules), err)
	}
	for _, key := range keys {
		if !strings.Contains(string(text), "\n#"+key+" ") {
			t.Errorf("the example has no %s", key)
		}
	}
}

// TestWithoutConsequences: the rule to begin with is about all that fails a build.
func TestWithoutConsequences(t *testing.T) {
	page, err := os.ReadFile("../../obs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "To begin with a trial")
	_, rest, _ = strings.Cut(rest, "```toml\n")
	text, _, ok := strings.Cut(rest, "```")
	p, err := Parse("example", []byte(text))
	if !ok || err != nil {
		t.Fatalf("no rule: %v", err)
	}
	for _, v := range verdicts {
		if _, severity := p.Weigh(v, "", "kernel-default", ""); v.Severity() == guard.Fail && severity != guard.Warn {
			t.Errorf("%s still fails", v)
		}
	}
}
