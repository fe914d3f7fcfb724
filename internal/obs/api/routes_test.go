// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRoutes reads one document of each route, and looks at what was asked for.
func TestRoutes(t *testing.T) {
	at := func(s int64) UnixTime { return UnixTime{time.Unix(1641000000+s, 0).UTC()} }
	ctx := context.Background()
	for _, tc := range []struct {
		file string
		call func(c *Client) (any, error)
		asks string
		want any
	}{
		{"_result.xml", func(c *Client) (any, error) {
			return c.Results(ctx, "Kernel:Test", Filter{Packages: []string{"kernel-default", "gtk+"}, Repositories: []string{"standard"}, Arches: []string{"x86_64"}})
		}, "/build/Kernel:Test/_result?view=status&multibuild=1&package=kernel-default&package=gtk%2B&repository=standard&arch=x86_64", []Result{
			{Project: "Kernel:Test", Repository: "standard", Arch: "x86_64", Dirty: true, Packages: []PackageResult{
				{Package: "kernel-default", Code: "succeeded"},
				{Package: "ipu6:kmp", Code: "unresolvable", Details: "nothing provides kernel-btf(default:sha256:00)"},
				{Package: "new", Code: "scheduled"},
			}},
			{Project: "Kernel:Test", Repository: "standard", Arch: "aarch64"},
		}},
		{"_meta.xml", func(c *Client) (any, error) { return c.Repositories(ctx, "Kernel:Test") }, "/source/Kernel:Test/_meta", []Repository{
			{Name: "standard", Path: []PathElement{{"openSUSE:Factory", "standard"}, {"Kernel:Tools", "standard"}}, Arches: []string{"x86_64", "i586"}},
			{Name: "empty"},
		}},
		{"_builddepinfo.xml", func(c *Client) (any, error) { return c.DepInfo(ctx, "Kernel:Test", "standard", "x86_64") },
			"/build/Kernel:Test/standard/x86_64/_builddepinfo", []Dependencies{
				{Package: "ipu6:kmp", Source: "ipu6", Needs: []string{"kernel-default-devel", "gcc"}, Subpackages: []string{"ipu6-kmp-default"}},
				{Package: "kernel-default", Source: "kernel-default", Subpackages: []string{"kernel-default", "kernel-default-devel"}},
			}},
		{"binarylist.xml", func(c *Client) (any, error) { return c.Binaries(ctx, kernel) },
			"/build/Kernel:Test/standard/x86_64/kernel-default?withmd5=1", []Binary{
				{Name: "_statistics", Size: 70, MTime: at(0)},
				{Name: "kernel-default-5.15.12-1.3.x86_64.rpm", Size: 29606, MTime: at(1), MD5: "8ec7e123dae85e3918f4ab2d0610ff59"},
			}},
		{"_repository.xml", func(c *Client) (any, error) {
			return c.Binaries(ctx, Target{"Kernel:Test", "standard", "x86_64", WholeRepository})
		}, "/build/Kernel:Test/standard/x86_64/_repository?view=names", []Binary{
			{Name: "kernel-default.rpm", Size: 29606, MTime: at(1)},
			{Name: "rec.rpm", Size: -1},
		}},
		{"fileinfo.xml", func(c *Client) (any, error) { return c.FileInfo(ctx, kernel, "kernel-default-5.15.12-1.3.x86_64.rpm") },
			"/build/Kernel:Test/standard/x86_64/kernel-default/kernel-default-5.15.12-1.3.x86_64.rpm?view=fileinfo", FileInfo{
				Name: "kernel-default", Version: "5.15.12", Release: "1.3", Arch: "x86_64", Source: "kernel-default", Size: 29606, MTime: at(1),
				Provides: []string{"kernel-base = 5.15.12-1", "kernel-btf(default:sha256:18)"}, Requires: []string{"/bin/sh"}, Recommends: []string{"kernel-firmware"},
			}},
		{"_status.xml", func(c *Client) (any, error) {
			return c.State(ctx, Target{"Kernel:Test", "standard", "x86_64", WholeRepository})
		},
			"/build/Kernel:Test/standard/x86_64?view=status", State{"finished", true, "67394b7f7d6e15920e8f2096047c0b4a"}},
		{"_directory.xml", func(c *Client) (any, error) {
			return c.State(ctx, Target{"Kernel:Test", "standard", "x86_64", WholeRepository})
		},
			"/build/Kernel:Test/standard/x86_64?view=status", State{}}, // not a state
		{"_jobhistory.xml", func(c *Client) (any, error) { return c.JobHistory(ctx, kernel) },
			"/build/Kernel:Test/standard/x86_64/_jobhistory?package=kernel-default", []Job{
				{SrcMD5: "ec57653bfe1a2c9918faea3a5e398b70", VersRel: "5.15.12-1", BuildCount: 2,
					Ready: at(0), Start: at(10), End: at(20), Code: "succeeded", Reason: "new build"},
				{Code: "failed"},
			}},
		{"_jobhistory.xml", func(c *Client) (any, error) { return c.LastJob(ctx, kernel) },
			"/build/Kernel:Test/standard/x86_64/_jobhistory?package=kernel-default&limit=1", &Job{Code: "failed"}},
		{"_history.xml", func(c *Client) (any, error) { return c.BuildHistory(ctx, kernel) },
			"/build/Kernel:Test/standard/x86_64/kernel-default/_history", []Build{
				{SrcMD5: "ec57653bfe1a2c9918faea3a5e398b70", Time: at(20)},
			}},
		{"_buildenv.xml", func(c *Client) (any, error) { return c.BuildEnv(ctx, kernel) },
			"/build/Kernel:Test/standard/x86_64/kernel-default/_buildenv", BuildEnv{
				Package: "kernel-default", VersRel: "5.15.12-1", Release: "1.3",
				Packages: map[string]string{"dwarves": "1.23-1.1", "gcc11": "11.2.1-1.1"},
			}},
		{"_reason.xml", func(c *Client) (any, error) { return c.Reason(ctx, kernel) },
			"/build/Kernel:Test/standard/x86_64/kernel-default/_reason", Reason{Explain: "meta change",
				Changes: []PackageChange{{"kernel-default-devel/pahole"}, {"gcc"}}}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", tc.file))
			if err != nil {
				t.Fatal(err)
			}
			var serving []byte
			s := plain(t, func(w http.ResponseWriter, r *http.Request) { w.Write(serving) })
			c, waits := client(t, s, func(o *Options) { o.URL += "/prefix/" })

			serving = text
			got, err := tc.call(c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if want := "GET /prefix" + tc.asks; s.asked[0] != want {
				t.Errorf("asked %s\nwant  %s", s.asked[0], want)
			}

			// Cut off anywhere before its end, a document is an error, and it is
			// not asked for again: the server sent all it has.
			end := strings.LastIndex(string(text), "</")
			for _, n := range []int{0, 1, 20, len(text) / 2, end, end + 3} {
				serving = text[:n]
				if _, err := tc.call(c); err == nil {
					t.Errorf("%d of %d bytes are taken for the whole", n, len(text))
				}
			}
			serving = []byte("<html><body>log in</body></html>")
			if _, err := tc.call(c); err == nil {
				t.Error("a web page is taken for the document")
			}
			if len(*waits) > 0 {
				t.Errorf("asked again after %v", *waits)
			}
		})
	}
}

