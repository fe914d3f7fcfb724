// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// MaxSize is the most bytes that a policy has.
const MaxSize = 1 << 20

// maxMistakes keeps a file that is no policy at all from filling a build log.
const maxMistakes = 100

// The words of a policy.
var (
	keys     = []string{"verdict", "pairing", "package", "module", "action", "reason"}
	required = []string{"verdict", "action", "reason"}
	labels   = []guard.Verdict{guard.Unlabeled, guard.Mislabeled, guard.Refused}
	notes    = noteWords()
	verdicts = slices.Concat(guard.Verdicts, notes, labels)
	pairings = []guard.Pairing{guard.PairBuild, guard.PairRebuild, guard.PairAcross, guard.PairWeak, guard.PairGiven, guard.PairRunning}
	actions  = []string{"fail", "build-again", "warn", "ignore"}
	// severities are those of the actions, in their order.
	severities = []guard.Severity{guard.Fail, guard.Rebuild, guard.Warn, guard.OK}
)

// oldWords are those that policies had before, and may have for ever: rebuild was the
// name of a pairing and of an action.
var oldWords = map[string]map[string]string{
	"pairing": {"rebuild": guard.PairRebuild.Word()},
	"action":  {"rebuild": "build-again"},
}

// pairingWords are the pairings as a policy has them.
func pairingWords() (out []string) {
	for _, p := range pairings {
		out = append(out, p.Word())
	}
	return out
}

// noteWords are the rules of notes, which have actions as verdicts do.
func noteWords() (out []guard.Verdict) {
	for _, rule := range guard.Rules {
		out = append(out, guard.Verdict(rule))
	}
	return out
}

// parser goes through a file once. TOML's own parser gives a table or a line
// key = value at a time, with its place; what they mean is decided here, since
// there is nothing but rules.
type parser struct {
	name string
	text []byte
	toml unstable.Parser

	offset, line int // how far lines have been counted

	rule     rule
	lines    map[string]int // where its keys stand; nil outside of a rule
	start    int            // the line of its [[rule]]
	before   int            // mistakes before it
	foreign  bool           // in a table that is no rule
	rules    []rule
	mistakes []mistake
}

type mistake struct {
	line int
	what string
}

// Parse reads a file of rules, in TOML as obs-btf-guard.conf(5) describes it.
// The name is what errors and rulings call the file. The error holds all
// mistakes up to the first of syntax, each as name:line: what, joined in their
// order.
func Parse(name string, text []byte) (Policy, error) {
	if len(text) > MaxSize {
		return Policy{}, fmt.Errorf("%s: %d bytes, a policy has at most %d", name, len(text), MaxSize)
	}
	text = slices.Clip(bytes.TrimPrefix(text, []byte("\ufeff")))
	p := parser{name: name, text: text, line: 1}
	p.toml.Reset(text)
	for p.toml.NextExpression() {
		switch e := p.toml.Expression(); e.Kind {
		case unstable.KeyValue:
			p.keyValue(e)
		default:
			p.table(e)
		}
	}
	if err := p.toml.Error(); err != nil {
		p.syntax(err) // what the last rule lacks may stand behind it
	} else {
		p.endRule()
	}
	if len(p.mistakes) > 0 {
		return Policy{}, p.join()
	}
	return Policy{p.rules}, nil
}

// mistaken notes a mistake.
func (p *parser) mistaken(line int, format string, args ...any) {
	p.mistakes = append(p.mistakes, mistake{line, fmt.Sprintf(format, args...)})
}

