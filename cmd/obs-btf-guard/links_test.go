// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// installed are the pages that "make install" and the archives of a release have, by
// the globs that the Makefile names them with.
var installed = []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/decisions/*.md", "obs/README.md"}

// besides are files that pages link to and that are installed beside them.
var besides = []string{"docs/performance.svg", "docs/fingerprint-vectors.json", "docs/fingerprint-vectors.py"}

// TestLinks: a link in a page leads to a file that is installed wherever the page is,
// and behind "#" to a heading of it.
func TestLinks(t *testing.T) {
	t.Chdir("../..")
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, glob := range installed {
		pages, err := filepath.Glob(glob)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %d pages, %v", glob, len(pages), err)
		}
		for _, page := range pages {
			for _, m := range link.FindAllStringSubmatch(textOf(t, page), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				path, heading, _ := strings.Cut(m[1], "#")
				to := page
				if path != "" {
					to = filepath.Join(filepath.Dir(page), path)
				}
				if !isInstalled(to) {
					t.Errorf("%s: %s is not installed", page, m[1])
				} else if heading != "" && !slices.Contains(headings(t, to), heading) {
					t.Errorf("%s: %s: no such heading", page, m[1])
				}
			}
		}
	}
}

func isInstalled(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	return slices.ContainsFunc(slices.Concat(installed, besides), func(glob string) bool {
		ok, _ := filepath.Match(glob, path)
		return ok
	})
}

// textOf is a page without its blocks of code.
func textOf(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?s)\n```.*?\n```").ReplaceAllString(string(text), "")
}

// headings are the anchors of a page's headings, as GitHub makes them.
func headings(t *testing.T, page string) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(textOf(t, page), -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(plain, " ", "-"))
	}
	return out
}

// The Makefile installs what the tests above take to be installed.
func TestInstalledPages(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(makefile), "\ninstall: ")
	recipe, _, _ = strings.Cut(recipe, "\n\n")
	for _, glob := range slices.Concat(installed, besides) {
		if !slices.Contains(strings.Fields(recipe), glob) {
			t.Errorf("make install does not name %s", glob)
		}
	}
}
