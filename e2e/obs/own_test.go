// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// guard makes the build root that the tests build on: our own package is made from
// its spec file by obs-build and installed, with the checks around ours that
// openSUSE's build roots have. The unit tests in %check are left out, they take
// longer than all of this; make test runs them.
func (m *machine) guard() (dir string, err error) {
	src := filepath.Join(scratch, "own")
	if _, err := script("./sources.sh", src); err != nil {
		return "", err
	}
	workshop, err := layRoot(m.debian)
	if err != nil {
		return "", err
	}
	cache := filepath.Join(workDir(), "gocache")
	if err := workshop.addGo(cache); err != nil {
		return "", err
	}
	o, err := m.build(workshop, filepath.Join(src, "obs-btf-guard.spec"), "--no-checks")
	if err == nil && o.status != 0 {
		err = fmt.Errorf("obs-build of our own package: exit status %d\n%s", o.status, o.log)
	}
	if err != nil {
		return "", err
	}
	own, _ := filepath.Glob(workshop.path("home/abuild/rpmbuild/RPMS/*/*.rpm"))
	if err := workshop.keepGo(cache); err != nil {
		return "", err
	}

	guarded := filepath.Join(scratch, "guarded")
	if _, err := script("cp", "-a", "--reflink=auto", m.debian, guarded); err != nil {
		return "", err
	}
	for _, rpm := range own {
		if strings.HasPrefix(filepath.Base(rpm), "obs-btf-guard-stamp-") {
			continue // it is for build roots without the generator
		}
		// rpm knows of nothing that Debian put there, so --nodeps
		if _, err := script("rpm", "--root", guarded, "--dbpath", "/var/lib/rpm", "-i", "--nodeps", rpm); err != nil {
			return "", err
		}
	}
	checks := filepath.Join(guarded, "usr/lib/build/checks")
	for _, check := range [][2]string{
		{"00-check-install-rpms", "00-check-install-rpms"}, {"99-check-remove-rpms", "99-check-remove-rpms"},
		{"clock", "49-clock"}, {"clock", "51-clock"},
	} {
		if _, err := script("install", "-m", "755", filepath.Join("checks", check[0]), filepath.Join(checks, check[1])); err != nil {
			return "", err
		}
	}
	return guarded, workshop.remove()
}

// addGo puts this machine's Go into the build root, since Debian's is too old for
// our dependencies, and what was compiled in a former run. Copies: nothing that a
// build does may reach the machine's own.
func (r root) addGo(cache string) error {
	goroot, err := script("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	_, err = script("sh", "-ec", `
		mkdir -p "$2/usr/local/go" "$2/home/abuild/.cache"
		cd "$1"
		cp -a --reflink=auto VERSION bin lib pkg src "$2/usr/local/go"
		[ ! -e go.env ] || cp -a go.env "$2/usr/local/go"
		ln -s ../go/bin/go "$2/usr/local/bin/go"
		[ ! -d "$3" ] || cp -a --reflink=auto "$3" "$2/home/abuild/.cache/go-build"
		chown -R 399:399 "$2/home/abuild/.cache" # the build user that obs-build will add`,
		"sh", goroot, string(r), cache)
	return err
}

// keepGo keeps what was compiled for the next run.
func (r root) keepGo(cache string) error {
	next := cache + ".next"
	if err := os.RemoveAll(next); err != nil {
		return err
	}
	if _, err := script("cp", "-a", "--reflink=auto", r.path("home/abuild/.cache/go-build"), next); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(cache), os.Rename(next, cache))
}

// The package is there as its spec file says, and its program is what was built.
func TestOwnPackage(t *testing.T) {
	r := newRoot(t)
	for _, query := range [][]string{
		{"rpm", "-q", "obs-btf-guard", "obs-btf-guard-check", "obs-btf-guard-generator"},
		{"rpm", "-V", "--nodeps", "obs-btf-guard", "obs-btf-guard-check", "obs-btf-guard-generator"},
		{"obs-btf-guard", "--version"},
	} {
		status, out := r.run(t, nil, query...)
		if status != 0 {
			t.Errorf("%s: exit status %d\n%s", strings.Join(query, " "), status, out)
		}
	}
	status, out := r.run(t, nil, "rpm", "-qf", "--qf", `%{NAME}\n`, "/usr/bin/obs-btf-guard",
		"/usr/lib/build/checks/50-check-kernel-btf", "/etc/obs-btf-guard.conf",
		"/usr/lib/rpm/fileattrs/kernel_btf.attr", "/usr/lib/rpm/macros.d/macros.kernel-btf")
	const want = "obs-btf-guard\nobs-btf-guard-check\nobs-btf-guard-check\nobs-btf-guard-generator\nobs-btf-guard-generator\n"
	if status != 0 || out != want {
		t.Errorf("the files belong to %q, exit status %d, want %q", out, status, want)
	}
}