// join makes one error of all mistakes.
func (p *parser) join() error {
	slices.SortStableFunc(p.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for i, m := range p.mistakes {
		if i == maxMistakes {
			m.what = fmt.Sprintf("%d more mistakes from here on", len(p.mistakes)-i)
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s", p.name, m.line, m.what))
		if i == maxMistakes {
			break
		}
	}
	return errors.Join(errs...)
}

// at is the line in which a range begins. Ranges come in the order of the file;
// the parser gives none for lists, which are taken to be where the last one was.
func (p *parser) at(r unstable.Range) int {
	if to := int(r.Offset); to > p.offset {
		p.line += bytes.Count(p.text[p.offset:to], []byte("\n"))
		p.offset = to
	}
	return p.line
}

// key is the key of a table or value as it is written, and its line.
func (p *parser) key(e *unstable.Node) (string, int) {
	var parts []string
	line := 0
	for it := e.Key(); it.Next(); {
		if line == 0 {
			line = p.at(it.Node().Raw)
		}
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, "."), line
}

// syntax notes what TOML does not allow.
func (p *parser) syntax(err error) {
	var at unstable.Range
	if e := (*unstable.ParserError)(nil); errors.As(err, &e) {
		at = p.toml.Range(e.Highlight)
	}
	what := err.Error()
	rest := p.text[at.Offset:]
	// Of a word without quotes the parser only names the first character.
	before := bytes.TrimRight(p.text[:at.Offset], " \t[")
	value := bytes.HasSuffix(before, []byte("=")) || bytes.HasSuffix(before, []byte(","))
	if value && len(rest) > 0 && !bytes.ContainsAny(rest[:1], "\"'[{") {
		what = `expected a value in straight quotes, as in action = "warn"`
	}
	if r, size := utf8.DecodeRune(rest); r == utf8.RuneError && size == 1 {
		what = "not UTF-8"
	}
	p.mistaken(p.at(at), "syntax error: %s", what)
}

// table begins a rule.
func (p *parser) table(e *unstable.Node) {
	p.endRule()
	name, line := p.key(e)
	if name != "rule" {
		p.foreign = true
		p.mistaken(line, "unknown table %.80q (there are only rules, each begins with [[rule]])", name)
		return
	}
	p.rule, p.lines, p.start, p.before = rule{}, map[string]int{}, line, len(p.mistakes)
	if e.Kind != unstable.ArrayTable {
		p.mistaken(line, "a rule begins with [[rule]], in two brackets")
	}
}

// keyValue reads a line of a rule.
func (p *parser) keyValue(e *unstable.Node) {
	key, line := p.key(e)
	switch first, twice := p.lines[key]; {
	case p.foreign: // said once for all of the table
		return
	case p.lines == nil:
		p.mistaken(line, "key %.80q stands outside of a rule, which begins with [[rule]]", key)
		return
	case !slices.Contains(keys, key):
		p.mistaken(line, "unknown key %.80q (a rule has %s)%s", key, strings.Join(keys, ", "), like(key, keys))
		return
	case twice:
		p.mistaken(line, "%s stands twice in this rule, first in line %d", key, first)
		return
	}
	p.lines[key] = line
	r := &p.rule
	switch key {
	case "verdict":
		r.verdicts = choose(p, key, p.list(key, e.Value()), verdicts)
	case "pairing":
		words := pairingWords()
		for _, word := range choose(p, key, p.list(key, e.Value()), words) {
			r.pairings = append(r.pairings, pairings[slices.Index(words, word)])
		}
	case "package":
		r.packages = p.globs(key, e.Value())
	case "module":
		for _, glob := range p.globs(key, e.Value()) {
			r.modules = append(r.modules, withUnderscores(glob))
		}
	case "action":
		for _, action := range choose(p, key, p.single(key, e.Value()), actions) {
			r.severity = severities[slices.Index(actions, action)]
		}
	case "reason":
		for _, reason := range p.single(key, e.Value()) {
			r.ruling.Reason = strings.Join(strings.Fields(reason.text), " ")
			if r.ruling.Reason == "" {
				p.mistaken(line, "reason is blank (it is printed in the build log)")
			}
		}
	}
}

// endRule takes over the rule that was read, if there is one.
func (p *parser) endRule() {
	defer func() { p.lines, p.foreign = nil, false }()
	if p.lines == nil {
		return
	}
	for _, key := range required {
		if p.lines[key] == 0 {
			p.mistaken(p.start, "this rule has no %s", key)
		}
	}
	if len(p.mistakes) > p.before {
		return // whether it makes sense shows when it is whole
	}
	r := p.rule
	if slices.Contains(r.verdicts, guard.SameBase) && r.severity != guard.OK {
		p.mistaken(p.lines["action"], "%s says that a module is on its own base, which can only be ignored", guard.SameBase)
	}
	if i := slices.IndexFunc(r.verdicts, func(v guard.Verdict) bool { return slices.Contains(notes, v) }); i >= 0 && r.severity == guard.Rebuild {
		p.mistaken(p.lines["action"], "building again does not repair %s: use fail, warn or ignore", r.verdicts[i])
	}
	if i := slices.IndexFunc(r.verdicts, func(v guard.Verdict) bool { return slices.Contains(labels, v) }); i >= 0 {
		for _, key := range []string{"pairing", "module"} {
			if line := p.lines[key]; line != 0 {
				p.mistaken(line, "%s is about a package, which has no %s: give it a rule without", r.verdicts[i], key)
			}
		}
	}
	r.ruling.Where = fmt.Sprintf("%s:%d", p.name, p.start)
	p.rules = append(p.rules, r)
}

// word is a string of the file.
type word struct {
	text string
	line int
}

// single reads a value that is one string.
func (p *parser) single(key string, value *unstable.Node) []word {
	if value.Kind != unstable.String {
		p.mistaken(p.at(value.Raw), "%s is %s, it has to be a string", key, kind(value))
		return nil
	}
	return []word{{string(value.Data), p.at(value.Raw)}}
}

// list reads a value that is a string or a list of them.
func (p *parser) list(key string, value *unstable.Node) []word {
	switch value.Kind {
	case unstable.String:
		return p.single(key, value)
	case unstable.Array:
	default:
		p.mistaken(p.at(value.Raw), "%s is %s, it has to be a string or a list of strings", key, kind(value))
		return nil
	}
	var out []word
	empty := true
	for it := value.Children(); it.Next(); empty = false {
		if e := it.Node(); e.Kind != unstable.String {
			p.mistaken(p.at(e.Raw), "%s has %s in its list, which has to be of strings", key, kind(e))
		} else {
			out = append(out, p.single(key, e)...)
		}
	}
	if empty {
		p.mistaken(p.at(value.Raw), "%s is an empty list", key)
	}
	return out
}

// choose takes the words that are known.
func choose[T ~string](p *parser, key string, words []word, known []T) []T {
	var out []T
	for _, w := range words {
		w.text = cmp.Or(oldWords[key][w.text], w.text)
		if slices.Contains(known, T(w.text)) {
			out = append(out, T(w.text))
			continue
		}
		var all []string
		for _, k := range known {
			all = append(all, string(k))
		}
		p.mistaken(w.line, "%s: must be one of %s, not %.80q%s", key, strings.Join(all, ", "), w.text, like(w.text, all))
	}
	return out
}

// like asks whether a word was meant that is like one that is none.
func like(typed string, words []string) string {
	if len(typed) > 40 { // no word is so long
		return ""
	}
	return prose.DidYouMean(prose.Closest(typed, words))
}

// globs reads patterns as path.Match has them.
func (p *parser) globs(key string, value *unstable.Node) []string {
	var out []string
	for _, w := range p.list(key, value) {
		_, err := path.Match(w.text, "")
		switch {
		case strings.TrimSpace(w.text) == "":
			p.mistaken(w.line, "%s is blank", key)
		case err != nil:
			p.mistaken(w.line, `%s: %.80q is no valid glob (look at its [ ] and \)`, key, w.text)
		default:
			out = append(out, w.text)
		}
	}
	return out
}

// kind names the type of a value that is no string.
func kind(value *unstable.Node) string {
	switch value.Kind {
	case unstable.Bool:
		return "true or false"
	case unstable.Integer, unstable.Float:
		return "a number"
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return "a date or time"
}
