// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// longFlags are the names of a command's flags, with their dashes.
func longFlags(cmd *cli.Command) []string {
	var names []string
	for _, f := range cmd.VisibleFlags() {
		names = append(names, "--"+f.Names()[0])
	}
	return names
}

// page is one man page: the commands that its NAME section says it is about, and
// the long flags that occur in it.
type page struct {
	path     string
	commands []string
	flags    map[string]bool
}

var (
	manName    = regexp.MustCompile(`(?m)^\.Nm obs-btf-guard(?:-([a-z-]+))?(?: ,)?$`)
	manFlag    = regexp.MustCompile(`\bFl (-[a-z][a-z-]*)`)
	manExample = regexp.MustCompile(`(?m)^.*\bobs-btf-guard ([a-z]+) .*$`)
	longFlag   = regexp.MustCompile(`(^|[ \[])(--[a-z][a-z-]*)`)
)

// scripts are installed beside the program.
var scripts = []string{"obs-btf-guard-published"}

func readPages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob("../../docs/man/*.1")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no man pages: %v", err)
	}
	var pages []page
	for _, path := range paths {
		if slices.Contains(scripts, strings.TrimSuffix(filepath.Base(path), ".1")) {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(source), `\-`, "-")
		p := page{path: path, flags: map[string]bool{}}
		name, _, _ := strings.Cut(text, "\n.Sh SYNOPSIS")
		for _, m := range manName.FindAllStringSubmatch(name, -1) {
			p.commands = append(p.commands, m[1])
		}
		for _, m := range manFlag.FindAllStringSubmatch(text, -1) {
			p.flags["-"+m[1]] = true
		}
		for _, example := range manExample.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(p.commands, example[1]) {
				continue
			}
			for _, m := range longFlag.FindAllStringSubmatch(example[0], -1) {
				p.flags[m[2]] = true
			}
		}
		pages = append(pages, p)
	}
	return pages
}

// TestScriptPages compares the man page of each script with the options that it takes.
func TestScriptPages(t *testing.T) {
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	getopts := regexp.MustCompile(`(?m)^while getopts ([A-Za-z:]+) `)
	option := regexp.MustCompile(`\bFl ([A-Za-z])\b`)
	for _, script := range scripts {
		takes := getopts.FindStringSubmatch(read("../../obs/" + script))
		if takes == nil {
			t.Errorf("%s: takes no options", script)
			continue
		}
		want := strings.Split(strings.ReplaceAll(takes[1], ":", ""), "")
		slices.Sort(want)
		var has []string
		for _, m := range option.FindAllStringSubmatch(read("../../docs/man/"+script+".1"), -1) {
			has = append(has, m[1])
		}
		slices.Sort(has)
		if has = slices.Compact(has); !slices.Equal(has, want) {
			t.Errorf("%s: takes %v, its man page has %v", script, want, has)
		}
	}
}

