// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// commented is a project in OBS whose packages have comments, which its API documents
// (comments_package_project_name_package_name.yaml, comment_comment_id.yaml).
type commented struct {
	project
	kernel   string // the base of the kernel
	comments []madeComment
	last     int
	refuses  bool // it fails on new comments
	writes   []string
}

type madeComment struct {
	ID        int    `xml:"id,attr"`
	Who       string `xml:"who,attr"`
	When      string `xml:"when,attr"`
	Text      string `xml:",chardata"`
	ofPackage string
}

func (p *commented) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || user != "bot" || password != "secret" {
		w.Header().Set("WWW-Authenticate", `Basic realm="OBS"`)
		http.Error(w, `<status code="authentication_required"><summary>Authentication required</summary></status>`, http.StatusUnauthorized)
		return
	}
	file := func(name, version, deps string) {
		fmt.Fprintf(w, `<fileinfo filename="%s"><name>%s</name><version>%s</version><release>1</release><arch>x86_64</arch><source>%s</source>%s</fileinfo>`, name, name, version, name, deps)
	}
	switch path := r.URL.Path; {
	case r.Method != http.MethodGet:
		p.write(w, r)
	case strings.HasPrefix(path, "/comments/package/P/"):
		var list struct {
			XMLName  xml.Name      `xml:"comments"`
			Comments []madeComment `xml:"comment"`
		}
		for _, c := range p.comments {
			if c.ofPackage == filepath.Base(path) {
				list.Comments = append(list.Comments, c)
			}
		}
		xml.NewEncoder(w).Encode(list)
	case path == "/source/P/_meta":
		fmt.Fprint(w, `<project name="P"><repository name="R"><arch>x86_64</arch></repository></project>`)
	case path == "/build/P/R/x86_64/_repository":
		fmt.Fprint(w, `<binarylist><binary filename="kernel-default.rpm" size="1" mtime="1"/><binary filename="foo-kmp-default.rpm" size="1" mtime="1"/></binarylist>`)
	case path == "/build/P/R/x86_64/_repository/kernel-default.rpm":
		file("kernel-default", "1", "<provides>kernel-uname-r = 1-1-default</provides><provides>ksym(default:printk) = 1</provides><provides>"+p.kernel+"</provides>")
	case path == "/build/P/R/x86_64/_repository/foo-kmp-default.rpm":
		// By its symbols it is linked into no kernel: nobody has to read its modules.
		file("foo-kmp-default", "1", "<requires>ksym(default:printk) = 2</requires><requires>"+p.kmp+"</requires>")
	default:
		p.project.ServeHTTP(w, r)
	}
}

// write adds or removes a comment.
func (p *commented) write(w http.ResponseWriter, r *http.Request) {
	p.writes = append(p.writes, r.Method+" "+r.URL.Path)
	if p.refuses {
		http.Error(w, `<status code="not_found"><summary>Package not found: P/foo</summary></status>`, http.StatusNotFound)
		return
	}
	var id int
	if n, _ := fmt.Sscanf(r.URL.Path, "/comment/%d", &id); n == 1 && r.Method == http.MethodDelete {
		for i, c := range p.comments {
			if c.ID == id {
				p.comments = append(p.comments[:i:i], p.comments[i+1:]...)
				break
			}
		}
	} else {
		text, _ := io.ReadAll(r.Body)
		p.last++
		p.comments = append(p.comments, madeComment{p.last, "bot", "2026-11-28 02:00:00 UTC", strings.ReplaceAll(string(text), "\n", "\r\n"), filepath.Base(r.URL.Path)})
	}
	fmt.Fprint(w, `<status code="ok"><summary>Ok</summary></status>`)
}

// ours are the texts of the bot's comments.
func (p *commented) ours() (out []string) {
	for _, c := range p.comments {
		if c.Who == "bot" {
			out = append(out, strings.ReplaceAll(c.Text, "\r\n", "\n"))
		}
	}
	return out
}