// TestBounds: a document that does not end is read no further than the bound.
func TestBounds(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("<resultlist>"))
		filler := []byte(strings.Repeat("<result/>", 1000))
		for {
			if _, err := w.Write(filler); err != nil {
				return
			}
		}
	})
	c, _ := client(t, s, func(o *Options) { o.Bounds.Document = 1 << 20 })
	_, err := c.Results(context.Background(), "P", Filter{})
	wantError(t, err, "GET /build/P/_result?", "the answer is larger than 1048576 bytes")
}

// TestWithoutMD5 talks to a server that does not know the parameter.
func TestWithoutMD5(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			answer(w, 400, "400", "unknown parameter 'withmd5'")
			return
		}
		w.Write([]byte(`<binarylist><binary filename="a.rpm" size="1" mtime="1"/></binarylist>`))
	})
	c, _ := client(t, s, nil)
	if got, err := c.Binaries(context.Background(), kernel); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestNames: nothing is sent for what is no single name.
func TestNames(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.RequestURI); ok(w) })
	c, _ := client(t, s, nil)
	ctx := context.Background()
	bad := []string{"", " ", "a b", "a,b", "*", "a*", "?", "a/b", "..", ".", "../x", "a\x00", "a\n", "a&b", "a%2fb", "a%", "-a", "_result", "_project", "_pattern", "_buildenv", "_repository:x", "_Product", "0", "a;b", "a\\b", "ä",
		"\u00a0", "\u200b", "#", "a#b", ":", "a:", ":a", "a::b", strings.Repeat("a", 201)}
	for _, name := range bad {
		for field, target := range map[string]Target{
			"project": {name, "r", "a", "p"}, "repository": {"P", name, "a", "p"}, "architecture": {"P", "r", name, "p"}, "package": {"P", "r", "a", name},
		} {
			errs := map[string]error{"rebuild": c.Rebuild(ctx, target)}
			_, errs["binaries"] = c.Binaries(ctx, target)
			_, errs["file"] = c.FileInfo(ctx, target, "a.rpm")
			_, errs["download"] = c.Download(ctx, target, Binary{Name: "a.rpm"}, t.TempDir())
			_, errs["jobs"] = c.JobHistory(ctx, target)
			_, errs["history"] = c.BuildHistory(ctx, target)
			_, errs["job"] = c.LastJob(ctx, target)
			_, errs["reason"] = c.Reason(ctx, target)
			for call, err := range errs {
				if err == nil {
					t.Errorf("%s: %s %q is taken", call, field, name)
				}
			}
		}
		if _, err := c.Results(ctx, name, Filter{}); err == nil {
			t.Errorf("results: project %q is taken", name)
		}
		if _, err := c.Repositories(ctx, name); err == nil {
			t.Errorf("repositories: project %q is taken", name)
		}
		if _, err := c.Results(ctx, "P", Filter{Packages: []string{"a", name}}); err == nil {
			t.Errorf("results: package %q is taken", name)
		}
	}
	// A whole repository has files and is not built.
	whole := Target{"P", "r", "a", WholeRepository}
	errs := map[string]error{"rebuild": c.Rebuild(ctx, whole)}
	_, errs["jobs"] = c.JobHistory(ctx, whole)
	_, errs["job"] = c.LastJob(ctx, whole)
	_, errs["history"] = c.BuildHistory(ctx, whole)
	_, errs["reason"] = c.Reason(ctx, whole)
	_, errs["results"] = c.Results(ctx, "P", Filter{Packages: []string{WholeRepository}})
	for call, err := range errs {
		if err == nil {
			t.Errorf("%s: a whole repository is taken", call)
		}
	}
	for _, name := range []string{"a:b:c", "a:_b", "_a:b", "_product:"} {
		if err := c.Rebuild(ctx, Target{"P", "r", "a", name}); err == nil {
			t.Errorf("package %q is taken", name)
		}
	}
	for _, name := range []string{"", ".", "..", ".hidden", "a/b", "/etc/passwd", "../a", "a\\b", "a b", "a\n", "a\x7f", "ä"} {
		if _, err := c.Download(ctx, kernel, Binary{Name: name}, t.TempDir()); err == nil {
			t.Errorf("file %q is taken", name)
		}
		if _, err := c.FileInfo(ctx, kernel, name); err == nil {
			t.Errorf("file %q is taken", name)
		}
	}
	for _, target := range []Target{kernel, {"openSUSE.org:openSUSE:Factory", "15.5", "armv7l", "gtk+"}, {"P", "r_1", "i586", "kernel-source:kernel-default"}, {"P", "r", "a", "_product:x"}, {"home:a_b", "r", "a", "_patchinfo"}} {
		if err := target.Check(); err != nil {
			t.Error(err)
		}
	}
}

