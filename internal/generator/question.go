// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Question is one call of rpmbuild.
type Question struct {
	Options
	Root    string // the build root
	Package string // name of the package that the files belong to, "" if it is not known
	RPM     string // version of rpm

	// As is the kind of dependency that is asked for, "" for what a vmlinux provides, and
	// Strength the one that the packager wants.
	As, Strength Strength

	packaged bool // a vmlinux is among the files
}

// Answer answers for each file that was asked about, as rpm writes their paths, which is how
// it wants them back. What the kernels and modules of a build root are is found out once for
// all of them. say gets what a person should know.
func (q Question) Answer(ctx context.Context, asked []string, out, say io.Writer) error {
	role := kernel.RoleModule
	if q.As == "" {
		role = kernel.RoleVmlinux
	}
	root := filepath.Clean(q.Root)
	var wanted, clean []string
	for _, path := range asked {
		c := filepath.Clean(path)
		r := kernel.ClassifyPath(strings.TrimPrefix(c, root))
		if r == kernel.RoleBootImage { // where there is no vmlinux it serves as one
			r = kernel.RoleVmlinux
		}
		q.packaged = q.packaged || r == kernel.RoleVmlinux
		if r == role {
			wanted, clean = append(wanted, path), append(clean, c)
		}
	}
	if len(wanted) == 0 || q.As != "" && q.Strength != Auto && q.Strength != q.As {
		return nil
	}
	s, err := Cached(ctx, root, clean, q.Options)
	if err != nil {
		return err
	}
	several := multifile(q.RPM)
	for i, path := range wanted {
		a := s.Answers[clean[i]]
		// requires and recommends are asked about the same files: one of them speaks.
		if a.Say && !(q.As == Recommends && q.Strength == Auto) {
			fmt.Fprintf(say, "obs-btf-guard: %s: %s: %s\n", prose.Printable(path), q.what(a), prose.Printable(a.Why))
		}
		lines := q.dependencies(path, a)
		if len(lines) > 0 && several {
			fmt.Fprintf(out, ";%s\n", path)
		}
		for _, line := range lines {
			fmt.Fprintln(out, line)
		}
	}
	return nil
}

// what says what an answer is about.
func (q Question) what(a Answer) string {
	switch {
	case a.Token != "":
		return "a dependency on a base"
	case q.As == "":
		return "provides no base"
	}
	return "no dependency on a base"
}

// dependencies are those that an answer comes to.
func (q Question) dependencies(path string, a Answer) []string {
	token := a.TokenOf(q.Package)
	release, _ := kernel.ReleaseFromPath(path)
	strength := q.Strength
	if strength == Auto {
		strength = a.Strength
	}
	switch {
	case token == "":
		return nil
	case q.As == "" && release == "":
		return []string{token}
	case q.As == "":
		return []string{token, fingerprint.ReleaseToken(release)}
	case strength != q.As, q.packaged, ownToken(q.Package, token):
		return nil
	}
	return []string{fingerprint.Requirement(token, release)}
}

// ownToken reports whether the package is one that ships the vmlinux of that
// flavor, kernel-<flavor> or kernel-<flavor>-base: it does not depend on itself.
func ownToken(name, token string) bool {
	flavor, ok := strings.CutPrefix(strings.TrimSuffix(name, "-base"), "kernel-")
	return ok && strings.HasPrefix(token, "kernel-btf("+flavor+":")
}

// multifile reports whether rpm speaks the protocol in which all files of a
// package come at once and answers stand behind ";path"
// (rpm-dependency-generators(7)).
func multifile(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 4 || major == 4 && minor >= 20
}
