// SPDX-License-Identifier: Apache-2.0

// Package running answers for a machine that runs: whether the modules on its disk
// fit its kernel, what of the loaded ones lacks BTF, and whether a reboot cures it.
// It only reads, and needs no more rights than the files that it reads.
package running

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/obs-btf-guard/obs-btf-guard/internal/collect"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// Options say what to look at.
type Options struct {
	Root    string // "/", or the folder below which proc, sys, lib and boot of a machine are
	Assumed guard.Assumed
	Policy  guard.Policy // may be nil
	// Read reads what lies in files and folders, with whatever progress is shown.
	Read func(collect.Sources) (*guard.Inventory, error)
}

// State is what was found.
type State struct {
	KernelRelease string `json:"kernelrelease"`
	Config        string `json:"config,omitempty"` // the file; absent where none can be read
	// Asked: the kernel itself was asked for its tables, which takes root; otherwise
	// they come from /sys/kernel/btf.
	Asked   bool     `json:"asked"`
	Loaded  []Loaded `json:"loaded"`
	Reboots []Reboot `json:"reboots"`
	Notes   []string `json:"notes"` // what could not be looked at

	noModules bool // the kernel was built without

	ill bool // something fails now that a reboot may cure
}

// Loaded is a module that is loaded.
type Loaded struct {
	Module string `json:"module"`
	Path   string `json:"path,omitempty"` // of its file, absent where there is none
	BTF    bool   `json:"btf"`            // the kernel holds a table of it
	State  string `json:"state"`          // one of the words below
	Forced bool   `json:"forced,omitempty"`
	// Verdict is that of the table which the kernel holds, absent where it holds none.
	Verdict guard.Verdict `json:"verdict,omitempty"`
	Reasons []string      `json:"reasons,omitempty"` // where the verdict fails

	distilled bool
}

// What became of a loaded module.
const (
	AsOnDisk   = "as-on-disk"  // the kernel holds the table that the file has, or neither has one
	WithoutBTF = "without-btf" // the file has a table, the kernel holds none
	OtherFile  = "other-file"  // the kernel holds another table than the file has
	NoFile     = "no-file"     // no file of that name is there any more
)

// Reboot is a kernel on disk, and what its modules would be on it.
type Reboot struct {
	KernelRelease string                `json:"kernelrelease"`
	Image         string                `json:"image"`
	Base          *fingerprint.Digest   `json:"base,omitempty"`
	Same          bool                  `json:"same_base"` // as the kernel that runs
	Modules       int                   `json:"modules"`
	Verdicts      map[guard.Verdict]int `json:"verdicts"`
	Fail          int                   `json:"fail"` // modules of which something fails
}

// Check checks the modules on disk against the kernel that runs. It returns an error if
// nothing can be checked on this machine, or that of the context.
func Check(ctx context.Context, o Options) (*guard.Result, *State, error) {
	s, err := open(o.Root)
	if err != nil {
		return nil, nil, err
	}
	config, configPath, err := s.config()
	if err != nil {
		return nil, nil, err
	}
	state := &State{KernelRelease: s.release, Config: configPath, Asked: s.objects.asked(), Loaded: []Loaded{}, Reboots: []Reboot{}, Notes: []string{}}
	if config == nil {
		state.Notes = append(state.Notes, "the configuration of the kernel that runs: neither /proc/config.gz nor a config file is there")
	}
	tree, err := s.tree(o, s.release)
	if err != nil {
		return nil, nil, err
	}
	state.Notes = append(state.Notes, tree.notes...)
	base, err := s.base(tree.kernels, config, o.Assumed)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range tree.modules {
		if base.Arch == "" {
			base.Arch = m.Arch // a raw table does not say it
		}
	}
	loaded, err := s.loaded()
	if err != nil {
		return nil, nil, err
	}
	pairs := s.match(loaded, tree.modules)
	if base.Vermagic == "" {
		base.Vermagic = vermagicOf(pairs)
	}

	if on, known := config.Enabled("CONFIG_MODULES"); !on && (known || config != nil) {
		state.noModules = true
		state.Notes = append(state.Notes, "modules: this kernel was built without (CONFIG_MODULES is not set)")
		return &guard.Result{Bases: []*guard.Base{base}}, state, nil
	}
	inv := tree.inventory(base)
	inv.Problems = append(inv.Problems, tree.problems...)
	if tree.dir == "" {
		inv.Problems = append(inv.Problems, guard.Problem{Path: s.path("lib/modules", s.release),
			Err: errors.New("not there, so no module can be loaded until the next reboot. Its package was removed or replaced")})
	} else if len(tree.modules)+len(tree.problems) == 0 {
		inv.Problems = append(inv.Problems, guard.Problem{Path: tree.dir, Err: errors.New("no module in it, so nothing was checked")})
	}
	res, err := guard.Judge(ctx, inv, guard.Options{Policy: o.Policy})
	if err != nil {
		return nil, nil, err
	}
	if state.Loaded, err = judgeLoaded(ctx, pairs, res, base); err != nil {
		return nil, nil, err
	}
	state.ill = res.Worst() == guard.Fail || tree.dir == ""
	state.Reboots, err = s.reboots(ctx, o, tree, base, state.ill)
	return res, state, err
}

