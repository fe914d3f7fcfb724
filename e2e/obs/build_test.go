// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outcome is what one run of obs-build did.
type outcome struct {
	status int
	log    string // without the seconds in front of each line
	took   time.Duration
	root   root
}

var stamp = regexp.MustCompile(`(?m)^\[ *\d+s\] ?`)

// build runs obs-build on a spec file, the sources beside it. What a former build
// left is in the build root already, as a worker of OBS puts it there: obs-build
// itself copies it only where it sets up the build root (no --no-init).
func (m *machine) build(r root, spec string, options ...string) (*outcome, error) {
	args := append([]string{
		"--root", string(r), "--dist", m.conf, "--arch", "x86_64", "--no-init",
		// Newer ones want to know, even so, where packages would come from.
		"--rpmlist", "/dev/null",
	}, options...)
	if old := r.path(".build.oldpackages"); isDir(old) {
		args = append(args, "--oldpackages", old)
	}
	cmd := exec.Command(m.obsBuild, append(args, spec)...)
	cmd.Env = m.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET} // no network, as in OBS
	start := time.Now()
	log, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	o := &outcome{cmd.ProcessState.ExitCode(), stamp.ReplaceAllString(string(log), ""), time.Since(start), r}
	if left := mounts(string(r)); len(left) > 0 {
		return o, fmt.Errorf("obs-build left mounted: %s", strings.Join(left, ", "))
	}
	return o, nil
}

// build runs obs-build on the spec file of sources.
func (r root) build(t *testing.T, src sources, options ...string) *outcome {
	t.Helper()
	o, err := needs(t).build(r, src.spec, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("build log:\n%s", o.log)
		}
	})
	took := ""
	if hook, ok := o.hookTook(); ok {
		took = fmt.Sprintf(", of which the check took %.3f s", hook.Seconds())
	}
	t.Logf("obs-build %s: exit status %d after %.1f s%s", filepath.Base(src.spec), o.status, o.took.Seconds(), took)
	return o
}

// previous makes files the results of the former build, beside others that OBS
// keeps of each build.
func (r root) previous(t *testing.T, files ...string) {
	t.Helper()
	dir := r.path(".build.oldpackages")
	for _, file := range files {
		copyFile(t, file, filepath.Join(dir, filepath.Base(file)))
	}
	for _, name := range []string{"rpmlint.log", "_statistics"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("0 packages checked\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// wants checks how the build ended.
func (o *outcome) wants(t *testing.T, status int) {
	t.Helper()
	if o.status != status {
		t.Errorf("obs-build: exit status %d, want %d", o.status, status)
	}
}

// nextCheck is where the output of a check ends: at the next one, or at the end
// of a build that fails.
var nextCheck = regexp.MustCompile(`(?m)^(\.\.\. running |\n\S+ failed "build )`)

// hook is what the check printed.
func (o *outcome) hook() string {
	_, said, ran := strings.Cut(o.log, "... running 50-check-kernel-btf\n")
	if !ran {
		return "the check did not run"
	}
	if end := nextCheck.FindStringIndex(said); end != nil {
		said = said[:end[0]]
	}
	return said
}

var clock = regexp.MustCompile(`(?m)^clock (\d+\.\d+)$`)

// hookTook is the time between the clocks beside the check. The second is not
// reached where the check fails.
func (o *outcome) hookTook() (time.Duration, bool) {
	times := clock.FindAllStringSubmatch(o.log, -1)
	if len(times) != 2 {
		return 0, false
	}
	start, _ := strconv.ParseFloat(times[0][1], 64)
	end, _ := strconv.ParseFloat(times[1][1], 64)
	return time.Duration((end - start) * float64(time.Second)), true
}

// says checks that the check's part of the log has these pieces in this order,
// wherever its lines are broken.
func (o *outcome) says(t *testing.T, pieces ...string) {
	t.Helper()
	rest := oneLine(o.hook())
	for _, piece := range pieces {
		_, after, found := strings.Cut(rest, oneLine(piece))
		if !found {
			t.Errorf("the check does not say, or not there: %s", piece)
			continue
		}
		rest = after
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// rpms are the packages that were built, by name.
func (o *outcome) rpms(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	paths, _ := filepath.Glob(o.root.path("home/abuild/rpmbuild/RPMS/*/*.rpm"))
	for _, path := range paths {
		out[must(t, "rpm", "-qp", "--nosignature", "--qf", "%{NAME}", path)] = path
	}
	return out
}

// report is what is read here of the machine's form of the report.
type report struct {
	Schema   int
	Exit     int
	Verdicts []struct{ Pairing, Verdict, Severity string }
	Labels   []struct{ Package, Verdict string }
	Rebuild  []struct{ Project, Package string }
	Hook     struct {
		Package, Stage string
		Notes          []string
	}
	History []struct{ Package string }
}

// reports lists the report files among the results.
func (o *outcome) reports() []string {
	paths, _ := filepath.Glob(o.root.path("home/abuild/rpmbuild/OTHER/*.btfguard"))
	return paths
}

// report reads the one report among the results, NAME.btfguard.
func (o *outcome) report(t *testing.T, name string) (r report) {
	t.Helper()
	paths := o.reports()
	if len(paths) != 1 || filepath.Base(paths[0]) != name+".btfguard" {
		t.Fatalf("reports %q, want %s.btfguard", paths, name)
	}
	data, err := os.ReadFile(paths[0])
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatalf("%s: %v", paths[0], err)
	}
	if r.Schema != 1 || r.Hook.Package != name {
		t.Errorf("schema %d of package %q, want 1 of %q", r.Schema, r.Hook.Package, name)
	}
	return r
}

// wants checks how many modules got which verdict in a pairing: "7 same-base",
// "12 rejected, 2 misread".
func (r report) wants(t *testing.T, pairing, verdicts string) {
	t.Helper()
	counts := map[string]int{}
	for _, v := range r.Verdicts {
		if v.Pairing == pairing {
			counts[v.Verdict]++
		}
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] })
	var list []string
	for _, name := range names {
		list = append(list, fmt.Sprint(counts[name], " ", name))
	}
	if got := strings.Join(list, ", "); got != verdicts {
		t.Errorf("%s: %q in the report, want %q", pairing, got, verdicts)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
