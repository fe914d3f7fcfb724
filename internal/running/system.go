// SPDX-License-Identifier: Apache-2.0

package running

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// system is a machine below a folder, which is "/" for this one.
type system struct {
	root    string
	release string // of the kernel that runs
	banner  string
	objects *objects
}

const (
	maxText = 16 << 20 // bytes of a file in /proc or of a config; real ones have up to 300 KB
	vmlinux = "vmlinux"
)

func open(root string) (*system, error) {
	s := &system{root: root}
	release, err := s.text("proc/sys/kernel/osrelease")
	if err != nil {
		return nil, err
	}
	s.release = strings.TrimSpace(release)
	// It becomes the name of a folder.
	if s.release == "" || s.release != filepath.Base(s.release) || strings.HasPrefix(s.release, ".") {
		return nil, fmt.Errorf("%s: %q is not the name of a kernel", s.path("proc/sys/kernel/osrelease"), s.release)
	}
	banner, err := s.text("proc/version")
	if err != nil {
		return nil, err
	}
	s.banner = strings.TrimSpace(banner)
	s.objects, err = openObjects(s)
	return s, err
}

func (s *system) path(below ...string) string {
	return filepath.Join(append([]string{s.root}, below...)...)
}

// text reads a small file whose size is not known beforehand, as of those in /proc.
func (s *system) text(below string) (string, error) {
	f, err := regular.Open(s.path(below))
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readText(f, f.Name())
}

func readText(r io.Reader, path string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, regular.WithoutPath(err))
	}
	if len(b) > maxText {
		return "", fmt.Errorf("%s: more than %d bytes", path, maxText)
	}
	return string(b), nil
}

// modules is the folder of a kernel's modules, "" if there is none.
func (s *system) modules(release string) string {
	for _, lib := range []string{"lib/modules", "usr/lib/modules"} {
		dir := s.path(lib, release)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// config is the configuration of the kernel that runs, and where it stands. Both are
// empty where nobody may read it.
func (s *system) config() (kernel.Config, string, error) {
	for _, below := range []string{
		"proc/config.gz",
		"boot/config-" + s.release,
		"lib/modules/" + s.release + "/config",
		"usr/lib/modules/" + s.release + "/config",
	} {
		f, err := regular.Open(s.path(below))
		if err != nil {
			continue
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(below, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return nil, "", fmt.Errorf("%s: %w", f.Name(), err)
			}
		}
		text, err := readText(r, f.Name())
		if err != nil {
			return nil, "", err
		}
		return kernel.ParseConfig([]byte(text)), f.Name(), nil
	}
	return nil, "", nil
}

// base describes the kernel that runs, by the base that it shows and what it says of
// itself. onDisk are the kernels that would boot next: of one that has the same base,
// what only an image shows holds for the kernel that runs as well.
func (s *system) base(onDisk []*guard.Base, config kernel.Config, as guard.Assumed) (*guard.Base, error) {
	img := new(kernel.Image)
	data, err := s.objects.read(vmlinux)
	switch {
	case err == nil:
		if img, err = kernel.OpenImage(bytes.NewReader(data), int64(len(data)), nil); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path(btfFolder, vmlinux), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case config == nil:
		return nil, fmt.Errorf("%s: not there. The kernel has no BTF (CONFIG_DEBUG_INFO_BTF), or refused its own, or /sys is not mounted", s.path(btfFolder, vmlinux))
	}
	img.Banner = s.banner
	b := &guard.Base{Path: s.path(btfFolder, vmlinux), Owner: "the kernel that runs", Origin: guard.Running, Release: s.release}
	b.Describe(img, config, as)
	for _, d := range onDisk {
		if d.Fingerprint.Base != b.Fingerprint.Base || b.Table == nil {
			continue
		}
		b.Vermagic = d.Vermagic
		if d.Banner == b.Banner && (config == nil || d.Config != nil) {
			path, owner, origin := b.Path, b.Owner, b.Origin
			*b = *d // the same kernel, of which an image shows more
			b.Path, b.Owner, b.Origin, b.BootImage = path, owner, origin, false
		}
		break
	}
	return b, nil
}

// loadedModule is one line of /proc/modules.
type loadedModule struct {
	name   string
	forced bool // loaded in spite of a vermagic or symbol version that differs
}

// loaded lists the modules that are loaded.
func (s *system) loaded() ([]loadedModule, error) {
	text, err := s.text("proc/modules")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a kernel without loadable modules
	}
	if err != nil {
		return nil, err
	}
	var out []loadedModule
	for line := range strings.Lines(text) {
		// name size users by state address (taints)
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		m := loadedModule{name: fields[0]}
		if last := fields[len(fields)-1]; strings.HasPrefix(last, "(") {
			m.forced = strings.Contains(last, "F")
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b loadedModule) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// releases lists the kernels that have modules on disk, the one that runs first, the
// others newest first.
func (s *system) releases() []string {
	var out []string
	for _, lib := range []string{"lib/modules", "usr/lib/modules"} {
		entries, _ := os.ReadDir(s.path(lib))
		for _, e := range entries {
			if s.modules(e.Name()) != "" && !slices.Contains(out, e.Name()) {
				out = append(out, e.Name())
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		switch {
		case a == s.release:
			return -1
		case b == s.release:
			return 1
		}
		return cmp.Or(rpm.CompareVersions(b, a), strings.Compare(b, a))
	})
	return out
}

// images are the files that a kernel may boot from, outside of the folder of its
// modules.
func (s *system) images(release string) []string {
	var out []string
	for _, name := range []string{"vmlinux", "vmlinuz", "Image", "zImage", "bzImage"} {
		path := s.path("boot", name+"-"+release)
		if _, err := os.Stat(path); err == nil {
			out = append(out, path)
		}
	}
	return out
}
