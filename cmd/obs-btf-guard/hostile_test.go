// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/obs-btf-guard/obs-btf-guard/internal/hostile"
)

// What a run of the program on any of the cases may take.
const (
	maxMemory = 256 // MiB
	maxCPU    = 5 * time.Second
	maxWait   = time.Minute // for a run that hangs
	maxOutput = 1 << 20
)

var allHostile = flag.Bool("hostile", false, "all hostile cases and all runs on them: make hostile")

// TestHostile runs the program on what internal/hostile makes, each time in a process
// of its own. testdata/hostile has exit status, message and what was written for each
// run; -update writes that. Memory and time are measured, goroutines counted. Without
// -hostile it is a sample: the first run on some cases of each kind.
func TestHostile(t *testing.T) {
	web := httptest.NewServer(hostile.Handler(t))
	defer web.Close()
	incident, err := filepath.Abs("../../testdata/incident")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]hostile.Case{}
	for i, c := range hostile.New(t).Cases {
		switch {
		case *allHostile:
		case i%8 == 0 || kinds[c.Kind] == nil:
			c.Runs = c.Runs[:1]
		default:
			continue
		}
		kinds[c.Kind] = append(kinds[c.Kind], c)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		t.Run(kind, func(t *testing.T) {
			got := make([]string, len(kinds[kind]))
			t.Run("cases", func(t *testing.T) {
				for i, c := range kinds[kind] {
					t.Run(c.Name, func(t *testing.T) {
						if c.Root && os.Geteuid() != 0 {
							t.Skip("only root can make it")
						}
						t.Parallel()
						got[i] = attack(t, c, incident, web.URL)
					})
				}
			})
			compareCases(t, kind, got)
		})
	}
}

// attack makes a case and runs the program on it. It returns what is recorded.
func attack(t *testing.T, c hostile.Case, incident, web string) string {
	base := t.TempDir()
	if resolved, err := filepath.EvalSymlinks(base); err == nil {
		base = resolved
	}
	dir := filepath.Join(base, "case")
	for _, name := range []string{"case", "home", "tmp", "cwd"} {
		if err := os.Mkdir(filepath.Join(base, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.Make(hostile.Dir{TB: t, Path: dir})
	place := strings.NewReplacer("$DIR", dir, "$INCIDENT", incident, "$WEB", web)
	name := strings.NewReplacer(dir, "$DIR", incident, "$INCIDENT", web, "$WEB", strings.TrimPrefix(web, "http://"), "$WEB", base, "$BASE")

	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n", c.Name)
	before := treeOf(t, base)
	for i, run := range c.Runs {
		if i == 1 && c.Then != nil {
			c.Then(hostile.Dir{TB: t, Path: dir})
			before = treeOf(t, base)
		}
		var args []string
		for _, word := range strings.Fields(run) {
			args = append(args, place.Replace(word))
		}
		env := []string{
			"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "GOMAXPROCS=4", "NO_PROXY=*",
			"XDG_CACHE_HOME=" + os.DevNull, "HOME=" + filepath.Join(base, "home"), "TMPDIR=" + filepath.Join(base, "tmp"),
		}
		for _, e := range c.Env {
			env = append(env, place.Replace(e))
		}
		r := attempt(t, args, env, filepath.Join(base, "cwd"))
		r.judge(t, run)
		fmt.Fprintf(&out, "$ %s\nexit %d\n", run, r.status)
		for _, line := range recorded(name.Replace(r.stdout), 0, 1) {
			fmt.Fprintf(&out, "> %s\n", line)
		}
		for _, line := range recorded(name.Replace(r.stderr), 6, 0) {
			fmt.Fprintf(&out, "! %s\n", line)
		}
		after := treeOf(t, base)
		for _, change := range changes(before, after) {
			fmt.Fprintf(&out, "%s\n", varying.ReplaceAllString(change, "VARYING"))
		}
		before = after
	}
	return out.String()
}

// outcome is what a run came to.
type outcome struct {
	status         int
	stdout, stderr string
	cpu            time.Duration
	probe          probe
}

// probe is what the process says of itself at its end.
type probe struct {
	Peak       int64    // of its memory, in bytes
	Goroutines []string // that were left
}

// probeFile names the file that a process under test writes its probe to.
const probeFile = "OBS_BTF_GUARD_TEST_PROBE"

// attempt runs the program: this test's binary, see TestMain.
func attempt(t *testing.T, args, env []string, cwd string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), maxWait)
	defer cancel()
	file := filepath.Join(t.TempDir(), "probe")
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env, cmd.Dir = append(env, probeFile+"="+file), cwd
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), probe{}}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &o.probe)
	}
	if err != nil {
		t.Errorf("%s: it did not come to its end: status %d, %v\n%.4000s", args, o.status, ctx.Err(), o.stderr)
	}
	return o
}

