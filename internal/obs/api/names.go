// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"strings"
)

// Target is one build: a package of a project, built for one repository and
// architecture. The package may have a multibuild flavor behind a colon.
type Target struct{ Project, Repository, Arch, Package string }

// WholeRepository as the package of a target stands for all that OBS takes from a
// repository when it builds on it: what was built there, aggregates, and what it
// downloads on demand. The files are named without versions,
// "kernel-default.rpm". It can be read only: [Client.Binaries],
// [Client.FileInfo] and [Client.Download].
const WholeRepository = "_repository"

func (t Target) String() string {
	return t.Project + "/" + t.Repository + "/" + t.Arch + "/" + t.Package
}

// Check says what is wrong with a target that something is to be done with. What
// passes is a single name in each field, which stays one in a path and in a query:
// OBS takes an empty one, and a list, for more than one package.
func (t Target) Check() error {
	if err := checkProject(t.Project); err != nil {
		return err
	}
	if err := checkName("repository", t.Repository); err != nil {
		return err
	}
	if err := checkName("architecture", t.Arch); err != nil {
		return err
	}
	return checkPackage(t.Package)
}

// checkFiles is Check for what has files, a whole repository among it.
func (t Target) checkFiles() error {
	if t.Package == WholeRepository {
		t.Package = "any"
	}
	return t.Check()
}

func checkProject(name string) error {
	for part := range strings.SplitSeq(name, ":") {
		if err := checkName("project", part); err != nil {
			return fmt.Errorf("%w (of %q)", err, name)
		}
	}
	return nil
}

func checkPackage(name string) error {
	container, flavor, flavored := strings.Cut(name, ":")
	if flavored {
		if err := checkName("flavor", flavor); err != nil {
			return fmt.Errorf("%w (of package %q)", err, name)
		}
	}
	if container == "_product" || container == "_patchinfo" { // the packages that begin with "_"
		return nil
	}
	return checkName("package", container)
}

// checkName knows what BSVerify.pm and the web application of OBS both take for a
// name, and takes no more than that.
func checkName(kind, name string) error {
	const others = "-+_."
	good := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(others, c)
	}
	switch {
	case name == "":
		return fmt.Errorf("%s: no name", kind)
	case len(name) > 200:
		return fmt.Errorf("%s: name of %d bytes, OBS has at most 200", kind, len(name))
	case name == "0", strings.Contains(others, name[:1]), strings.ContainsFunc(name, func(c rune) bool { return !good(c) }):
		return fmt.Errorf("%s: %q is no name in OBS", kind, name)
	}
	return nil
}

// checkFile says what is wrong with the name of a build result. What passes
// cannot leave a folder.
func checkFile(name string) error {
	bad := func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '/' || c == '\\' }
	if name == "" || len(name) > 250 || name[0] == '.' || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%q is no name of a build result", name)
	}
	return nil
}
