// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// meta says what a build was made of, a line each: first the sources, then the
// packages in the build root. A package of the same repository stands for what it
// was itself made of, "md5  kernel-default-devel/pahole" being the pahole with
// which the kernel was built, any other one for its header. The scheduler holds
// the same against this later on, to find out what has to be built again.
func (j *job) meta() (string, error) {
	type line struct{ md5, path string }
	var deps []line
	for _, dep := range j.Deps {
		if dep.NotMeta != "" {
			continue
		}
		from, digest, err := j.origin(dep.Name)
		if err != nil {
			return "", err
		}
		var of []byte
		if from == j.Project+"/"+j.Repository {
			of, err = os.ReadFile(filepath.Join(server.dir, "build", from, arch, ":full", dep.Name+".meta"))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return "", err
			}
		}
		if len(of) == 0 {
			deps = append(deps, line{digest, dep.Name})
			continue
		}
		for i, l := range strings.Split(strings.TrimSpace(string(of)), "\n") {
			digest, path, _ := strings.Cut(l, "  ")
			if i == 0 {
				path = dep.Name
			} else {
				path = dep.Name + "/" + path
			}
			deps = append(deps, line{digest, path})
		}
	}
	slices.SortFunc(deps, func(a, b line) int {
		return cmp.Or(cmp.Compare(strings.Count(a.path, "/"), strings.Count(b.path, "/")),
			cmp.Compare(a.path, b.path), cmp.Compare(a.md5, b.md5))
	})
	out := cmp.Or(j.VerifyMD5, j.SrcMD5) + "  " + j.Package + "\n"
	seen := map[line]bool{} // the same package stands once, where it is nearest
	for _, d := range deps {
		elements := strings.Split(d.path, "/")
		last := line{d.md5, elements[len(elements)-1]}
		ours := slices.ContainsFunc(elements, func(e string) bool { return slices.Contains(j.Subpacks, e) })
		if !seen[last] && !ours {
			seen[last] = true
			out += d.md5 + "  " + d.path + "\n"
		}
	}
	return out, nil
}

// origin finds the repository that a package for the build root comes from, and
// the digest of its header.
func (j *job) origin(name string) (repo, digest string, err error) {
	for _, p := range j.Paths {
		repo := p.Project + "/" + p.Repository
		q := url.Values{"view": {"binaryversions"}, "binary": {name}}
		resp, err := http.Get(server.repo + "/build/" + repo + "/" + arch + "/_repository?" + q.Encode())
		if err != nil {
			return "", "", err
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return "", "", fmt.Errorf("%s: %s, %w\n%s", repo, resp.Status, err, answer)
		}
		var list struct {
			Binaries []struct {
				Digest string `xml:"hdrmd5,attr"`
				Error  string `xml:"error,attr"`
			} `xml:"binary"`
		}
		if err := xml.Unmarshal(answer, &list); err != nil {
			return "", "", fmt.Errorf("%s: %w\n%s", repo, err, answer)
		}
		if len(list.Binaries) == 1 && list.Binaries[0].Error == "" {
			return repo, list.Binaries[0].Digest, nil
		}
	}
	return "", "", fmt.Errorf("%s: no repository has %s for the build root", j.name, name)
}