// TestListedNames: names that a server lists are checked as well.
func TestListedNames(t *testing.T) {
	for _, name := range []string{"../../etc/cron.d/x", "/etc/passwd", ".bashrc", "", "a&#10;b"} {
		s := plain(t, func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`<binarylist><binary filename="` + name + `" size="1" mtime="1"/></binarylist>`))
		})
		c, _ := client(t, s, nil)
		_, err := c.Binaries(context.Background(), kernel)
		wantError(t, err, "files of Kernel:Test/standard/x86_64/kernel-default: ", "is no name of a build result")
	}
}

// TestWholeRepository reads what a repository gives to builds, of which one
// package has yet to be downloaded by the server.
func TestWholeRepository(t *testing.T) {
	whole := Target{"P", "r", "a", WholeRepository}
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/build/P/r/a/_repository?view=names":
			w.Write([]byte(`<binarylist><binary filename="rec.rpm" size="" mtime="" /></binarylist>`))
		case "/build/P/r/a/_repository/rec.rpm?view=fileinfo":
			w.Write([]byte(`<fileinfo filename="rec.rpm"><name>rec</name><size>4</size><mtime>1641000000</mtime></fileinfo>`))
		case "/build/P/r/a/_repository/rec.rpm":
			w.Write([]byte("text"))
		default:
			answer(w, 404, "404", "no such binary")
		}
	})
	c, _ := client(t, s, nil)
	files, err := c.Binaries(t.Context(), whole)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	path, err := c.Download(t.Context(), whole, files[0], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	_, err = c.Download(t.Context(), whole, Binary{Name: "other.rpm", Size: -1}, t.TempDir())
	wantError(t, err, "GET /build/P/r/a/_repository/other.rpm?view=fileinfo: 404")
}

