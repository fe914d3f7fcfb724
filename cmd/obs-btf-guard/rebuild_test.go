// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// project answers as an OBS does with a kernel and a KMP of the build before.
type project struct {
	mu     sync.Mutex
	kmp    string // the base that the KMP was built on
	builds int    // of the KMP
	stuck  bool   // whatever is built has the base of before
	kernel int    // when it was built, in seconds; 0 for after the first build of foo
	posts  []string
	tokens []string // Authorization headers of the POSTs
}

var (
	baseOld = fingerprint.Token("default", fingerprint.Digest{1})
	baseNew = fingerprint.Token("default", fingerprint.Digest{2})
)

func (p *project) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	fileinfo := func(name string, deps string) {
		fmt.Fprintf(w, `<fileinfo filename="%s-1-1.x86_64.rpm"><name>%s</name><version>1</version><release>1</release><arch>x86_64</arch>%s</fileinfo>`, name, name, deps)
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/build/P"); {
	case r.Method == http.MethodPost:
		p.posts = append(p.posts, r.URL.RequestURI())
		p.tokens = append(p.tokens, r.Header.Get("Authorization"))
		if !p.stuck {
			p.kmp = baseNew
		}
		p.builds++
		fmt.Fprint(w, `<status code="ok"><summary>Ok</summary></status>`)
	case r.URL.Path == "/source/P/_meta":
		fmt.Fprint(w, `<project name="P"><repository name="R"/></project>`)
	case path == "/R/x86_64/_builddepinfo":
		fmt.Fprint(w, `<builddepinfo>
			<package name="foo"><source>foo</source><pkgdep>kernel-default-devel</pkgdep><subpkg>foo-kmp-default</subpkg></package>
			<package name="kernel-default"><source>kernel-default</source><subpkg>kernel-default</subpkg><subpkg>kernel-default-devel</subpkg></package>
			</builddepinfo>`)
	case path == "/R/x86_64/_repository":
		fmt.Fprint(w, `<binarylist><binary filename="kernel-default.rpm" size="1" mtime="1"/><binary filename="bash.rpm" size="1" mtime="1"/></binarylist>`)
	case path == "/R/x86_64/kernel-default":
		fmt.Fprint(w, `<binarylist><binary filename="kernel-default-1-1.x86_64.rpm" size="1" mtime="1"/></binarylist>`)
	case path == "/R/x86_64/foo":
		fmt.Fprint(w, `<binarylist><binary filename="foo-kmp-default-1-1.x86_64.rpm" size="1" mtime="1"/></binarylist>`)
	case strings.HasPrefix(path, "/R/x86_64/kernel-default/"), path == "/R/x86_64/_repository/kernel-default.rpm":
		fileinfo("kernel-default", "<provides>"+baseNew+"</provides>")
	case strings.HasPrefix(path, "/R/x86_64/foo/"):
		fileinfo("foo-kmp-default", "<requires>"+p.kmp+"</requires>")
	case path == "/R/x86_64/_jobhistory":
		fmt.Fprint(w, "<jobhistlist>")
		builds, ready := p.builds, 0 // the first one of foo is older than the kernel
		if q.Get("package") == "kernel-default" {
			builds, ready = 1, cmp.Or(p.kernel, 500)
		}
		for i := range builds {
			fmt.Fprintf(w, `<jobhist package="%s" rev="1" srcmd5="0" versrel="1-1" bcnt="%d" readytime="%d" starttime="1" endtime="%d" code="succeeded" reason="new build"/>`,
				q.Get("package"), i+1, ready+1+1000*i, ready+2+1000*i)
		}
		fmt.Fprint(w, "</jobhistlist>")
	case path == "/_result":
		fmt.Fprintf(w, `<resultlist state="0"><result project="P" repository="R" arch="x86_64" code="published" state="published"><status package="%s" code="succeeded"/></result></resultlist>`, q.Get("package"))
	default:
		http.Error(w, `<status code="not_found"><summary>`+r.URL.Path+`</summary></status>`, http.StatusNotFound)
	}
}

