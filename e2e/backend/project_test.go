// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const repository = "standard"

// project is a project of the backend, with one repository for one architecture.
type project struct {
	*testing.T
	name string
}

// newProject makes a project named for the test. The rebuild mode is the
// repository's: local, direct or transitive. What it builds on are its own
// packages and those of the projects named.
func newProject(t *testing.T, suffix, mode string, on ...*project) *project {
	t.Helper()
	needsBackend(t)
	p := &project{t, strings.ReplaceAll(t.Name(), "/", ":") + suffix}
	var paths strings.Builder
	for _, o := range on {
		fmt.Fprintf(&paths, `<path project="%s" repository="%s"/>`, o.name, repository)
	}
	p.put("/source/"+p.name+"/_meta", fmt.Sprintf(
		`<project name="%s"><title/><description/><repository name="%s" rebuild="%s">%s<arch>%s</arch></repository></project>`,
		p.name, repository, mode, &paths, arch))
	p.put("/source/"+p.name+"/_config", "Type: spec\n")
	return p
}

// source writes the spec file of a package, which is made if it is missing: its
// version, the packages that it builds and those that it needs for that.
func (p *project) source(pkg, version string, builds, needs []string) {
	p.Helper()
	path := "/source/" + p.name + "/" + pkg
	p.put(path+"/_meta", fmt.Sprintf(`<package name="%s" project="%s"><title/><description/></package>`, pkg, p.name))
	var spec strings.Builder
	fmt.Fprintf(&spec, "Name: %s\nVersion: %s\nRelease: 1\nSummary: s\nLicense: GPL-2.0-only\n", pkg, version)
	for _, n := range needs {
		fmt.Fprintf(&spec, "BuildRequires: %s\n", n)
	}
	fmt.Fprintf(&spec, "%%description\ns\n")
	for _, b := range builds {
		fmt.Fprintf(&spec, "%%package -n %s\nSummary: s\n%%description -n %[1]s\ns\n%%files -n %[1]s\n", b)
	}
	p.put(path+"/"+pkg+".spec", spec.String())
}

// rebuild asks for a rebuild as a person does.
func (p *project) rebuild(pkg string) {
	p.Helper()
	q := url.Values{"cmd": {"rebuild"}, "package": {pkg}, "repository": {repository}, "arch": {arch}}
	p.request(http.MethodPost, "/build/"+p.name+"?"+q.Encode(), "")
	p.settle()
}

// settle waits until the scheduler has done all that it has to.
func (p *project) settle() {
	p.Helper()
	err := poll("the scheduler", func() (bool, error) {
		if idle, err := server.idle(); err != nil || !idle || p.unsettled() {
			return false, err
		}
		// What has just changed in this project may have changed others before the
		// scheduler rests.
		return server.idle()
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p *project) put(path, body string) {
	p.Helper()
	p.request(http.MethodPut, path+"?user=Admin", body)
}

// request asks the source server and gives its answer, which has to be a good one.
func (p *project) request(method, path, body string) []byte {
	p.Helper()
	req, err := http.NewRequest(method, server.source+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.Fatalf("%s %s: %s, %v\n%s", method, path, resp.Status, err, answer)
	}
	return answer
}

// get reads an answer in XML.
func (p *project) get(path string, into any) {
	p.Helper()
	answer := p.request(http.MethodGet, path, "")
	if err := xml.Unmarshal(answer, into); err != nil {
		p.Fatalf("%s: %v\n%s", path, err, answer)
	}
}
