// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"
)

const oscPlugin = "../../obs/btfguard.py"

// TestOscSwitches holds the options that the osc plugin takes for such without a
// value against those of the command.
func TestOscSwitches(t *testing.T) {
	source, err := os.ReadFile(oscPlugin)
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	line := regexp.MustCompile(`(?m)^SWITCHES = .*$`).FindString(string(source))
	for _, m := range regexp.MustCompile(`"([a-z-]+)"`).FindAllStringSubmatch(line, -1) {
		has = append(has, m[1])
	}
	slices.Sort(has)
	want := []string{"h", "help"}
	for _, f := range rebuildCommand().Flags {
		if _, ok := f.(*cli.BoolFlag); ok {
			want = append(want, f.Names()...)
		}
	}
	slices.Sort(want)
	if !slices.Equal(has, want) {
		t.Errorf("%s: switches %q, the command has %q", oscPlugin, has, want)
	}
}

// TestOscPlugin calls the osc plugin as osc does, with testdata/osc.py for osc and
// a script for the program, which prints how it was called.
func TestOscPlugin(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("osc is made of Python, which is not installed")
	}
	const (
		rebuild = "rebuild --apiurl https://obs.example"
		in      = rebuild + " --project home:me "
		env     = " OSC_APIURL=https://obs.example OSC_CONFIG=/dev/null"
		keyring = `{"class": "osc.credentials.KeyringCredentialsManager:keyring.backends.kwallet.DBusKeyring"}`
		secret  = env + " OSC_PASSWORD=geheim\n"
	)
	bin := t.TempDir()
	script := "#!/bin/sh\necho \"$*\" $(env | grep ^OSC_ | sort)\ncase $STATUS in\nkilled) kill $$ ;;\nx86_64) case $* in *x86_64) exit 1 ;; esac; exit 0 ;;\nesac\nexit ${STATUS:-0}\n"
	if err := os.WriteFile(filepath.Join(bin, "obs-btf-guard"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "kernel.btfguard")
	if err := os.WriteFile(report, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, settings, words string
		status                string // of the program
		want                  string // calls of the program, with their environment
		exit                  int
		says                  string // on standard error
	}{
		{name: "a place", words: "rebuild home:me b i586", want: in + "--repository b --arch i586" + env + "\n"},
		{name: "options in between", words: "rebuild -n home:me --timeout 1h b --poll=1s i586 --wait",
			want: in + "--repository b --arch i586 -n --timeout 1h --poll=1s --wait" + env + "\n"},
		{name: "all of a repository", words: "rebuild home:me b", want: in + "--repository b --arch x86_64" + env + "\n" + in + "--repository b --arch i586" + env + "\n"},
		{name: "all of a project", words: "rebuild home:me -y",
			want: in + "--repository a --arch x86_64 -y" + env + "\n" + in + "--repository b --arch x86_64 -y" + env + "\n" + in + "--repository b --arch i586 -y" + env + "\n"},
		{name: "working copy", settings: `{"project": "home:me"}`, words: "rebuild . a x86_64", want: in + "--repository a --arch x86_64" + env + "\n"},
		{name: "working copy, not named", settings: `{"project": "home:me"}`, words: "rebuild --wait",
			want: in + "--repository a --arch x86_64 --wait" + env + "\n" + in + "--repository b --arch x86_64 --wait" + env + "\n" + in + "--repository b --arch i586 --wait" + env + "\n"},
		{name: "no working copy", words: "rebuild", exit: 2, says: "name a project"},
		{name: "an architecture, by option", words: "rebuild home:me --arch x86_64 -n",
			want: in + "--repository a --arch x86_64 -n" + env + "\n" + in + "--repository b --arch x86_64 -n" + env + "\n"},
		{name: "a repository, by option", words: "rebuild --repository=b home:me", want: in + "--repository b --arch x86_64" + env + "\n" + in + "--repository b --arch i586" + env + "\n"},
		{name: "a place, by options", words: "rebuild -arch i586 home:me --repository b --wait", want: in + "--repository b --arch i586 --wait" + env + "\n"},
		{name: "a place, by name and option", words: "rebuild home:me b --arch i586", want: in + "--repository b --arch i586" + env + "\n"},
		{name: "a place, by name and the same options", words: "rebuild home:me b i586 --arch i586 --repository b", want: in + "--repository b --arch i586" + env + "\n"},
		{name: "the last option counts", words: "rebuild home:me --arch x86_64 --arch i586", want: in + "--repository b --arch i586" + env + "\n"},
		{name: "one architecture of a working copy", settings: `{"project": "home:me"}`, words: "rebuild --arch i586", want: in + "--repository b --arch i586" + env + "\n"},
		{name: "one plan, by option", words: "rebuild home:me --arch i586 --save-plan p", want: in + "--repository b --arch i586 --save-plan p" + env + "\n"},
		{name: "another by option", words: "rebuild home:me b i586 --arch x86_64", exit: 2, says: "--arch x86_64, or i586?"},
		{name: "no value", words: "rebuild home:me --repository= --arch x86_64", exit: 2, says: "--repository: which one?"},
		{name: "no word behind", words: "rebuild home:me --arch", exit: 2, says: "--arch: which one?"},
		{name: "no such architecture", words: "rebuild home:me --arch s390x", exit: 2, says: "nothing is built for home:me s390x"},
		{name: "no such repository", words: "rebuild home:me c", exit: 2, says: "nothing is built for home:me c"},
		{name: "one plan for several", words: "rebuild home:me --save-plan p", exit: 2, says: "--save-plan: name one"},
		{name: "one plan", words: "rebuild home:me a --save-plan p", want: in + "--repository a --arch x86_64 --save-plan p" + env + "\n"},
		{name: "too many names", words: "rebuild home:me a x86_64 kernel", exit: 2, says: "only PROJECT REPOSITORY ARCH"},
		{name: "a plan", settings: keyring, words: "rebuild --plan p", want: rebuild + " --plan p" + secret},
		{name: "a report", words: "rebuild " + report + " -n", want: rebuild + " " + report + " -n" + env + "\n"},
		{name: "a report here", words: "rebuild main.go", want: rebuild + " main.go" + env + "\n"},
		{name: "behind the options", words: "rebuild -n -- home:me b i586", want: in + "--repository b --arch i586 -n" + env + "\n"},
		{name: "a folder", words: "rebuild RPMS/", want: rebuild + " RPMS/" + env + "\n"},
		{name: "by options", words: "rebuild --project p --repository r --arch a", want: rebuild + " --project p --repository r --arch a" + env + "\n"},
		{name: "help", settings: keyring, words: "rebuild --help", want: rebuild + " --help" + env + "\n"},
		{name: "another API", words: "rebuild -A other home:me", exit: 2, says: "-A stands before"},
		{name: "another API, its long name", words: "rebuild home:me --apiurl=other", exit: 2, says: "-A stands before"},
		{name: "another command", settings: keyring, words: "check -v RPMS --against OLD -- -x", want: "check -v RPMS --against OLD -- -x" + env + "\n"},
		{name: "no command", exit: 2, says: "which command"},
		{name: "configuration", settings: `{"conffile": "/etc/oscrc"}`, words: "check x", want: "check x OSC_APIURL=https://obs.example OSC_CONFIG=/etc/oscrc\n"},
		{name: "keyring", settings: keyring, words: "rebuild x/", want: rebuild + " x/" + secret},
		{name: "asked for", settings: `{"class": "osc.credentials.TransientCredentialsManager"}`, words: "rebuild x/", want: rebuild + " x/" + secret},
		{name: "in the file", settings: `{"class": "osc.credentials.ObfuscatedConfigFileCredentialsManager"}`, words: "rebuild x/", want: rebuild + " x/" + env + "\n"},
		{name: "ssh key", settings: `{"sshkey": "id", "class": "osc.credentials.TransientCredentialsManager"}`, words: "rebuild x/", want: rebuild + " x/" + env + "\n"},
		{name: "exit status", status: "1", words: "check x", exit: 1, want: "check x" + env + "\n"},
		{name: "the highest exit status", words: "rebuild home:me b", status: "x86_64", exit: 1,
			want: in + "--repository b --arch x86_64" + env + "\n" + in + "--repository b --arch i586" + env + "\n"},
		{name: "killed", status: "killed", words: "check x", exit: 143, want: "check x" + env + "\n"},
		{name: "no program", status: "none", words: "check x", exit: 2, says: "there is no obs-btf-guard in PATH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := bin
			if tt.status == "none" {
				path = t.TempDir()
			}
			if tt.settings == "" {
				tt.settings = "{}"
			}
			python, err := exec.LookPath("python3")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), python, append([]string{"testdata/osc.py", oscPlugin, tt.settings}, strings.Fields(tt.words)...)...)
			cmd.Env = []string{"PATH=" + path + ":/usr/bin:/bin", "STATUS=" + tt.status}
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != tt.exit {
				t.Errorf("exit status %d, want %d", got, tt.exit)
			}
			if stdout.String() != tt.want {
				t.Errorf("calls\n%swant\n%s", stdout.String(), tt.want)
			}
			if tt.says == "" && stderr.Len() > 0 || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("says %q, want %q", stderr.String(), tt.says)
			}
		})
	}
}