// judge checks what holds for every run, whatever it is on.
func (o outcome) judge(t *testing.T, run string) {
	t.Helper()
	all := o.stdout + o.stderr
	if len(all) > maxOutput {
		t.Errorf("%s: %d bytes of output", run, len(all))
	}
	if !utf8.ValidString(all) {
		t.Errorf("%s: the output is no UTF-8", run)
	}
	for _, r := range all {
		if unicode.In(r, unicode.Cc, unicode.Cf) && r != '\n' && r != '\t' && !(strings.Contains(run, "json") && r > 0x9f) {
			t.Errorf("%s: %U in the output", run, r)
			break
		}
	}
	if strings.Contains(all, "panic:") || strings.Contains(all, "goroutine ") {
		t.Errorf("%s: panic\n%s", run, all)
	}
	if o.status == exitError && strings.TrimSpace(all) == "" {
		t.Errorf("%s: exit status 2 without a word", run)
	}
	for _, g := range o.probe.Goroutines {
		t.Errorf("%s: a goroutine is left:\n%s", run, g)
	}
	t.Logf("%d MiB, %.2f s of CPU: %s", o.probe.Peak>>20, o.cpu.Seconds(), run)
	if raceDetector {
		return // it takes both for itself
	}
	if o.probe.Peak>>20 > maxMemory {
		t.Errorf("%s: %d MiB of memory, it may have %d", run, o.probe.Peak>>20, maxMemory)
	}
	if o.cpu > maxCPU {
		t.Errorf("%s: %v of processor time", run, o.cpu)
	}
}

// probed is the program in a process under test: at its end it writes down what
// memory it took and which goroutines it left.
func probed(file string) int {
	status := program()
	var p probe
	for range 100 {
		if p.Goroutines = goroutines(); len(p.Goroutines) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond) // they may be about to end
	}
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		if _, peak, ok := strings.Cut(string(text), "VmHWM:"); ok {
			fmt.Sscan(peak, &p.Peak)
			p.Peak <<= 10
		}
	}
	data, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return status
}

// goroutines are the stacks of those that run, but for this one, that of os/signal,
// which never ends, and those of net/http's connections that wait for another request.
func goroutines() (out []string) {
	buf := make([]byte, 1<<20)
	for i, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if i > 0 && !strings.Contains(stack, "os/signal.") && !strings.Contains(stack, "net/http.(*persistConn)") {
			out = append(out, stack)
		}
	}
	return out
}

// varying are parts of a message that differ from run to run.
var varying = regexp.MustCompile(`broken-[0-9T:.Z-]+|\.[A-Z2-7]{26}\.tmp|(obs-btf-guard|outside)/[0-9a-f]{16}`)

// recorded are the first or the last lines of what was printed, none too long.
func recorded(text string, first, last int) []string {
	lines := strings.FieldsFunc(varying.ReplaceAllString(text, "VARYING"), func(r rune) bool { return r == '\n' })
	if first > 0 && len(lines) > first {
		lines = append(lines[:first:first], fmt.Sprintf("and %d more lines", len(lines)-first))
	}
	if last > 0 && len(lines) > last {
		lines = lines[len(lines)-last:]
	}
	for i, line := range lines {
		if len(line) > 400 {
			lines[i] = strings.ToValidUTF8(line[:400], "") + "..."
		}
	}
	return lines
}

// treeOf is what lies below a folder: for each name all that must not change.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		if !d.IsDir() {
			what += fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
		if info.Mode().IsRegular() && info.Size() < 1<<20 {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			what += fmt.Sprintf("%x", sha256.Sum256(data))
		}
		rel, err := filepath.Rel(dir, path)
		out[rel] = what
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changes are the names that came, went or changed.
func changes(before, after map[string]string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		switch was, ok := before[name]; {
		case !ok:
			out = append(out, "wrote "+name)
		case was != after[name]:
			out = append(out, "changed "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			out = append(out, "removed "+name)
		}
	}
	return out
}

// compareCases compares what the cases of a kind came to with what is recorded of
// them, of which a sample has the begin. With -update and all cases it records that.
func compareCases(t *testing.T, kind string, got []string) {
	t.Helper()
	file := filepath.Join("../../testdata/hostile", kind+".txt")
	recorded := map[string]string{}
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for _, block := range strings.SplitAfter(string(text), "\n\n") {
		if block = strings.TrimSuffix(block, "\n"); block != "" {
			title, _, _ := strings.Cut(block, "\n")
			recorded[title] = strings.TrimSuffix(block, "\n") + "\n"
		}
	}
	var out strings.Builder
	for _, g := range got {
		if g == "" {
			continue // skipped, or chosen away by -run
		}
		title, _, _ := strings.Cut(g, "\n")
		if want := recorded[title]; !*update && g != want && (*allHostile || !strings.HasPrefix(want, g)) {
			t.Errorf("%s: got\n%swant\n%s", title, g, want)
		}
		delete(recorded, title)
		fmt.Fprintf(&out, "%s\n", g)
	}
	all := *allHostile && !slices.Contains(got, "")
	for title := range recorded {
		if all && !*update {
			t.Errorf("%s has %q, which is no case", file, title)
		}
	}
	if *update && all {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
