// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package metadata

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// repository makes a repository of the incident's two builds, stamped, and of
// another version of the kernel with a base of its own, with the generator's
// tokens. It returns the token of 5.15.12-1.1.
func repository(t *testing.T) (dir, token1 string) {
	t.Helper()
	needs(t, "createrepo_c")
	guarded, plain := newHost(t, true), newHost(t, false)
	older, newer, next := unpackBuild(t, "1.1"), unpackBuild(t, "1.3"), unpackBuild(t, "1.3")
	next.next(t)
	token1 = older.token(t)
	dir = t.TempDir()
	collect := func(b *built) {
		for _, name := range []string{"kernel-default", "kernel-default-extra"} {
			replace(t, b.rpms[name], filepath.Join(dir, filepath.Base(b.rpms[name])))
		}
	}
	collect(guarded.build(t, "kernel-default.spec", "tree "+string(next), "kversion 5.15.13", "rebuild 1.1"))
	for rebuild, tr := range map[string]tree{"1.1": older, "1.3": newer} {
		b := plain.kernel(t, tr, rebuild)
		if o := guard(t, "stamp", b.rpms["kernel-default"], b.rpms["kernel-default-extra"]); o.Status != 0 {
			t.Fatalf("stamp: exit status %d\n%s", o.Status, o.All())
		}
		collect(b)
	}
	harness.Must(t, "createrepo_c", "--quiet", dir)
	return dir, token1
}

// room is where a solver runs: on this machine, or in the system that newer.sh makes.
type room string

// command runs a program there. The folder for temporary files is the same.
func (r room) command(name string, args ...string) *exec.Cmd {
	if r == "" {
		return exec.Command(name, args...)
	}
	const script = `for dir in /proc /dev "$1"; do mkdir -p "$0$dir"; mount --rbind "$dir" "$0$dir" || exit 3; done; shift; exec chroot "$0" "$@"`
	return exec.Command("unshare", append([]string{"-m", "sh", "-c", script, string(r), os.TempDir(), name}, args...)...)
}

// newer is a room with rpm 6, zypper and dnf 5.
func newer(t *testing.T) room {
	t.Helper()
	work := os.Getenv("E2E_WORK_DIR")
	if work == "" {
		work = filepath.Join(os.TempDir(), "obs-btf-guard-e2e")
	}
	dir := filepath.Join(work, "newer")
	_, err := harness.Script("./newer.sh", dir)
	harness.SkipUnreachable(t, err)
	if err != nil {
		t.Fatal(err)
	}
	return room(dir)
}

// solver installs or removes packages by
// name-version-release, the former from a repository.
type solver func(t *testing.T, r root, do string, pkgs ...string) harness.Outcome

func (in room) zypper(t *testing.T, repo string) solver {
	if in == "" {
		needs(t, "zypper")
	}
	return func(t *testing.T, r root, do string, pkgs ...string) harness.Outcome {
		t.Helper()
		zypper := func(args ...string) harness.Outcome {
			args = append([]string{"--root", string(r), "--non-interactive", "--no-gpg-checks"}, args...)
			return harness.Try(t, in.command("zypper", args...))
		}
		// The setting that openSUSE has for kernels to be kept side by side.
		config := filepath.Join(string(r), "etc/zypp/zypp.conf")
		if _, err := os.Stat(config); err != nil {
			writeFile(t, config, "[main]\nmultiversion = provides:multiversion(kernel)\narch = x86_64\n")
			if o := zypper("addrepo", "--no-check", "dir://"+repo, "incident"); o.Status != 0 {
				t.Fatalf("zypper addrepo: exit status %d\n%s", o.Status, o.All())
			}
		}
		args := []string{do, "--details"}
		if do == "install" {
			args = append(args, "--no-recommends")
		}
		for _, p := range pkgs {
			name, version := splitName(p)
			args = append(args, name+"="+version)
		}
		return zypper(args...)
	}
}

// dnf is DNF 4 on this machine, DNF 5 in the other room.
func (in room) dnf(t *testing.T, repo string) solver {
	if in == "" {
		needs(t, "dnf")
	}
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".rpmmacros"), "%_dbpath "+database+"\n")
	return func(t *testing.T, r root, do string, pkgs ...string) harness.Outcome {
		t.Helper()
		args := []string{"--installroot", string(r), "--releasever", "1", "--forcearch", "x86_64", "--assumeyes", "--nogpgcheck",
			"--repofrompath", "incident,file://" + repo, "--repo", "incident"}
		for _, option := range []string{"reposdir=/dev/null", "module_platform_id=platform:f1", "install_weak_deps=False", "obsoletes=True",
			"cachedir=" + t.TempDir(), "logdir=/var/log", "persistdir=/var/lib/dnf", "tsflags=nodocs", "plugins=False", "clean_requirements_on_remove=False"} {
			args = append(args, "--setopt", option)
		}
		cmd := in.command(map[bool]string{true: "dnf", false: "dnf5"}[in == ""], append(append(args, do), pkgs...)...)
		cmd.Env = append(os.Environ(), "HOME="+home)
		return harness.Try(t, cmd)
	}
}

