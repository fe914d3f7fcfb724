// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// queryTime is how long rpm may take to answer.
const queryTime = 30 * time.Second

// Kernel is a kernel that is installed in a build root, as the build
// requirements of a KMP bring it. What is not known is empty.
type Kernel struct {
	Vmlinux string // its vmlinux, below the root
	Package string // name-version-release.arch of the package that ships it
}

// Installed finds the kernel of a kernelrelease that is installed on this
// machine: its vmlinux as a file, else the tokens that its package provides. It
// is what a dependency generator asks.
func Installed(ctx context.Context, release string) (path string, tokens []string) {
	path = findVmlinux("/", release)
	if !isRelease(release) {
		return path, nil
	}
	// A query goes by name; which of the kernels it is stands in the version.
	for answer := range query(ctx, "/", "--whatprovides", "kernel-uname-r") {
		lines := strings.Split(answer, "\n")
		if !slices.Contains(lines, "kernel-uname-r "+release) {
			continue
		}
		for _, line := range lines {
			name, _, _ := strings.Cut(line, " ")
			if _, _, ok := fingerprint.ParseToken(name); ok {
				tokens = append(tokens, name)
			}
		}
	}
	return path, tokens
}

// Installed finds the kernel of a kernelrelease that is installed in the build
// root, and asks rpm whose it is. Where there is no rpm, no database of installed
// packages or no answer within half a minute, that stays unknown.
func (b *BuildRoot) Installed(ctx context.Context, release string) Kernel {
	k := Kernel{Vmlinux: findVmlinux(b.Root, release)}
	below, err := filepath.Rel(b.Root, k.Vmlinux)
	if k.Vmlinux == "" || err != nil {
		return k
	}
	for answer := range query(ctx, b.Root, "-f", "/"+below) {
		k.Package, _, _ = strings.Cut(answer, "\n")
		break
	}
	return k
}

// HasGenerator reports whether the build root has our dependency generator, so
// that the packages built in it should have kernel-btf dependencies.
func (b *BuildRoot) HasGenerator() bool {
	r, err := os.OpenRoot(b.Root)
	if err != nil {
		return false
	}
	defer r.Close()
	name, err := resolve(r, "usr/lib/rpm/fileattrs/kernel_btf.attr")
	return err == nil && isRegular(r, name)
}

// findVmlinux looks for the vmlinux of a kernelrelease, else for its boot image, which
// is all that Fedora and RHEL ship; "" if there is none. In a build root /lib and the
// files in /boot may be symbolic links.
func findVmlinux(root, release string) string {
	if !isRelease(release) {
		return ""
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return ""
	}
	defer r.Close()
	for _, image := range []string{"vmlinux", "vmlinuz", "Image", "bzImage", "zImage"} {
		for _, stem := range []string{"usr/lib/modules/" + release + "/" + image, "lib/modules/" + release + "/" + image, "boot/" + image + "-" + release} {
			for _, suffix := range []string{"", ".xz", ".zst", ".gz", ".bz2"} {
				if name, err := resolve(r, stem+suffix); err == nil && isRegular(r, name) {
					return filepath.Join(root, name)
				}
			}
		}
	}
	return ""
}

// isRelease reports whether a kernelrelease can be the name of a directory.
func isRelease(release string) bool {
	return release != "" && release != "." && release != ".." && !strings.ContainsAny(release, "/ \t\n\x00")
}

// query asks rpm for installed packages and gives, for each, its NEVRA and what
// it provides, each in a line of its own. Where nothing can be asked, or rpm
// finds nothing, there is no answer.
func query(ctx context.Context, root string, about ...string) iter.Seq[string] {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	none := slices.Values([]string(nil))
	db := database(ctx, root)
	if db == "" {
		return none
	}
	as := (*syscall.SysProcAttr)(nil)
	if root != "/" {
		// Whoever built in there may have written the database, too.
		dir, remove, err := borrow(root, db)
		if err != nil {
			return none
		}
		defer remove()
		if db = dir; os.Geteuid() == 0 {
			as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
	}
	// Names have no form feed.
	args := []string{"-q", "--dbpath", db, "--qf", `\f%{NEVRA}\n[%{PROVIDENAME} %{PROVIDEVERSION}\n]`}
	out, err := runRPM(ctx, as, append(args, about...)...)
	if err != nil {
		return none
	}
	return func(yield func(string) bool) {
		for answer := range strings.SplitSeq(out, "\f") {
			if answer != "" && !yield(answer) {
				return
			}
		}
	}
}

// The files in which rpm keeps its database: sqlite, ndb and Berkeley DB. The first
// three tell that there is one.
var databases = []string{"rpmdb.sqlite", "Packages.db", "Packages", "rpmdb.sqlite-wal", "Index.db", "Basenames", "Providename", "Name"}

// database is the folder of rpm's database, "/" being the root. Where none is,
// it is "": a mere question would make rpm create one.
func database(ctx context.Context, root string) string {
	configured, err := runRPM(ctx, nil, "--eval", "%_dbpath")
	if err != nil {
		return ""
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return ""
	}
	defer r.Close()
	// The machine's rpm may keep it elsewhere than the build root's.
	for _, dir := range []string{strings.TrimSuffix(configured, "\n"), "/usr/lib/sysimage/rpm", "/var/lib/rpm"} {
		to, err := resolve(r, dir)
		if err == nil && slices.ContainsFunc(databases[:3], func(name string) bool { return isRegular(r, path.Join(to, name)) }) {
			return "/" + to
		}
	}
	return ""
}

const (
	nobody      = 65534     // the user of no rights, as the kernel has it (overflowuid)
	maxDatabase = 512 << 20 // bytes of each of its files; a whole openSUSE has 150 MB
)

// borrow copies the database below root for somebody without rights: the rpm of this
// machine reads it, and must not do so as root.
func borrow(root, db string) (dir string, remove func(), err error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	if dir, err = os.MkdirTemp("", "obs-btf-guard-rpmdb-"); err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	names := []string{""}
	for _, name := range databases {
		from, err := regular.OpenIn(r, path.Join(strings.TrimPrefix(db, "/"), name))
		if err != nil {
			continue // rpm has one kind of database, and not all files of that
		}
		err = copyBounded(filepath.Join(dir, name), from)
		from.Close()
		if err != nil {
			remove()
			return "", nil, err
		}
		names = append(names, name)
	}
	if os.Geteuid() == 0 {
		for _, name := range names {
			if err := os.Chown(filepath.Join(dir, name), nobody, nobody); err != nil {
				remove()
				return "", nil, err
			}
		}
	}
	return dir, remove, nil
}

func copyBounded(path string, from io.Reader) error {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(to, io.LimitReader(from, maxDatabase+1))
	if err == nil && n > maxDatabase {
		err = fmt.Errorf("%s: more than %d bytes", filepath.Base(path), maxDatabase)
	}
	return errors.Join(err, to.Close())
}

// maxAnswer bounds what rpm says, in bytes: a kernel provides up to 100,000 symbols.
const maxAnswer = 64 << 20

// runRPM runs rpm, as somebody else if as says so, and returns what it prints.
func runRPM(ctx context.Context, as *syscall.SysProcAttr, args ...string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "rpm", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = as
	if as != nil {
		cmd.Dir = "/"
	}
	cmd.WaitDelay = time.Second // for what rpm may have started and left behind
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	out, err := io.ReadAll(io.LimitReader(pipe, maxAnswer+1))
	if len(out) > maxAnswer {
		err = fmt.Errorf("rpm: more than %d bytes", maxAnswer)
		cancel()
	}
	return string(out), errors.Join(err, cmd.Wait())
}