// TestOscInterrupted: what a terminal interrupts, osc and the program, ends when
// the program has tidied up. No further place is looked at.
func TestOscInterrupted(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("osc is made of Python, which is not installed")
	}
	for _, tt := range []struct {
		name, status string
		want         int
	}{
		{"says what it left", "4", 4},
		{"had just ended", "0", 130},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bin := t.TempDir()
			// A second is more than the patience of Python's subprocess.call.
			script := "#!/bin/sh\ntrap 'sleep 1; echo tidy; exit $STATUS' INT\necho ready\nwhile :; do sleep 0.1; done\n"
			if err := os.WriteFile(filepath.Join(bin, "obs-btf-guard"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), python, "testdata/osc.py", oscPlugin, "{}", "rebuild", "home:me", "b")
			cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "STATUS=" + tt.status}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // which a terminal would interrupt
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				got = append(got, lines.Text())
				if lines.Text() == "ready" {
					if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
				t.Fatal(err)
			}
			if !slices.Equal(got, []string{"ready", "tidy"}) || cmd.ProcessState.ExitCode() != tt.want || stderr.Len() > 0 {
				t.Errorf("printed %q, exit status %d, want %d: %s", got, cmd.ProcessState.ExitCode(), tt.want, &stderr)
			}
		})
	}
}

// TestOldOsc loads the plugin as osc 0.169 does (_load_plugins in its commandline.py),
// which lacks what the plugin needs: nothing breaks and nothing is left in osc.
func TestOldOsc(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("osc is made of Python, which is not installed")
	}
	const load = `
import importlib.util, inspect, sys, types
for name in "osc", "osc.commandline", "osc.conf", "osc.core", "osc.oscerr":
    sys.modules[name] = types.ModuleType(name)
spec = importlib.util.spec_from_file_location("btfguard", sys.argv[1])
plugin = importlib.util.module_from_spec(spec)
sys.modules["btfguard"] = plugin
spec.loader.exec_module(plugin)
print([n for n in dir(plugin) if inspect.isfunction(getattr(plugin, n)) or inspect.isclass(getattr(plugin, n)) or n in ("os", "sys")])
`
	cmd := exec.CommandContext(t.Context(), "python3", "-c", load, oscPlugin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || string(out) != "[]\n" || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "needs osc 1.4 or later") {
		t.Errorf("%v\n%s%s", err, out, &stderr)
	}
}