// TestManGroups: the first page has the commands in the groups of --help, in its order.
func TestManGroups(t *testing.T) {
	source, err := os.ReadFile("../../docs/man/obs-btf-guard.1")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(source), `\-`, "-")
	of := map[string][]string{}
	for _, cmd := range newApp(io.Discard, io.Discard).Commands {
		of[cmd.Category] = append(of[cmd.Category], cmd.Name)
	}
	for group, want := range of {
		_, section, _ := strings.Cut(text, "\n.Ss "+group+"\n")
		section, _, _ = strings.Cut(section, "\n.S")
		var got []string
		for _, m := range regexp.MustCompile(`(?m)^\.It Xr obs-btf-guard-([a-z]+) 1$`).FindAllStringSubmatch(section, -1) {
			got = append(got, m[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, --help has %q", group, got, want)
		}
	}
}

// TestManPages compares the man pages with the commands: each command has one
// page, which has all of its long flags and no other.
func TestManPages(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	wanted := map[string][]string{"": {"--help", "--version"}}
	for _, cmd := range app.VisibleCommands() {
		wanted[cmd.Name] = append(longFlags(cmd), "--help")
	}
	for _, p := range readPages(t) {
		var flags []string
		for _, name := range p.commands {
			if _, ok := wanted[name]; !ok {
				t.Errorf("%s: is about %q, which is no command or has another page, too", p.path, name)
			}
			flags = append(flags, wanted[name]...)
			delete(wanted, name)
		}
		slices.Sort(flags)
		flags = slices.Compact(flags)
		if has := slices.Sorted(maps.Keys(p.flags)); !slices.Equal(has, flags) {
			t.Errorf("%s: has the flags %v,\nthe command %v", p.path, has, flags)
		}
	}
	for name := range wanted {
		t.Errorf("obs-btf-guard %s: no man page has it in its NAME section", name)
	}
}

// completion is what a shell must offer behind a line.
type completion struct {
	line string // its last word, which may be empty, is the one to complete
	want []string
}

// completions asks for all commands and, of each, for all flags and for the
// values of those that have a choice.
func completions(app *cli.App) []completion {
	commands := completion{line: "obs-btf-guard "}
	all := []completion{{line: "obs-btf-guard -", want: []string{"--help", "--version"}}}
	for _, cmd := range app.VisibleCommands() {
		commands.want = append(commands.want, cmd.Name)
		call := "obs-btf-guard " + cmd.Name + " "
		all = append(all, completion{line: call + "-", want: append(longFlags(cmd), "--help")})
		for _, f := range cmd.VisibleFlags() {
			doc := f.(cli.DocGenerationFlag)
			if _, usage, _ := strings.Cut(doc.GetUsage(), "`"); strings.Contains(usage, "`") {
				value, _, _ := strings.Cut(usage, "`")
				if choice := strings.Split(value, "|"); len(choice) > 1 {
					all = append(all, completion{line: call + "--" + f.Names()[0] + " ", want: choice})
				}
			}
		}
	}
	return append(all, commands,
		completion{line: "obs-btf-guard check REA", want: []string{"README.md"}},
		completion{line: "obs-btf-guard history imp", want: []string{"import"}},
		completion{line: "obs-btf-guard history import REA", want: []string{"README.md"}})
}

// TestCompletions asks shells what they offer. All three read the program's
// --help, so this is also the test that they still can.
func TestCompletions(t *testing.T) {
	dir, err := filepath.Abs("../../completions")
	if err != nil {
		t.Fatal(err)
	}
	// Each shell completes the line that it is given and prints one word a line.
	shells := map[string][]string{
		"bash": {"--norc", "-c", `. "$0"/obs-btf-guard.bash
			read -ra COMP_WORDS <<< "$1"
			[[ $1 == *" " ]] && COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_obs_btf_guard "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
			# With no answer, complete's -o default applies.
			((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
			printf '%s\n' "${COMPREPLY[@]}"`},
		"fish": {"--no-config", "-c", `source $argv[1]/obs-btf-guard.fish; complete -C $argv[2] | string replace -r '\t.*' ''; true`},
		// zsh completes only in its line editor: what would be added is printed instead.
		"zsh": {"-f", "-c", `
			_call_program() { shift; "$@" }
			_files() { print -rl -- ${words[CURRENT]}*(N) }
			_describe() { print -rl -- ${${(P)2}%%:*} }
			compadd() { shift; print -rl -- $@ }
			compset() { }
			words=(${=1}); [[ $1 == *" " ]] && words+=(""); CURRENT=$#words; PREFIX=$words[-1]
			. $0/_obs-btf-guard`},
	}
	app := newApp(io.Discard, io.Discard)
	app.Setup()
	for shell, args := range shells {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("asks %s, which is not installed", shell)
			}
			for _, c := range completions(app) {
				cmd := exec.CommandContext(t.Context(), shell, append(slices.Clone(args), dir, c.line)...)
				cmd.Dir = "../.."
				out, err := cmd.CombinedOutput()
				got := strings.Fields(string(out))
				slices.Sort(got)
				slices.Sort(c.want)
				if err != nil || !slices.Equal(got, c.want) {
					t.Errorf("%q: offers %v (%v), want %v", c.line, got, err, c.want)
				}
			}
		})
	}
}
