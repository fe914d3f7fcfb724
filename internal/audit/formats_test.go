// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// troubled has a finding of each kind and something that could not be read.
func troubled() *Result {
	p := func(name, version string) *Package {
		return &Package{Name: name, NEVRA: name + "-" + version + ".x86_64", Arch: "x86_64", place: "RPMS/" + name + "-" + version + ".x86_64.rpm"}
	}
	older, newer := p("kernel-default", "1-1"), p("kernel-default", "1-2")
	extra, kmp, other := p("kernel-default-extra", "1-1"), p("x-kmp-default", "1-1"), p("y-kmp-azure", "1-1")
	kernel := func(p *Package, n byte) *Kernel {
		return &Kernel{Vmlinux: guard.Vmlinux{Release: "1-default", Flavor: "default", Base: fingerprint.Digest{n}, Known: guard.ByContent}, Package: p}
	}
	first, second := kernel(older, 1), kernel(newer, 2)
	unknown := &Kernel{Vmlinux: guard.Vmlinux{Flavor: "rt"}, Package: p("kernel-rt", "1-1")}
	bad := map[guard.Verdict]int{guard.Rejected: 2}
	r := &Result{
		Sources: []Source{{Name: "RPMS", Kind: "directory", Packages: 6}},
		Kernels: []*Kernel{first, second, unknown},
		Modules: []*Package{extra, kmp, other},
		Findings: []Finding{
			{Kind: guard.Stale, Package: kmp, Release: "1-default", Arch: "x86_64", Reasons: []string{"2 rejected\x1b on it"}},
			{Kind: guard.Mislabeled, Package: older, Arch: "x86_64", Reasons: []string{"names another base", "and lacks one"}},
			{Kind: guard.Incident, Release: "1-default", Arch: "x86_64", Packages: []*Package{newer, older}, Reasons: []string{"020000000000  " + newer.NEVRA, "010000000000  " + older.NEVRA}},
			{Kind: guard.Undecided, Package: unknown.Package, Arch: "x86_64", Reasons: []string{"does not say which kernelrelease its kernel has"}},
			{Kind: guard.Unmet, Package: other, Arch: "x86_64", Reasons: []string{"no kernel of that flavor is here"}},
		},
		Problems: []guard.Problem{{Path: older.place, Err: errors.New("cut short")}},
		Notes:    []string{"RPMS/link: a link to a folder, which is not followed"},
	}
	r.add([]Cell{
		{extra, first, guard.Cell{Fit: guard.Fits, By: guard.ByContent}},
		{extra, second, guard.Cell{Fit: guard.Misfits, By: guard.ByContent, Counts: bad}},
	})
	r.add([]Cell{{kmp, first, guard.Cell{Fit: guard.Misfits, By: guard.ByContent, Counts: bad}}})
	return r
}

