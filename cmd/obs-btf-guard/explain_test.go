// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExplainOBS asks OBS why the incident's kernel was built again, at the place
// that its DISTURL names.
func TestExplainOBS(t *testing.T) {
	const at = "/build/openSUSE:Factory/standard/x86_64/"
	var broken bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case broken:
			http.Error(w, `<status code="forbidden"><summary>not you</summary></status>`, http.StatusForbidden)
		case r.URL.Path == at+"_jobhistory" && r.URL.Query().Get("package") == "kernel-default":
			fmt.Fprint(w, "<jobhistlist>")
			for i := 1; i <= 3; i++ {
				fmt.Fprintf(w, `<jobhist package="kernel-default" srcmd5="5d" versrel="5.15.12-1" bcnt="%d" starttime="%d" endtime="%[2]d" code="succeeded" reason="new build"/>`, i, 1640789416+i*86400)
			}
			fmt.Fprint(w, "</jobhistlist>")
		case r.URL.Path == at+"kernel-default/_history":
			fmt.Fprint(w, "<buildhistory/>")
		case r.URL.Path == at+"kernel-default/_buildenv":
			fmt.Fprint(w, `<buildinfo><versrel>5.15.12-1</versrel><release>1.3</release><bdep name="dwarves" version="1.23" release="1"/></buildinfo>`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	t.Setenv("OSC_CONFIG", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("OSC_APIURL", s.URL)
	const incident = "../../testdata/incident/"
	explain := func(args ...string) (status int, stdout, stderr string) {
		var out, errs bytes.Buffer
		status = run(t.Context(), append([]string{"obs-btf-guard", "explain", "--obs"}, args...), &out, &errs)
		return status, out.String(), errs.String()
	}
	status, out, errs := explain(incident+"5.15.12-1.1", incident+"5.15.12-1.3")
	for _, want := range []string{
		"Why: built again by hand; same source, same config, same compiler and",
		"  build    5.15.12-1.3 2022-01-01 14:50:16, succeeded: by hand (OBS says \"new build\", and had built this source before)\n  build    5.15.12-1.2 ",
		"  note     what was in the build root of 5.15.12-1.1 is not known: OBS keeps the _buildenv of the last build only, which is 5.15.12-1.3\n",
	} {
		if status != exitOK || errs != "" || !strings.Contains(out, want) {
			t.Errorf("%d, %q\n%s\nwant %s", status, errs, out, want)
		}
	}
	if strings.Contains(out, "5.15.12-1.1 2021") {
		t.Errorf("the old build is none of those that came after it:\n%s", out)
	}

	// Saved while they were there, build roots tell.
	var envs []string
	for _, version := range []string{"1.22", "1.23"} {
		path := filepath.Join(t.TempDir(), "_buildenv")
		if err := os.WriteFile(path, fmt.Appendf(nil, `<buildinfo><bdep name="dwarves" version="%s" release="1"/></buildinfo>`, version), 0o644); err != nil {
			t.Fatal(err)
		}
		envs = append(envs, "--buildenv", path)
	}
	status, out, errs = explain(append(envs, incident+"5.15.12-1.1", incident+"5.15.12-1.3")...)
	if want := "Why: built again by hand; same source, same config; dwarves 1.22-1 → 1.23-1\n     changed which functions are kept\n"; status != exitOK || !strings.Contains(out, want) {
		t.Errorf("%d, %q\n%s\nwant %s", status, errs, out, want)
	}
	if status, out, errs = explain("--format", "json", incident+"5.15.12-1.1", incident+"5.15.12-1.3"); status != exitOK || !strings.Contains(out, `"kind": "by hand"`) {
		t.Errorf("%d, %q\n%s", status, errs, out)
	}

	broken = true
	status, out, errs = explain(incident+"5.15.12-1.1", incident+"5.15.12-1.3")
	if status != exitError || !strings.Contains(errs, "not you") || !strings.Contains(out, "2 functions added") || strings.Count(errs, "not you") != 1 || strings.Contains(out, "note ") {
		t.Errorf("refused: %d, %q\n%s", status, errs, out)
	}
	status, out, errs = explain(incident+"src/vmlinux/vmlinux.lds", incident+"5.15.12-1.3")
	if status != exitError {
		t.Errorf("no kernel: %d, %q\n%s", status, errs, out)
	}
}

// TestExplainItself: of one build on both sides there is nothing to give a reason for.
func TestExplainItself(t *testing.T) {
	const build = "../../testdata/incident/5.15.12-1.3"
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"obs-btf-guard", "explain", build, build}, &out, &errs); status != exitOK ||
		!strings.Contains(out.String(), "\nBoth sides are the same build.\n") || strings.Contains(out.String(), "Why:") {
		t.Errorf("%d, %s%s", status, out.String(), errs.String())
	}
}
