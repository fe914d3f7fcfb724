// SPDX-License-Identifier: Apache-2.0

// Command sbom lists what a built obs-btf-guard consists of, by what its linker wrote
// into it: a CycloneDX 1.5 document with each module, its version, its checksum and
// its license. It ends with an error where a module's license is not one that the
// project may pass on.
//
//	go run ./internal/sbom obs-btf-guard > obs-btf-guard.cdx.json
package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(program string, w io.Writer) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	d, err := describe(info)
	if err != nil {
		return err
	}
	return prose.JSON(w, d)
}

// document is a bill of materials as cyclonedx.org specifies it. It has no time and no
// random number: the same program gives the same document.
type document struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version,omitempty"`
	PURL     string    `json:"purl,omitempty"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	License named `json:"license"`
}

// named is a license by its identifier of SPDX, or by a name where it has none.
type named struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

const publicDomain = "public domain"

func licensed(id string) []license {
	if id == publicDomain {
		return []license{{named{Name: id}}}
	}
	return []license{{named{ID: id}}}
}

// describe makes the document of a program, whose modules are in Go's module cache.
func describe(info *buildinfo.BuildInfo) (*document, error) {
	d := &document{Format: "CycloneDX", Spec: "1.5", Version: 1}
	d.Metadata.Component = component{Type: "application", Ref: info.Main.Path, Name: info.Main.Path, Version: info.Main.Version, Licenses: licensed("Apache-2.0")}
	golang := strings.TrimPrefix(info.GoVersion, "go")
	d.Components = append(d.Components, component{Type: "library", Ref: "std", Name: "std", Version: golang,
		PURL: "pkg:golang/std@" + golang, Licenses: licensed("BSD-3-Clause")})
	folders, err := modules()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, m := range info.Deps {
		c, err := componentOf(m, folders)
		errs = append(errs, err)
		d.Components = append(d.Components, c)
	}
	return d, errors.Join(errs...)
}

func componentOf(m *debug.Module, folders map[string]string) (component, error) {
	if m.Replace != nil {
		m = m.Replace
	}
	purl := "pkg:golang/" + m.Path + "@" + m.Version
	c := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	if sum, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
		raw, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return c, fmt.Errorf("%s: checksum: %w", m.Path, err)
		}
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
	}
	dir := folders[m.Path]
	if dir == "" {
		return c, fmt.Errorf("%s: not in Go's module cache: go mod download", m.Path)
	}
	id, err := licenseIn(dir)
	if err != nil {
		return c, fmt.Errorf("%s: %w", m.Path, err)
	}
	c.Licenses = licensed(id)
	return c, nil
}

// modules are the folders in which Go keeps the modules, by their paths.
func modules() (map[string]string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}", "all")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w %s", err, stderr.String())
	}
	folders := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, dir, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		folders[name] = dir
	}
	return folders, nil
}

// licenses are those that the project may pass on, by words of theirs. The first that
// fits counts.
var licenses = []struct {
	id    string
	words *regexp.Regexp
}{
	{"Apache-2.0", regexp.MustCompile(`Apache License\s+Version 2\.0`)},
	{"BSD-3-Clause", regexp.MustCompile(`(?i)redistributions in binary form must reproduce(?s:.*)(neither the names? of|endorse or promote)`)},
	{"BSD-2-Clause", regexp.MustCompile(`(?i)redistributions in binary form must reproduce`)},
	{"MIT", regexp.MustCompile(`(?i)permission is hereby granted, free of charge`)},
	{"0BSD", regexp.MustCompile(`(?i)permission to use, copy, modify, and/or distribute this software for any\s+purpose with or without fee is hereby granted\.`)},
	{publicDomain, regexp.MustCompile(`(?i)(granted|dedicated|put)\s+(in)?to\s+the\s+public\s+domain|in\s+the\s+public\s+domain`)},
}

// licenseFile is the name of a file with a license.
var licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying)(\.md|\.txt)?$`)

// licenseIn finds the license of a module in its top folder.
func licenseIn(dir string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(e os.DirEntry) bool { return licenseFile.MatchString(e.Name()) })
	if i < 0 {
		return "", errors.New("no file with a license")
	}
	text, err := os.ReadFile(filepath.Join(dir, list[i].Name()))
	if err != nil {
		return "", err
	}
	return licenseOf(string(text))
}

func licenseOf(text string) (string, error) {
	if strings.Contains(text, "GENERAL PUBLIC LICENSE") {
		return "", errors.New("a license of the GPL's family")
	}
	for _, l := range licenses {
		if l.words.MatchString(text) {
			return l.id, nil
		}
	}
	return "", errors.New("a license that is not known")
}