// TestJUnit has a case for each question, fails those that have a finding of a
// kind that is to fail, and passes over nothing in silence.
func TestJUnit(t *testing.T) {
	write := func(failOn []guard.Verdict) (cases []string) {
		var out strings.Builder
		if err := troubled().List("1.0", failOn).JUnit(&out, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("an escape in\n%q", &out)
		}
		type answer struct {
			Type    string `xml:"type,attr"`
			Message string `xml:"message,attr"`
			Text    string `xml:",chardata"`
		}
		var got struct {
			Suites []struct {
				Package string `xml:"package,attr"`
				Cases   []struct {
					Class   string  `xml:"classname,attr"`
					Failure *answer `xml:"failure"`
					Skipped *answer `xml:"skipped"`
					Error   *answer `xml:"error"`
				} `xml:"testcase"`
				Out string `xml:"system-out"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatal(err)
		}
		for _, s := range got.Suites {
			for _, c := range s.Cases {
				line := s.Package + " " + c.Class
				if c.Failure != nil {
					line += " FAILS " + c.Failure.Type + " " + c.Failure.Message
				}
				if c.Skipped != nil {
					line += " SKIPPED " + c.Skipped.Message
				}
				if c.Error != nil {
					line += " ERROR " + c.Error.Message
				}
				cases = append(cases, line)
			}
			for line := range strings.Lines(s.Out) {
				cases = append(cases, strings.TrimSpace(line))
			}
		}
		return cases
	}
	stale := `stale: x-kmp-default-1-1.x86_64: 2 rejected\x1b on it`
	for _, tt := range []struct {
		name   string
		failOn []guard.Verdict
		want   []string
	}{
		{"by default", DefaultFailOn, []string{
			"sources RPMS",
			"NOTE RPMS/link: a link to a folder, which is not followed",
			"kernels 1-default (x86_64) FAILS btf-incident incident: 1-default (x86_64): " + explanations[guard.Incident].meaning,
			"kernels unnamed kernel (x86_64) FAILS btf-unknown unknown: kernel-rt-1-1.x86_64: does not say which kernelrelease its kernel has",
			"modules kernel-default-extra-1-1.x86_64",
			"modules x-kmp-default-1-1.x86_64 FAILS btf-stale " + stale,
			"modules y-kmp-azure-1-1.x86_64 SKIPPED unmet: y-kmp-azure-1-1.x86_64: no kernel of that flavor is here",
			"kernel-default-extra-1-1.x86_64 (default): fits 1 of 2 kernels: does not fit kernel-default-1-2.x86_64 (2 rejected)",
			"packages kernel-default-1-1.x86_64 FAILS btf-mislabeled mislabeled: kernel-default-1-1.x86_64: " + explanations[guard.Mislabeled].meaning,
			"errors RPMS/kernel-default-1-1.x86_64.rpm ERROR cut short",
		}},
		{"none", nil, []string{
			"sources RPMS",
			"NOTE RPMS/link: a link to a folder, which is not followed",
			"kernels 1-default (x86_64)",
			"kernels unnamed kernel (x86_64) SKIPPED unknown: kernel-rt-1-1.x86_64: does not say which kernelrelease its kernel has",
			"WARN incident: 1-default (x86_64): " + explanations[guard.Incident].meaning + "; 020000000000  kernel-default-1-2.x86_64; 010000000000  kernel-default-1-1.x86_64",
			"modules kernel-default-extra-1-1.x86_64",
			"modules x-kmp-default-1-1.x86_64",
			"modules y-kmp-azure-1-1.x86_64 SKIPPED unmet: y-kmp-azure-1-1.x86_64: no kernel of that flavor is here",
			"kernel-default-extra-1-1.x86_64 (default): fits 1 of 2 kernels: does not fit kernel-default-1-2.x86_64 (2 rejected)",
			"WARN " + stale,
			"x-kmp-default-1-1.x86_64 (default): fits 0 of 1 kernel: does not fit kernel-default-1-1.x86_64 (2 rejected)",
			"packages kernel-default-1-1.x86_64",
			"WARN mislabeled: kernel-default-1-1.x86_64: " + explanations[guard.Mislabeled].meaning + "; names another base; and lacks one",
			"errors RPMS/kernel-default-1-1.x86_64.rpm ERROR cut short",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := write(tt.failOn); !slices.Equal(got, tt.want) {
				t.Errorf("cases\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestSARIF has a rule for each kind and each finding at its package.
func TestSARIF(t *testing.T) {
	var out strings.Builder
	if err := troubled().List("1.0", []guard.Verdict{guard.Stale}).SARIF(&out); err != nil {
		t.Fatal(err)
	}
	type text struct{ Text string }
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID                   string
						Help                 text
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ExitCode                   int
				ToolExecutionNotifications []struct{ Message text }
			}
			Results []struct {
				RuleID    string
				Level     string
				Message   text
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if n := len(run.Tool.Driver.Rules); n != len(Kinds)+1 {
		t.Errorf("%d rules", n)
	}
	for _, r := range run.Tool.Driver.Rules {
		if r.Help.Text == "" || (r.DefaultConfiguration.Level == "error") != (r.ID == "btf-stale" || r.ID == "btf-unreadable") {
			t.Errorf("rule %+v", r)
		}
	}
	if i := run.Invocations[0]; i.ExecutionSuccessful || i.ExitCode != 2 || len(i.ToolExecutionNotifications) != 1 {
		t.Errorf("invocation %+v", i)
	}
	var got []string
	for _, r := range run.Results {
		line, _, _ := strings.Cut(r.Message.Text, "\n")
		got = append(got, r.Level+" "+r.RuleID+" "+r.Locations[0].PhysicalLocation.ArtifactLocation.URI+" "+line)
	}
	want := []string{
		"warning btf-incident RPMS/kernel-default-1-2.x86_64.rpm incident: 1-default (x86_64): " + explanations[guard.Incident].meaning,
		"warning btf-unknown RPMS/kernel-rt-1-1.x86_64.rpm unknown: kernel-rt-1-1.x86_64: does not say which kernelrelease its kernel has",
		`error btf-stale RPMS/x-kmp-default-1-1.x86_64.rpm stale: x-kmp-default-1-1.x86_64: 2 rejected\x1b on it`,
		"warning btf-unmet RPMS/y-kmp-azure-1-1.x86_64.rpm unmet: y-kmp-azure-1-1.x86_64: no kernel of that flavor is here",
		"warning btf-mislabeled RPMS/kernel-default-1-1.x86_64.rpm mislabeled: kernel-default-1-1.x86_64: " + explanations[guard.Mislabeled].meaning,
		"error btf-unreadable RPMS/kernel-default-1-1.x86_64.rpm unreadable: RPMS/kernel-default-1-1.x86_64.rpm: cut short",
	}
	if !slices.Equal(got, want) {
		t.Errorf("results\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSARIFFingerprints are the same when everything was built again.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(version string) (out []string) {
		p := &Package{Name: "kernel-default", NEVRA: "kernel-default-" + version + ".x86_64", Arch: "x86_64", place: version + ".rpm"}
		r := &Result{Findings: []Finding{
			{Kind: guard.Stale, Package: p, Release: version + "-default", Arch: "x86_64", Reasons: []string{"not on " + version}},
			{Kind: guard.Stale, Package: p, Release: version + "-rt", Arch: "x86_64", Reasons: []string{"not on " + version}},
			{Kind: guard.Incident, Packages: []*Package{p}, Release: version + "-default", Arch: "x86_64", Reasons: []string{version, version}},
		}}
		var b strings.Builder
		if err := r.List("1.0", nil).SARIF(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, "finding/v1") {
				out = append(out, strings.TrimSpace(line))
			}
		}
		return out
	}
	first, again := prints("5.15.12-1"), prints("5.15.13-2")
	if !slices.Equal(first, again) {
		t.Errorf("%v became %v", first, again)
	}
	if slices.Sort(first); len(slices.Compact(first)) != 3 {
		t.Errorf("two findings have the fingerprint of one: %v", again)
	}
}

// TestPlaces are those of packages in their sources, not of what was downloaded.
func TestPlaces(t *testing.T) {
	dir := repository(t, t.TempDir(), kernelDefault("1", 1), extra("1", 2))
	res, err := Run(t.Context(), Options{Sources: []string{dir}, MetadataOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Findings) == 0 || res.Findings[0].Package.place != dir+"/kernel-default-extra.rpm" {
		t.Errorf("findings %+v", res.Findings)
	}
}
