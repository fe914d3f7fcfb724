// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// The hook finds that a module package does not fit the kernel of its build root
// and leaves its report among the results. That report says what to rebuild.
func TestReport(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	s, px := packages(t, true), newProxy(t)
	p := newProject(t, "", "direct")
	disturl := "disturl obs://loopback.test/" + p.name + "/" + repository + "/0123456789abcdef0123456789abcdef-thing"
	kmp := s.another(t, "1.1", "thing", disturl)
	p.kernel(s)
	p.source("thing", "1.0", []string{"thing-kmp-default"}, []string{"kernel-default-devel"})
	p.deliver("thing", succeeds(kmp, hookReport(t, kmp, s.kernel["1.3"]["kernel-default"])))
	p.rebuild("kernel-default")
	p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))

	report := filepath.Join(t.TempDir(), "thing.btfguard")
	if err := os.WriteFile(report, p.request("GET", p.at()+"/thing/thing.btfguard", ""), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string][]string{"report": {report}, "packages": {kmp, s.kernel["1.3"]["kernel-default"]}} {
		t.Run(name, func(t *testing.T) {
			px.forget()
			if o := rebuildCommand(t, px, append(from, "--dry-run")...); o.Status != 1 || !strings.Contains(o.Stdout, "thing") {
				t.Errorf("exit status %d, want 1 and the package's name", o.Status)
			}
			p.posted(px)
		})
	}
	px.forget()
	done := p.inBackground("thing", atOnce, succeeds(s.kmp["1.3"].files()...))
	o := rebuildCommand(t, px, report, "--yes", "--wait")
	done()
	if o.Status != 0 {
		t.Errorf("exit status %d, want 0", o.Status)
	}
	p.posted(px, "thing")
	p.settle()
	p.rests(px)
}

// hookReport runs the hook in a build root that has a kernel installed and a
// module package built, under a policy by which it passes and has to be built
// again. It gives the path of the report.
func hookReport(t *testing.T, kmp, kernel string) string {
	t.Helper()
	root := t.TempDir()
	harness.Must(t, "sh", "-c", `cd "$1" &&
		mkdir -p etc home/abuild/rpmbuild/RPMS/x86_64 &&
		ln -s home/abuild/rpmbuild .build.packages &&
		cp "$2" home/abuild/rpmbuild/RPMS/x86_64 &&
		rpm2cpio "$3" | cpio -idmu --quiet`, "sh", root, kmp, kernel)
	policy := "[[rule]]\nverdict = [\"rejected\", \"misread\"]\naction = \"rebuild\"\nreason = \"kernels are rebuilt by hand here\"\n"
	if err := os.WriteFile(filepath.Join(root, "etc/obs-btf-guard.conf"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "hook", "--root", root)
	cmd.Env = append(os.Environ(), "PNAME=thing")
	if o := harness.Try(t, cmd); o.Status != 0 {
		t.Fatalf("hook: exit status %d\n%s", o.Status, o.All())
	}
	report := filepath.Join(root, "home/abuild/rpmbuild/OTHER/thing.btfguard")
	if _, err := os.Stat(report); err != nil {
		t.Fatal(err)
	}
	return report
}
