// SPDX-License-Identifier: Apache-2.0

// Package distill gives the modules of a kernel, as they lie in a build, a .BTF.base
// each, so that a kernel from Linux 6.11 on can fit them onto another base than the
// one that they were built on. docs/remedy.md says what for.
//
// [Run] goes through files and folders. A module that cannot be distilled, or whose
// distilled form does not stand up to the checks, stays as it was, and the [Report]
// says why.
package distill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/parallel"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Plain is what becomes of a list of numbers that no kernel relocates
// (nf_conntrack's btf_nf_conn_ids).
type Plain string

// The ways.
const (
	Keep   Plain = "keep"   // right on the vmlinux of the build, wrong on others
	Zero   Plain = "zero"   // what needs them does not work anywhere, and nothing is mistaken
	Mapped Plain = "mapped" // for a kernel that was patched to relocate them
)

// Options say how modules are distilled.
type Options struct {
	Base      *guard.Base // the one that they were built on
	Plain     Plain
	MaxGrowth int // of a file, in percent; a module that grows more stays as it is

	// Output is a folder for the new modules, which must be there; "" replaces the old
	// ones.
	Output string
}

// Outcome is what became of a file.
type Outcome string

// The outcomes.
const (
	Distilled Outcome = "distilled"
	Already   Outcome = "has .BTF.base" // nothing to do
	NoBTF     Outcome = "no BTF"        // nothing to do
	Left      Outcome = "left"          // cannot be distilled, and stays as it was
	Failed    Outcome = "failed"        // could not be read, checked or written
)

// File is one module.
type File struct {
	Path    string
	Outcome Outcome
	Err     error    // why, of Left and Failed
	Notes   []string // what is to be known of a distilled one
	Before  int64    // bytes of the file
	After   int64
}

// Report is what a run did, in the order of paths.
type Report struct{ Files []File }

// Count is how many files have an outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, f := range r.Files {
		if f.Outcome == o {
			n++
		}
	}
	return n
}

// Refuse says why nothing can be distilled for the kernel of a base, nil if it can.
func Refuse(b *guard.Base) error {
	switch {
	case b.Table == nil && b.Refused != nil:
		return errors.New("its own kernel refuses its .BTF")
	case b.Table == nil:
		return errors.New("has no .BTF")
	case !b.Rules.Distilled && b.Version.IsZero():
		return errors.New("its kernel does not read .BTF.base, so that distilled modules would have no right BTF at all. Linux 6.11 and later read it")
	case !b.Rules.Distilled:
		return fmt.Errorf("its kernel, Linux %v, does not read .BTF.base, so that distilled modules would have no right BTF at all. Linux 6.11 and later read it", b.Version)
	case slices.ContainsFunc(b.Decisions, func(d verify.Decision) bool { return d.Rule == ".BTF.base" && d.Source == verify.Assumed }):
		return errors.New("a raw .BTF does not show whether its kernel reads .BTF.base (Linux 6.11 and later). Give the vmlinux, or --kernel")
	}
	return nil
}

