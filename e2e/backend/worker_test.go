// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// build is what building a package comes to.
type build struct {
	code  string   // succeeded, unchanged or failed
	files []string // results, if it succeeds
}

func succeeds(files ...string) build { return build{"succeeded", files} }

var (
	unchanged = build{code: "unchanged"}
	fails     = build{code: "failed"}
)

// job is what the scheduler wants built, from its file in the job folder.
type job struct {
	Project    string   `xml:"project,attr"`
	Repository string   `xml:"repository,attr"`
	Package    string   `xml:"package,attr"`
	SrcMD5     string   `xml:"srcmd5"`
	VersRel    string   `xml:"versrel"`
	BuildCount string   `xml:"bcnt"`
	Release    string   `xml:"release"`
	VerifyMD5  string   `xml:"verifymd5"`
	Reason     string   `xml:"reason"`
	Subpacks   []string `xml:"subpack"`
	Deps       []struct {
		Name    string `xml:"name,attr"`
		NotMeta string `xml:"notmeta,attr"`
	} `xml:"bdep"`
	Paths []struct {
		Project    string `xml:"project,attr"`
		Repository string `xml:"repository,attr"`
	} `xml:"path"`

	name string
	id   string // digest of the file
}

// waiting finds the job of a package, nil if there is none that nobody works on.
func (p *project) waiting(pkg string) (*job, error) {
	dir := filepath.Join(server.dir, "jobs", arch)
	files, err := filepath.Glob(filepath.Join(dir, p.name+"::"+repository+"::"+pkg+"-*"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		name := filepath.Base(path)
		if _, err := os.Stat(path + ":status"); err == nil || strings.HasSuffix(name, ":status") || strings.HasSuffix(name, ":dir") {
			continue
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // taken back meanwhile
		}
		if err != nil {
			return nil, err
		}
		j := &job{name: name, id: fmt.Sprintf("%x", md5.Sum(data))}
		if err := xml.Unmarshal(data, j); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if j.Package == pkg {
			return j, nil
		}
	}
	return nil, nil
}

// worker is the name of who builds the job; each job has one of its own.
func (j *job) worker() string { return "loopback:" + j.id[:8] }

// take tells the backend that the job is being built, as its dispatcher does.
func (j *job) take() error {
	dir := filepath.Join(server.dir, "workers", "building")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	// The repository server, which is another user, removes it at the end.
	if err := os.Chmod(dir, 0o777); err != nil {
		return err
	}
	text := fmt.Sprintf(`<worker workerid="%s" hostarch="%s" ip="127.0.0.1" port="%s"/>`+"\n", j.worker(), arch, server.worker)
	if err := os.WriteFile(filepath.Join(dir, arch+":"+j.worker()), []byte(text), 0o666); err != nil {
		return err
	}
	return j.post("/workerdispatched", url.Values{"hostarch": {arch}, "port": {server.worker}}, nil)
}

// finish sends the results of a job that was taken. A build that failed, or that
// came to the same as the one before, has a log and nothing else to show.
func (j *job) finish(b build) error {
	meta, err := j.meta()
	if err != nil {
		return err
	}
	var c cpio
	c.add("meta", []byte(meta))
	c.add("logfile", fmt.Appendf(nil, "%s, reason %s\n", j.name, j.Reason))
	if b.code == "succeeded" {
		for _, path := range b.files {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			c.add(filepath.Base(path), data)
		}
		env, err := j.buildEnv()
		if err != nil {
			return err
		}
		c.add("_buildenv", []byte(env))
	}
	c.end()
	return j.post("/putjob", url.Values{"code": {b.code}, "now": {strconv.FormatInt(time.Now().Unix(), 10)}}, &c)
}

// buildEnv is the _buildenv that a worker leaves with the results: the packages of
// the build root, with their versions from where the backend keeps them.
func (j *job) buildEnv() (string, error) {
	env := fmt.Sprintf("<buildinfo project=%q repository=%q package=%q><arch>%s</arch><srcmd5>%s</srcmd5><versrel>%s</versrel><bcnt>%s</bcnt><release>%s</release>",
		j.Project, j.Repository, j.Package, arch, j.SrcMD5, j.VersRel, j.BuildCount, j.Release)
	for _, dep := range j.Deps {
		from, digest, err := j.origin(dep.Name)
		if err != nil {
			return "", err
		}
		rpm := filepath.Join(server.dir, "build", from, arch, ":full", dep.Name+".rpm")
		out, err := exec.Command("rpm", "-qp", "--qf", `version="%{VERSION}" release="%{RELEASE}" arch="%{ARCH}"`, rpm).Output()
		if err != nil {
			return "", fmt.Errorf("%s: %w", rpm, err)
		}
		env += fmt.Sprintf("<bdep name=%q %s hdrmd5=%q/>", dep.Name, out, digest)
	}
	return env + "</buildinfo>\n", nil
}

func (j *job) post(route string, q url.Values, body io.Reader) error {
	q.Set("arch", arch)
	q.Set("job", j.name)
	q.Set("jobid", j.id)
	q.Set("workerid", j.worker())
	resp, err := http.Post(server.repo+route+"?"+q.Encode(), "application/x-cpio", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s, %w\n%s", route, j.name, resp.Status, err, bytes.TrimSpace(answer))
	}
	return nil
}

// work answers a package's job as soon as there is one and it may.
func (p *project) work(ctx context.Context, pkg string, may func() bool, b build) error {
	var j *job
	err := poll(p.name+" to have a job for "+pkg, func() (ok bool, err error) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		j, err = p.waiting(pkg)
		return j != nil && may(), err
	})
	if err != nil {
		return err
	}
	if err := j.take(); err != nil {
		return err
	}
	return j.finish(b)
}

// atOnce is when a worker may build that has nothing to wait for.
func atOnce() bool { return true }

// deliver answers the job that a package has, and lets the scheduler go on.
func (p *project) deliver(pkg string, b build) {
	p.Helper()
	if err := p.work(context.Background(), pkg, atOnce, b); err != nil {
		p.Fatal(err)
	}
	p.settle()
}

// inBackground answers the next job of a package while the test goes on.
func (p *project) inBackground(pkg string, may func() bool, b build) (wait func()) {
	ctx, cancel := context.WithCancel(context.Background())
	p.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- p.work(ctx, pkg, may, b) }()
	return func() {
		p.Helper()
		cancel()
		if err := <-done; err != nil {
			p.Errorf("worker: %v", err)
		}
	}
}