// tree is what lies on disk for one kernelrelease.
type tree struct {
	dir      string
	kernels  []*guard.Base
	modules  []*guard.Module
	problems []guard.Problem
	notes    []string
}

// tree reads the modules of a kernelrelease and the kernels that boot with them. An
// image that cannot be read, as many are root's, costs the answer about a reboot and
// no more.
func (s *system) tree(o Options, release string) (*tree, error) {
	t := &tree{dir: s.modules(release)}
	places := s.images(release)
	if t.dir != "" {
		places = append([]string{t.dir}, places...)
	}
	for _, place := range places {
		if place != t.dir && len(t.kernels) > 0 {
			break // that of the folder of modules is the same
		}
		inv, err := o.Read(collect.Packages(place))
		if err != nil {
			return nil, err
		}
		for _, p := range inv.Problems {
			role := kernel.ClassifyPath(p.Path)
			if role == kernel.RoleVmlinux || role == kernel.RoleBootImage {
				t.notes = append(t.notes, p.Path+": "+regular.WithoutPath(p.Err).Error()+forRoot(p.Err))
			} else {
				t.problems = append(t.problems, p)
			}
		}
		for _, b := range inv.Bases {
			b.Tree, b.Release = t.dir, release // they belong together
			t.kernels = append(t.kernels, b)
		}
		t.modules = append(t.modules, inv.Modules...)
	}
	return t, nil
}

func forRoot(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return " (root may)"
	}
	return ""
}

// inventory has the modules of a tree meet one kernel. Where that is the one that runs,
// the one on disk tells what they were built on.
func (t *tree) inventory(b *guard.Base) *guard.Inventory {
	inv := &guard.Inventory{Bases: []*guard.Base{b}, Modules: t.modules}
	if b.Origin == guard.Running && len(t.kernels) == 1 && t.kernels[0].Table != nil && t.kernels[0].Fingerprint.Base != b.Fingerprint.Base {
		own := *t.kernels[0]
		own.Origin = guard.Own
		inv.Bases = append(inv.Bases, &own)
	}
	return inv
}

// pair is a loaded module with its file.
type pair struct {
	loadedModule
	file  *guard.Module // nil where there is none
	table []byte        // that the kernel holds
	has   bool
}

// match finds the files of the modules that are loaded, and what the kernel holds of
// them.
func (s *system) match(loaded []loadedModule, files []*guard.Module) []pair {
	byName := map[string]*guard.Module{}
	for _, m := range files {
		byName[m.Name] = m
	}
	var out []pair
	for _, l := range loaded {
		p := pair{loadedModule: l, file: byName[l.name], has: s.objects.has(l.name)}
		if p.has {
			p.table, _ = s.objects.read(l.name) // it may be unloaded at any time
		}
		out = append(out, p)
	}
	return out
}

