// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// MaxReport is how large a former report may be that is read.
const MaxReport = 64 << 20

// reportSuffix is one that bs_publish does not know, so that reports stay build
// results and do not get into repositories.
const reportSuffix = ".btfguard"

// WriteReport leaves the machine form of the report among the results of the
// build, as OTHER/<Package>.btfguard, and says where. An older one is replaced,
// which in the second build of a signing build is the copy of the first one's.
func (b *BuildRoot) WriteReport(data []byte) (path string, err error) {
	name, err := b.reportName()
	if err != nil {
		return "", err
	}
	return b.writeOther(name, data)
}

// reportName makes one path element of the package's name, whatever a header or
// the environment claimed it to be.
func (b *BuildRoot) reportName() (string, error) {
	if b.Package == "" {
		return "", fmt.Errorf("%s: nothing says the name of the package that was built", b.TopDir)
	}
	name := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("._+-~^", c):
			return c
		}
		return '_'
	}, b.Package)
	if name[0] == '.' { // OBS takes no results that begin with a dot
		name = "_" + name[1:]
	}
	return name[:min(len(name), 200)] + reportSuffix, nil
}

// writeOther writes a result file of the build. The build user owns OTHER and
// may have left anything there under that name: it is replaced by a file that
// did not exist before, never written through.
func (b *BuildRoot) writeOther(name string, data []byte) (string, error) {
	top, err := b.openTop()
	if err != nil {
		return "", err
	}
	defer top.Close()
	err = top.Mkdir("OTHER", 0o755)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s: %w", b.TopDir, err)
	}
	other, err := openDir(top, "OTHER")
	if err != nil {
		return "", fmt.Errorf("%s: %w", b.TopDir, err)
	}
	defer other.Close()
	if made {
		uid, gid := ownerOf(top)
		if err := other.Lchown(".", uid, gid); err != nil {
			return "", fmt.Errorf("%s: %w", b.TopDir, err)
		}
	}
	if err := replace(other, name, data); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(b.TopDir, "OTHER"), err)
	}
	return filepath.Join(b.TopDir, "OTHER", name), nil
}

func replace(dir *os.Root, name string, data []byte) error {
	return regular.Replace(dir, name, "."+rand.Text()+".tmp", func(f *os.File) error {
		if _, err := f.Write(data); err != nil {
			return err
		}
		if err := f.Chmod(0o644); err != nil {
			return err
		}
		return f.Chown(ownerOf(dir))
	})
}

// ownerOf is who a new file in the directory is to belong to: the directory's
// owner, the build user, as the results of the build itself do. Without the power
// to give files away it is -1, which leaves the owner alone.
func ownerOf(dir *os.Root) (uid, gid int) {
	info, err := dir.Stat(".")
	if err != nil || os.Geteuid() != 0 {
		return -1, -1
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1
	}
	return int(st.Uid), int(st.Gid)
}

// PreviousReport is a report that a former check left.
type PreviousReport struct {
	Path    string
	Carried bool // by the first build of this signing build; else it belongs to former results

	root string
}

// PreviousReports lists the reports on this package that the build root holds:
// of former results, the latest first, and of the first build of a signing
// build. The worker fetches no former results for the second one.
func (b *BuildRoot) PreviousReports() []PreviousReport {
	name, err := b.reportName()
	if err != nil {
		return nil
	}
	r, err := os.OpenRoot(b.Root)
	if err != nil {
		return nil
	}
	defer r.Close()
	var found []PreviousReport
	for _, dir := range b.Old {
		p := PreviousReport{Path: filepath.Join(dir, name), root: b.Root}
		if p.exists(r) {
			found = append(found, p)
		}
	}
	if p := (PreviousReport{Path: filepath.Join(b.Sources, name), Carried: true, root: b.Root}); b.Stage == Signed && p.exists(r) {
		found = append(found, p)
	}
	return found
}

func (p PreviousReport) exists(r *os.Root) bool {
	below, err := filepath.Rel(p.root, p.Path)
	return err == nil && isRegular(r, below)
}

// Read reads the report, which is an error above MaxReport bytes.
func (p PreviousReport) Read() ([]byte, error) {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	below, err := filepath.Rel(p.root, p.Path)
	if err != nil {
		return nil, err
	}
	d, err := openDir(r, path.Dir(below))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.root, err)
	}
	defer d.Close()
	data, err := readRegular(d, path.Base(below), MaxReport)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Dir(p.Path), err)
	}
	return data, nil
}