// asBot has the program ask s as a user.
func asBot(t *testing.T, url string) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("OSC_CONFIG", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("OSC_APIURL", url)
	t.Setenv("OSC_USERNAME", "bot")
	t.Setenv("OSC_PASSWORD", "secret")
}

// TestComment has one comment on a package: none where nothing is new, one that is
// updated, and one that says that it is resolved. Those of others stay.
func TestComment(t *testing.T) {
	p := &commented{project: project{kmp: baseOld}, kernel: baseNew, last: 10}
	other := "Nice package.\n<!-- obs-btf-guard audit obs:P/R -->"
	p.comments = []madeComment{{ID: 7, Who: "somebody", Text: other, ofPackage: "foo"}}
	s := httptest.NewServer(p)
	defer s.Close()
	asBot(t, s.URL)
	db := filepath.Join(t.TempDir(), "history.db")
	audit := func(want int, more ...string) string {
		t.Helper()
		p.writes = nil
		var out, errs bytes.Buffer
		args := slices.Concat([]string{"obs-btf-guard", "audit", "--db", db, "--since-last", "--comment", "--format", "json"}, more, []string{"obs:P/R"})
		if got := run(t.Context(), args, &out, &errs); got != want {
			t.Errorf("%q: status %d, want %d\n%s", args, got, want, &errs)
		}
		return errs.String()
	}
	if errs := audit(exitFail, "--dry-run"); len(p.writes) > 0 || !strings.Contains(errs, "comment on P/foo: new (dry run)\nobs-btf-guard:   | **obs-btf-guard**: 1 finding of this package fails in:") {
		t.Errorf("dry run: %q\n%s", p.writes, errs)
	}
	if errs := audit(exitFail); len(p.writes) != 1 || !strings.Contains(errs, "comment on P/foo: new\n") {
		t.Errorf("new: %q\n%s", p.writes, errs)
	}
	const says = `**obs-btf-guard**: 1 finding of this package fails in:

    obs:P/R

    new, stale: foo-kmp-default-1-1.x86_64
      requires kernel-btf(default:sha256:`
	if all := p.ours(); len(all) != 1 || !strings.HasPrefix(all[0], says) || !strings.HasSuffix(all[0], "\n<!-- obs-btf-guard audit obs:P/R -->\n") {
		t.Fatalf("%q", all)
	}
	if audit(exitOK); len(p.writes) > 0 {
		t.Errorf("nothing is new: %q", p.writes)
	}
	// It fits, and later does not again.
	p.kmp = baseNew
	if errs := audit(exitOK, "--no-cache"); len(p.writes) > 0 || strings.Contains(errs, "comment") {
		t.Errorf("OBS says that the file is the same: %q\n%s", p.writes, errs)
	}
	db2 := db
	db = filepath.Join(t.TempDir(), "another.db") // which knows no file
	if errs := audit(exitOK); len(p.writes) > 0 {
		t.Errorf("nothing fails: %q\n%s", p.writes, errs)
	}
	db = db2
	p.comments = append(p.comments, madeComment{5, "bot", "", "Answered.", "foo"})
	var out, errs bytes.Buffer
	doc := filepath.Join(t.TempDir(), "before.json")
	const before = `{"schema":1,"matrix":[],"findings":[{"kind":"stale","package":"foo-kmp-default-1-1.x86_64","arch":"x86_64"}]}`
	if err := os.WriteFile(doc, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	p.writes = nil
	if got := run(t.Context(), []string{"obs-btf-guard", "audit", "--no-db", "--since", doc, "--comment", "obs:P/R"}, &out, &errs); got != exitOK || strings.Join(p.writes, ", ") != "POST /comments/package/P/foo, DELETE /comment/11" {
		t.Errorf("resolved: status %d, %q\n%s", got, p.writes, &errs)
	}
	if all := p.ours(); len(all) != 2 || !strings.Contains(all[1], "resolved") || p.comments[0].Text != other {
		t.Errorf("%q", all)
	}
	p.writes = nil
	if run(t.Context(), []string{"obs-btf-guard", "audit", "--no-db", "--since", doc, "--comment", "obs:P/R"}, &out, &errs); len(p.writes) > 0 {
		t.Errorf("resolved again: %q", p.writes)
	}
	// Without a comparison all is new, and the comment is one.
	p.kmp = fingerprint.Token("default", fingerprint.Digest{3})
	for range 2 {
		run(t.Context(), []string{"obs-btf-guard", "audit", "--no-db", "--comment", "obs:P/R"}, &out, &errs)
	}
	if all := p.ours(); len(all) != 2 || len(p.writes) != 2 {
		t.Errorf("%q, %q", p.writes, all)
	}
}

// TestCommentRefused tells again another time what OBS did not take.
func TestCommentRefused(t *testing.T) {
	p := &commented{project: project{kmp: baseOld}, kernel: baseNew, refuses: true}
	s := httptest.NewServer(p)
	defer s.Close()
	asBot(t, s.URL)
	args := []string{"obs-btf-guard", "audit", "--db", filepath.Join(t.TempDir(), "history.db"), "--since-last", "--comment", "obs:P/R"}
	var out, errs bytes.Buffer
	if got := run(t.Context(), args, &out, &errs); got != exitError || !strings.Contains(errs.String(), "comment on P/foo: POST /comments/package/P/foo: 404 not_found: Package not found: P/foo (OBS says)") {
		t.Errorf("status %d\n%s", got, &errs)
	}
	p.refuses = false
	if got := run(t.Context(), args, &out, &errs); got != exitFail || len(p.comments) != 1 {
		t.Errorf("status %d, %d comments\n%s", got, len(p.comments), &errs)
	}
	for _, wrong := range []string{"--dry-run obs:P/R", "--comment ."} {
		if got := run(t.Context(), append([]string{"obs-btf-guard", "audit"}, strings.Fields(wrong)...), &out, &errs); got != exitError {
			t.Errorf("%s: status %d", wrong, got)
		}
	}
}

// TestPublished runs the script of obs/ as a consumer of messages does: arguments or the
// message itself on standard input. It leaves a page and says what is new.
func TestPublished(t *testing.T) {
	p := &commented{project: project{kmp: baseOld}, kernel: baseNew}
	s := httptest.NewServer(p)
	defer s.Close()
	asBot(t, s.URL)
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "obs-btf-guard")); err != nil { // see TestMain
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("CI", "")
	pages, state := t.TempDir(), t.TempDir()
	published := func(want int, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command("../../obs/obs-btf-guard-published", append([]string{"-o", pages, "-s", state}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		text, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%q: status %d, want %d\n%s", args, got, want, text)
		}
		return string(text)
	}
	if text := published(1, "", "-n", "P", "R"); !strings.Contains(text, "comment on P/foo: new (dry run)") || len(p.comments) > 0 {
		t.Errorf("dry run:\n%s", text)
	}
	if files, _ := os.ReadDir(pages); len(files) > 0 {
		t.Errorf("a dry run published %v", files)
	}
	const message = `{"project":"P","repo":"R","buildid":"1"}`
	if text := published(1, message, "-"); !strings.Contains(text, "comment on P/foo: new") || len(p.comments) != 1 {
		t.Errorf("a message:\n%s", text)
	}
	page, err := os.ReadFile(filepath.Join(pages, "P_R.html"))
	if err != nil || !strings.Contains(string(page), "foo-kmp-default-1-1.x86_64") {
		t.Errorf("the page: %v", err)
	}
	if text := published(0, message, "-"); strings.Contains(text, "comment") {
		t.Errorf("again:\n%s", text)
	}
	for name, args := range map[string][]string{"no project": {}, "a path": {"../P", "R"}, "one": {"P"}, "no message": {"-"}} {
		if text := published(2, "{}", args...); !strings.Contains(text, "obs-btf-guard-published: ") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