// TestNoJob: of a package that was never built there is no last attempt.
func TestNoJob(t *testing.T) {
	s := plain(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`<jobhistlist />`)) })
	c, _ := client(t, s, nil)
	if job, err := c.LastJob(t.Context(), kernel); job != nil || err != nil {
		t.Errorf("%v, %v", job, err)
	}
}

// TestReadBuildEnv reads what was saved to a file.
func TestReadBuildEnv(t *testing.T) {
	e, err := ReadBuildEnv(strings.NewReader(`<buildinfo project="p"><bdep name="dwarves" version="1.22" release="2.1"/></buildinfo>`))
	if err != nil || len(e.Packages) != 1 || e.Packages["dwarves"] != "1.22-2.1" {
		t.Errorf("%v, %v", e, err)
	}
	for text, want := range map[string]string{
		"":             "cut short; download or build the file again",
		"no XML":       "cut short; download or build the file again",
		"<buildinfo>":  "cut short; download or build the file again",
		"<status/>":    "expected element type <buildinfo>",
		"<buildinfo/>": "names no package",
		"<buildinfo><error>unresolvable: nothing provides\x09gcc</error></buildinfo>":       "no build root: unresolvable: nothing provides gcc",
		"<buildinfo>" + strings.Repeat("<a>", 11):                                           "more than 10",
		"<buildinfo>" + strings.Repeat("<bdep/>", 16<<20/7):                                 "more than 16777216 bytes",
		"<buildinfo>" + numbered(`<bdep name="p%d" version="1"/>`, 20_001) + "</buildinfo>": "more than 20000 packages",
	} {
		_, err := ReadBuildEnv(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	if e, err := ReadBuildEnv(strings.NewReader(`<buildinfo><versrel>5.15-12-1</versrel><release>1.3</release><bdep name="a" version="1"/></buildinfo>`)); err != nil || e.VersionRelease() != "5.15-12-1.3" {
		t.Errorf("%q, %v", e.VersionRelease(), err)
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