// rpm gives no solver: it takes the packages of a folder as they are, and says whether
// it would.
func (in room) rpm(_ *testing.T, repo string) solver {
	return func(t *testing.T, r root, do string, pkgs ...string) harness.Outcome {
		t.Helper()
		args := []string{"--root", string(r), "--dbpath", database, "--nosignature"}
		if do == "remove" {
			return harness.Try(t, in.command("rpm", append(append(args, "-e"), pkgs...)...))
		}
		// A rebuild takes the place of the one before it, as its Obsoletes demands.
		verb := "-i"
		if slices.Contains(pkgs, rebuilt22) {
			verb = "-U"
		}
		args = append(args, verb)
		for _, p := range pkgs {
			args = append(args, filepath.Join(repo, p+".rpm"))
		}
		return harness.Try(t, in.command("rpm", args...))
	}
}

// splitName splits name-version-release behind the name.
func splitName(nvr string) (name, version string) {
	at := strings.LastIndex(nvr, "-")
	at = strings.LastIndex(nvr[:at], "-")
	return nvr[:at], nvr[at+1:]
}

// Solvers put together what was built together and nothing else.
func TestSolvers(t *testing.T) {
	needsRoot(t)
	needs(t, "rpm", "rpm2cpio", "cpio", "xz", "objcopy")
	repo, token1 := repository(t)
	const (
		kernel1, extra1 = "kernel-default-5.15.12-1.1", "kernel-default-extra-5.15.12-1.1"
		kernel3, extra3 = "kernel-default-5.15.12-1.3", "kernel-default-extra-5.15.12-1.3"
		kernel4, extra4 = "kernel-default-5.15.13-1.1", "kernel-default-extra-5.15.13-1.1"
	)
	for _, tool := range []struct {
		name string
		make func(*testing.T, string) solver
	}{{"zypper", room("").zypper}, {"dnf", room("").dnf}} {
		t.Run(tool.name, func(t *testing.T) {
			install := tool.make(t, repo)
			accepted := func(t *testing.T, r root, want []string, pkgs ...string) {
				t.Helper()
				o := install(t, r, "install", pkgs...)
				if got := r.installed(t); o.Status != 0 || !slices.Equal(got, want) {
					t.Errorf("install %q: exit status %d, installed are then %q, want %q\n%s", pkgs, o.Status, got, want, o.All())
				}
			}
			refused := func(t *testing.T, r root, pkgs ...string) {
				t.Helper()
				before := fmt.Sprint(r.installed(t))
				o := install(t, r, "install", pkgs...)
				if o.Status == 0 || !strings.Contains(o.All(), token1) {
					t.Errorf("install %q: exit status %d, want a refusal that names %s\n%s", pkgs, o.Status, token1, o.All())
				}
				if after := fmt.Sprint(r.installed(t)); after != before {
					t.Errorf("install %q: installed are then %s, were %s", pkgs, after, before)
				}
				t.Log(o.All())
			}
			t.Run("of two builds", func(t *testing.T) { refused(t, newRoot(t), kernel3, extra1) })
			t.Run("of one build", func(t *testing.T) { accepted(t, newRoot(t), []string{kernel3, extra3}, kernel3, extra3) })
			t.Run("older module package later", func(t *testing.T) {
				r := newRoot(t)
				accepted(t, r, []string{kernel3}, kernel3)
				refused(t, r, kernel3, extra1)
			})
			t.Run("side by side", func(t *testing.T) {
				r := newRoot(t)
				accepted(t, r, []string{kernel3, extra3}, kernel3, extra3)
				accepted(t, r, []string{kernel3, kernel4, extra3, extra4}, kernel4, extra4)
			})
			t.Run("update", func(t *testing.T) {
				r := newRoot(t)
				accepted(t, r, []string{kernel1, extra1}, kernel1, extra1)
				accepted(t, r, []string{kernel3, extra3}, kernel3, extra3)
			})
		})
	}
}