// Run distils the modules among the paths, files and whole folders, in place.
// Symbolic links are not followed. The only errors are that of ctx and of a path that
// is not there.
func Run(ctx context.Context, o Options, paths []string) (*Report, error) {
	d := &distiller{Options: o, target: relocate.Onto(o.Base.Table, o.Base.Rules), roots: map[string]*os.Root{}, written: map[string]bool{}}
	defer d.close()
	for _, p := range paths {
		if err := d.find(p); err != nil {
			return nil, err
		}
	}
	d.survey(ctx)
	report := &Report{Files: make([]File, len(d.work))}
	parallel.Each(ctx, len(d.work), runtime.GOMAXPROCS(0), func(i int) { report.Files[i] = d.file(d.work[i]) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(report.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return report, nil
}

// distiller is one run.
type distiller struct {
	Options
	target *relocate.Target
	roots  map[string]*os.Root // by folder: nothing outside of them is written to
	work   []place

	foreign int // how many modules contradict the base, if it is too many to be damaged

	mu      sync.Mutex
	written map[string]bool // in the output folder
}

// place is a file below a folder.
type place struct {
	root *os.Root
	name string // below it
	path string // for people
}

func (d *distiller) close() {
	for _, r := range d.roots {
		r.Close()
	}
}

func (d *distiller) root(dir string) (*os.Root, error) {
	if r := d.roots[dir]; r != nil {
		return r, nil
	}
	r, err := os.OpenRoot(dir)
	if err == nil {
		d.roots[dir] = r
	}
	return r, err
}

// find lists the modules of a path: a file that was named, whatever it is called, or
// those below a folder by their names.
func (d *distiller) find(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, collect.NotThere(path, regular.WithoutPath(err)))
	}
	if !info.IsDir() {
		r, err := d.root(filepath.Dir(path))
		if err != nil {
			return err
		}
		d.work = append(d.work, place{r, filepath.Base(path), path})
		return nil
	}
	r, err := d.root(path)
	if err != nil {
		return err
	}
	return fs.WalkDir(r.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(path, name), regular.WithoutPath(err))
		}
		if e.Type().IsRegular() && isModule(e.Name()) {
			d.work = append(d.work, place{r, name, filepath.Join(path, name)})
		}
		return nil
	})
}

// isModule knows modules by name, compressed ones too.
func isModule(name string) bool {
	return strings.HasSuffix(name, ".ko") || strings.Contains(name, ".ko.") && !strings.HasSuffix(name, ".tmp") && !strings.HasSuffix(name, ".debug")
}

// file distils one file.
func (d *distiller) file(p place) File {
	out := File{Path: p.path}
	info, data, err := read(p)
	if err != nil {
		out.Outcome, out.Err = Failed, regular.WithoutPath(err)
		return out
	}
	out.Before, out.After = info.Size(), info.Size()
	written, err := d.module(&out, data)
	switch {
	case err == nil && written == nil: // nothing to do
	case err == nil:
		if err = d.write(p, info, written); err == nil {
			out.Outcome, out.After = Distilled, int64(len(written))
		} else {
			out.Outcome, out.Err = Failed, fmt.Errorf("writing it: %w", regular.WithoutPath(err))
		}
	case errors.As(err, new(leave)):
		out.Outcome, out.Err = Left, err
	case errors.Is(err, kernel.ErrNotModule):
		out.Outcome, out.Err = Failed, collect.Stranger(data[:min(len(data), kernel.IdentifyLen)], info.Size(), "a kernel module", err)
	default:
		out.Outcome, out.Err = Failed, err
	}
	return out
}

// write puts a new module in the place of the old one, or into the output folder.
func (d *distiller) write(p place, old fs.FileInfo, data []byte) error {
	if d.Output == "" {
		return regular.ReplaceIn(p.root, p.name, old, data)
	}
	to := filepath.Join(d.Output, filepath.Base(p.name))
	d.mu.Lock()
	taken := d.written[to]
	d.written[to] = true
	d.mu.Unlock()
	if taken {
		return fmt.Errorf("another module has the same file name")
	}
	return os.WriteFile(to, data, old.Mode().Perm())
}

func read(p place) (fs.FileInfo, []byte, error) {
	f, err := regular.OpenIn(p.root, p.name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() > kernel.MaxModule {
		return nil, nil, fmt.Errorf("%d bytes, a module has at most %d", info.Size(), kernel.MaxModule)
	}
	data := make([]byte, info.Size())
	for n := 0; n < len(data); {
		m, err := f.Read(data[n:])
		if err != nil {
			return nil, nil, fmt.Errorf("%d bytes, read %d: %w", len(data), n, err)
		}
		n += m
	}
	return info, data, nil
}

// leave is why a module stays as it is.
type leave string

func (l leave) Error() string { return string(l) }

func leavef(format string, args ...any) error { return leave(fmt.Sprintf(format, args...)) }