// asOnDisk reports whether the kernel holds the very table of the file. One with a
// .BTF.base it rewrote.
func (p pair) asOnDisk() bool { return p.has && p.file != nil && bytes.Equal(p.table, p.file.BTF) }

// vermagicOf is what the kernel that runs compares vermagics with, as far as modules
// tell that it took.
func vermagicOf(pairs []pair) string {
	for _, p := range pairs {
		if p.asOnDisk() && !p.forced && p.file.Vermagic() != "" {
			return p.file.Vermagic()
		}
	}
	return ""
}

// judgeLoaded says of each loaded module what the kernel holds of it, and what that is
// worth.
func judgeLoaded(ctx context.Context, pairs []pair, res *guard.Result, base *guard.Base) ([]Loaded, error) {
	onDisk := map[*guard.Module]*guard.Finding{}
	for i := range res.Findings {
		onDisk[res.Findings[i].Module] = &res.Findings[i]
	}
	inv := &guard.Inventory{Bases: []*guard.Base{base}}
	out := []Loaded{}
	at := map[*guard.Module]int{}
	for _, p := range pairs {
		l := Loaded{Module: p.name, BTF: p.has, Forced: p.forced, State: NoFile}
		if p.file != nil {
			l.Path = p.file.Path
			l.distilled = p.file.Distilled
			switch {
			case len(p.file.BTF) > 0 && !p.has:
				l.State = WithoutBTF
			case !p.has, p.asOnDisk(), p.file.Distilled && base.Rules.Distilled:
				l.State = AsOnDisk
			default:
				l.State = OtherFile
			}
		}
		if p.has && l.State == AsOnDisk && onDisk[p.file] != nil {
			l.judged(onDisk[p.file])
		} else if len(p.table) > 0 {
			m := &guard.Module{Name: p.name, Path: btfFolder + "/" + p.name, Release: base.Release, Raw: true, BTF: p.table}
			inv.Modules = append(inv.Modules, m)
			at[m] = len(out)
		}
		out = append(out, l)
	}
	judged, err := guard.Judge(ctx, inv, guard.Options{})
	if err != nil {
		return nil, err
	}
	for i := range judged.Findings {
		f := &judged.Findings[i]
		out[at[f.Module]].judged(f)
	}
	return out, nil
}

func (l *Loaded) judged(f *guard.Finding) {
	l.Verdict = f.Verdict
	if f.Severity == guard.Fail {
		l.Reasons = f.Reasons
	}
}

// reboots judges what a reboot would give: always of the kernelrelease that runs, and
// where that cures nothing and something is to be cured, of the others until one does.
func (s *system) reboots(ctx context.Context, o Options, own *tree, runs *guard.Base, ill bool) ([]Reboot, error) {
	out := []Reboot{}
	for _, release := range s.releases() {
		t := own
		if release != s.release {
			if !ill || slices.ContainsFunc(out, Reboot.Fits) {
				break
			}
			var err error
			if t, err = s.tree(o, release); err != nil {
				return nil, err
			}
		}
		for _, b := range t.kernels {
			res, err := guard.Judge(ctx, t.inventory(b), guard.Options{Policy: o.Policy})
			if err != nil {
				return nil, err
			}
			r := Reboot{KernelRelease: release, Image: b.Path, Same: b.Fingerprint.Base == runs.Fingerprint.Base && runs.Table != nil,
				Modules: len(t.modules), Verdicts: map[guard.Verdict]int{}}
			if fp := b.Fingerprint.Base; !fp.IsZero() {
				r.Base = &fp
			}
			for _, f := range res.Findings {
				r.Verdicts[f.Verdict]++
				if f.Worst() == guard.Fail {
					r.Fail++
				}
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// Fits reports whether all modules fit that kernel.
func (r Reboot) Fits() bool { return r.Fail == 0 && r.Modules > 0 }