// rebuilds runs the command against p.
func rebuilds(t *testing.T, p *project, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	s := httptest.NewServer(p)
	defer s.Close()
	t.Setenv("OSC_CONFIG", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("OSC_APIURL", s.URL)
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"obs-btf-guard", "rebuild", "--poll", "1ms"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

var inP = []string{"--project", "P", "--repository", "R", "--arch", "x86_64"}

const post = "/build/P?cmd=rebuild&package=foo&repository=R&arch=x86_64"

// TestRebuildProject finds what is stale, has it built, and then has nothing to
// do.
func TestRebuildProject(t *testing.T) {
	p := &project{kmp: baseOld, builds: 1}
	status, out, errs := rebuilds(t, p, append(inP, "--dry-run")...)
	if status != exitFail || len(p.posts) > 0 || !strings.Contains(out, "has to be built again:\n  1. P/R/x86_64/foo\n") || !strings.Contains(out, "the kernels of that flavor here have other bases: 020000000000") {
		t.Fatalf("dry run: %d, %q\n%s%s", status, p.posts, out, errs)
	}
	if status, out, errs := rebuilds(t, p, inP...); status != exitFail || len(p.posts) > 0 || !strings.Contains(errs, "nothing was done; --yes does it") {
		t.Fatalf("without a word: %d, %q\n%s%s", status, p.posts, out, errs)
	}
	status, out, errs = rebuilds(t, p, append(inP, "--yes", "--wait")...)
	if status != exitOK || len(p.posts) != 1 || p.posts[0] != post || !strings.Contains(out, "checked again:\nnothing has to be built again: 2 packages looked at, and 1 kernel") {
		t.Fatalf("%d, %q\n%s%s", status, p.posts, out, errs)
	}
	status, out, errs = rebuilds(t, p, append(inP, "--yes")...)
	if status != exitOK || len(p.posts) != 1 || !strings.Contains(out, "nothing has to be built again") {
		t.Fatalf("again: %d, %q\n%s%s", status, p.posts, out, errs)
	}
}

// TestRebuildInVain stops when a build came to the same as the one before.
func TestRebuildInVain(t *testing.T) {
	p := &project{kmp: baseOld, builds: 1, stuck: true}
	status, out, errs := rebuilds(t, p, append(inP, "--yes", "--wait")...)
	if status != exitFail || len(p.posts) != 1 || !strings.HasSuffix(out, "stopped: P/R/x86_64/foo was asked for and still does not fit; asking once more would change nothing\n") {
		t.Errorf("%d, %q\n%s%s", status, p.posts, out, errs)
	}
}

// TestRebuildInVainLater has nobody wait for the build: the next run sees by when it was
// made that it changed nothing, and asks no more.
func TestRebuildInVainLater(t *testing.T) {
	p := &project{kmp: baseOld, builds: 1, stuck: true}
	if status, out, errs := rebuilds(t, p, append(inP, "--yes")...); status != exitOK || len(p.posts) != 1 || !strings.Contains(out, "asked      P/R/x86_64/foo\n") {
		t.Fatalf("first: %d, %q\n%s%s", status, p.posts, out, errs)
	}
	const why = "its build 1-1.2 succeeded, 1970-01-01 00:16:42 was asked for when kernel-default-1-1 of P/R/x86_64 was there, and does not fit: building it once more changes nothing"
	for range 2 {
		status, out, errs := rebuilds(t, p, append(inP, "--yes")...)
		if status != exitFail || len(p.posts) != 1 || !strings.Contains(out, "     not asked for again: "+why+"\n") || !strings.HasSuffix(out, "\nin vain    P/R/x86_64/foo: "+why+"\n") {
			t.Errorf("%d, %q\n%s%s", status, p.posts, out, errs)
		}
	}
	status, out, errs := rebuilds(t, p, append(inP, "--dry-run", "--format", "json")...)
	if status != exitFail || !strings.Contains(out, `"in_vain": "`+why) {
		t.Errorf("%d\n%s%s", status, out, errs)
	}
	// A kernel that was built since then may make a difference.
	p.builds = 1
	if status, out, errs := rebuilds(t, p, append(inP, "--yes")...); status != exitOK || len(p.posts) != 2 {
		t.Errorf("%d, %q\n%s%s", status, p.posts, out, errs)
	}
}

// TestRebuildFolder counts the kernels in a folder, too.
func TestRebuildFolder(t *testing.T) {
	p := &project{}
	status, out, errs := rebuilds(t, p, "../../testdata/incident/5.15.12-1.3")
	if status != exitOK || len(p.posts) > 0 || out != "nothing has to be built again: 3 packages looked at, and 1 kernel that they can meet\n" {
		t.Errorf("%d, %q\n%s%s", status, p.posts, out, errs)
	}
}

// TestRebuildPlan saves a plan, refuses it where things have moved on, and
// carries it out where they have not.
func TestRebuildPlan(t *testing.T) {
	p := &project{kmp: baseOld, builds: 1}
	file := filepath.Join(t.TempDir(), "plan.json")
	// A plan is for one API, and each run has its own here.
	save := func() {
		if status, out, errs := rebuilds(t, p, append(inP, "--dry-run", "--save-plan", file)...); status != exitFail {
			t.Fatalf("%d\n%s%s", status, out, errs)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte(`  "api"`), []byte(`  "was"`), 1)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save()
	p.builds, p.kernel = p.builds+1, 1500
	if status, out, _ := rebuilds(t, p, "--plan", file, "--yes"); status != exitFail || len(p.posts) > 0 || !strings.Contains(out, "outdated   P/R/x86_64/foo: built since the plan was made") {
		t.Fatalf("outdated: %d, %q\n%s", status, p.posts, out)
	}
	save()
	if status, out, errs := rebuilds(t, p, "--plan", file, "--yes"); status != exitOK || len(p.posts) != 1 {
		t.Fatalf("%d, %q\n%s%s", status, p.posts, out, errs)
	}
	// A plan that somebody edited is no reason to build what nothing calls for.
	edited := `{"schema":1,"steps":[{"project":"P","repository":"R","arch":"x86_64","package":"kernel-default","why":["foo"]},
		{"project":"P","repository":"R","arch":"x86_64","package":"foo","why":["because"]}]}`
	if err := os.WriteFile(file, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	status, out, errs := rebuilds(t, p, "--plan", file, "--yes")
	if status != exitFail || len(p.posts) != 1 || !strings.Contains(out, "left out   P/R/x86_64/foo: ") || !strings.Contains(out, "left out   P/R/x86_64/kernel-default: ") {
		t.Fatalf("edited: %d, %q\n%s%s", status, p.posts, out, errs)
	}
	p.kmp, p.kernel = baseOld, 2500
	status, out, errs = rebuilds(t, p, "--plan", file, "--yes")
	if status != exitFail || len(p.posts) != 2 || p.posts[1] != post || strings.Contains(out, "because") || !strings.Contains(out, "have other bases") {
		t.Fatalf("edited, and stale: %d, %q\n%s%s", status, p.posts, out, errs)
	}
	if err := os.WriteFile(file, []byte(`{"schema":1,"steps":[{"project":"P","repository":"R","arch":"x86_64"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := rebuilds(t, p, "--plan", file, "--yes"); status != exitError || len(p.posts) != 2 || !strings.Contains(errs, "all have to be named") {
		t.Fatalf("no package: %d, %q\n%s", status, p.posts, errs)
	}
}

// TestRebuildToken asks with a trigger token for what a report says, of which
// nothing else can be asked.
func TestRebuildToken(t *testing.T) {
	p := &project{kmp: baseOld, builds: 1}
	dir := t.TempDir()
	report, token := filepath.Join(dir, "foo.btfguard"), filepath.Join(dir, "token")
	text := `{"schema":1,"rebuild":[{"project":"P","repository":"R","arch":"x86_64","package":"foo","modules":2,"base_package":"kernel-default-1-1.x86_64"}]}`
	for name, text := range map[string]string{report: text, token: "s3cret\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, out, errs := rebuilds(t, p, "--token-file", token, "--yes", report)
	if status != exitOK || len(p.posts) != 1 || !strings.HasPrefix(p.posts[0], "/trigger/rebuild?") || p.tokens[0] != "Token s3cret" {
		t.Fatalf("%d, %q, %q\n%s%s", status, p.posts, p.tokens, out, errs)
	}
	if strings.Contains(out+errs, "s3cret") {
		t.Errorf("the token is shown:\n%s%s", out, errs)
	}
	if status, _, errs := rebuilds(t, p, append(inP, "--token-file", token)...); status != exitError || !strings.Contains(errs, "does not tell") {
		t.Errorf("a project: %d\n%s", status, errs)
	}
}

// TestRebuildUsage says what is missing before anything is asked.
func TestRebuildUsage(t *testing.T) {
	for _, args := range [][]string{
		nil, {"--project", "P"}, {"--yes", "--dry-run", "x.rpm"}, {"--plan", "p", "x.rpm"}, {"--plan", "none"}, {"none.rpm"}, {"--format", "lint", "x"},
	} {
		p := &project{}
		if status, _, errs := rebuilds(t, p, args...); status != exitError || errs == "" || len(p.posts) > 0 {
			t.Errorf("%q: %d %q", args, status, errs)
		}
	}
}

// TestNoAPI asks no OBS that nobody named, nor one that did not build the packages.
func TestNoAPI(t *testing.T) {
	const incident = "../../testdata/incident/"
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.NotFound(w, r)
	}))
	defer s.Close()
	home := t.TempDir()
	for name, value := range map[string]string{"HOME": home, "OSC_CONFIG": "", "XDG_CONFIG_HOME": "", "OSC_APIURL": "", "OSC_USERNAME": "u", "OSC_PASSWORD": "p"} {
		t.Setenv(name, value)
	}
	oscrc := filepath.Join(home, "oscrc")
	if err := os.WriteFile(oscrc, []byte("[general]\napiurl = https://api.invalid.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	both := []string{incident + "5.15.12-1.3", incident + "5.15.12-1.1"}
	for _, tc := range []struct {
		name, config string
		args         []string
		status       int
		want         string
		asks         bool
	}{
		{"nothing has to be built", "", []string{incident + "5.15.12-1.3"}, exitOK, "", false},
		{"nobody named one", "", both, exitError, "build.example.org built these packages, and no API of OBS is named: give --apiurl URL", false},
		{"nor for a project", "", inP, exitError, "no API of OBS is named: give --apiurl URL", false},
		{"that of another", oscrc, both, exitError, "build.example.org built these packages, and the API is that of another OBS, https://api.invalid.test: --apiurl URL", false},
		{"named", "", append([]string{"--apiurl", s.URL}, both...), exitError, s.URL, true},
	} {
		t.Setenv("OSC_CONFIG", tc.config)
		asked = 0
		var out, errs bytes.Buffer
		status := run(t.Context(), append([]string{"obs-btf-guard", "rebuild"}, tc.args...), &out, &errs)
		if status != tc.status || !strings.Contains(errs.String(), tc.want) || (asked > 0) != tc.asks || tc.want == "" && errs.Len() > 0 {
			t.Errorf("%s: %d, asked %d times\n%s%s", tc.name, status, asked, &out, &errs)
		}
	}
}
