// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestSARIF has what SARIF 2.1.0 requires, the sections of the standard beside
// each check, and says of each finding what it is.
func TestSARIF(t *testing.T) {
	var out bytes.Buffer
	if err := SARIF(&out, ruledResult(), "1.0"); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(out.Bytes()))
	d.DisallowUnknownFields()
	var log sarifLog
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 { // 3.13.2, 3.13.4
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if run.Tool.Driver.Name == "" || len(run.Tool.Driver.Rules) != len(guard.Verdicts)+len(guard.Rules)+4 { // Refused, Unlabeled, Mislabeled, unreadable; 3.19.8
		t.Errorf("%+v", run.Tool)
	}
	if i := run.Invocations[0]; i.Successful || i.Exit != 2 { // 3.20.14
		t.Errorf("invocation %+v", i)
	}
	for _, r := range run.Tool.Driver.Rules { // 3.49
		if r.ID == "" || r.Help.Text == "" || r.Short.Text == "" || !slices.Contains([]string{"note", "warning", "error"}, r.Configuration.Level) {
			t.Errorf("rule %+v", r)
		}
	}
	var got []string
	for _, r := range run.Results { // 3.27
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.Fingerprints) != 1 {
			t.Errorf("result %+v", r)
		}
		for _, l := range r.Locations {
			if strings.ContainsAny(l.Physical.Artifact.URI, " \\") {
				t.Errorf("URI %q", l.Physical.Artifact.URI)
			}
		}
		line, _, _ := strings.Cut(r.Message.Text, "\n")
		if len(r.Suppressions) > 0 { // 3.35
			line += " (" + r.Suppressions[0].Justification + ")"
		}
		got = append(got, r.Level+" "+r.RuleID+" "+line)
	}
	want := []string{
		"warning btf-lost btf-lost: lost.ko on kernel-default-1-1.x86_64",
		"error btf-misread misread: first.ko on kernel-default-1-1.x86_64",
		`error btf-misread misread: second\x1b[2J.ko on kernel-default-1-1.x86_64`,
		"error btf-misread misread: ignored.ko on kernel-default-1-1.x86_64 (known & <wanted> (btf-guard.conf:3))",
		"warning btf-misread misread: first.ko on kernel-default-1-1.x86_64",
		"error btf-mislabeled kernel-btf dependencies of kernel-default-1-1.x86_64: " + meanings[guard.Mislabeled],
		"error btf-unreadable x.rpm: cut short",
	}
	if !slices.Equal(got, want) {
		t.Errorf("results\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r := run.Results[4]; r.Properties["reason"] != "known & <wanted>" || r.Properties["severity"] != "warn" {
		t.Errorf("properties %v", r.Properties)
	}
}

// TestSARIFFingerprints stay when the package is built again, and differ between
// modules.
func TestSARIFFingerprints(t *testing.T) {
	print := func(release, name, version string) string {
		p := &guard.Package{Path: "kernel-" + version + ".rpm", Name: "kernel-default", Arch: "x86_64", NEVRA: "kernel-default-" + version + ".x86_64"}
		m := &guard.Module{Package: p, Name: name, Release: release, Path: "/usr/lib/modules/" + release + "/" + name + ".ko"}
		f := guard.Finding{Pairing: guard.PairBuild, Module: m, Verdict: guard.Rejected, Severity: guard.Fail}
		return new(SARIFLog).print(findingAlert(f).Same)["finding/v1"]
	}
	first := print("5.15.12-1-default", "xpad", "1.1")
	if again := print("5.15.13-1-default", "xpad", "1.3"); again != first {
		t.Errorf("%s became %s", first, again)
	}
	if other := print("5.15.12-1-default", "ipheth", "1.1"); other == first {
		t.Errorf("two modules have %s", other)
	}
	var log SARIFLog
	if one, two := log.print([]string{"a"}), log.print([]string{"a"}); one["finding/v1"] == two["finding/v1"] {
		t.Errorf("two alerts have %s", one)
	}
}

// TestPhysical makes URIs that code-scanning views can resolve.
func TestPhysical(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"RPMS/kernel default.rpm", "RPMS/kernel%20default.rpm"},
		{"../a:b/%.ko", "../a:b/%25.ko"},
		{"a:b.rpm", "./a:b.rpm"},
		{"/srv/x.rpm", "file:///srv/x.rpm"},
		{"bad\xff\n.ko", "bad%FF%0A.ko"},
		{"https://example.org/oss/x y.rpm", "https://example.org/oss/x%20y.rpm"},
		{"obs:Kernel:stable/standard/x86_64/x y.rpm", "obs:Kernel:stable/standard/x86_64/x%20y.rpm"},
	} {
		if got := physical(tt.path).Artifact.URI; got != tt.want {
			t.Errorf("%q: %s, want %s", tt.path, got, tt.want)
		}
	}
}
