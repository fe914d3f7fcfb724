// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/qemu/wire"
	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/relocate"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// users are the modules whose kfuncs the programs call, behind the one that libcrc32c asks
// for when it is loaded.
var users = []string{"crc32c_generic", "nf_conntrack", "nf_nat", "nf_flow_table", "fou", "xfrm_interface", "tcp_bbr", "tcp_dctcp"}

// wants are what the programs of bpf/kfuncs.c return when they run.
var wants = map[string]uint32{"ct_insert": 10, "ct_lookup": 11, "ct_lookup_skb": 11, "nat": 10, "fou": 53, "xfrm": 77, "flow": 12}

// congestion are the programs that control TCP with the modules' functions.
var congestion = []string{"bbr", "dctcp"}

// refusals are programs that no kernel takes, and words of why.
var refusals = map[string]string{
	"refused_without_release": "Unreleased reference",
	"refused_without_check":   "NULL",
	"refused_type":            "calling kernel function bbr_init is not allowed",
	"refused_entry":           "STRUCT nf_conn",
}

// TestSurvive boots a build with the modules of another, as they are and distilled.
// Distilled, they are signed and compressed, and the kernel takes nothing that is not
// signed: each has the table that relocate predicts, BPF programs call the kfuncs, TCP
// runs through them, and entries of functions can be attached to. As they are, none has
// a table that means what it says.
func TestSurvive(t *testing.T) {
	on, other := twoBuilds(t)
	if _, err := exec.LookPath(on.machine.qemu[0]); err != nil {
		t.Skip(err)
	}
	if !on.rules.Distilled {
		t.Skipf("Linux %v does not read .BTF.base", on.version)
	}
	if on.machine.goarch != "amd64" {
		t.Skip("the module list is that of x86_64")
	}
	objects := bpfObjects(t)
	plain := t.TempDir()
	order := other.unpack(t, plain, *survivors, users...)
	t.Logf("%d modules of %s on %s", len(order), other.krel, on.krel)

	t.Run("distilled", func(t *testing.T) {
		key := newSigner(t)
		distilled := distillModules(t, other, plain)
		got := survive(t, on, key.boot(), key.pack(t, distilled, order), objects)
		for _, name := range []string{noSignature, tampered} {
			if err := got.modules[name].Err; !strings.Contains(err, "key was rejected") {
				t.Errorf("%s: %q", name, err)
			}
		}
		loaded, right := 0, 0
		target := relocate.Onto(on.base, on.rules)
		for _, name := range order {
			r, m := got.modules[name], openModule(t, distilled, name)
			if r.Err == "" {
				loaded++
			} else if *verbose {
				t.Logf("%s: %s", name, r.Err)
			}
			if r.Taint != "" {
				t.Errorf("%s taints the kernel: %s", name, r.Taint)
			}
			if !m.HasBTFBase {
				continue
			}
			want := target.Module(m.BTF, m.BTFBase)
			switch {
			case r.Err != "" && r.BTF == 0: // it has no device here, and is gone
			case !want.Accepted() && r.BTF == 0:
			case !want.Accepted() || r.Sum != wire.Sum(want.Data):
				t.Errorf("%s: %d bytes of BTF (%s), predicted are %d (errno %d)", name, r.BTF, r.Sum, len(want.Data), want.Errno)
			default:
				right++
			}
		}
		t.Logf("%d of %d loaded, signed and compressed; %d tables are what was predicted", loaded, len(order), right)
		if right < len(order)*3/4 {
			t.Errorf("%d of %d modules have the right table: too few to prove anything", right, len(order))
		}
		got.run(t)
	})
	t.Run("plain", func(t *testing.T) {
		got := survive(t, on, start{}, load(t, plain, order, ".ko"), objects)
		bases := compare.New(other.base, on.base)
		served, wrong := 0, 0
		for _, name := range order {
			r, m := got.modules[name], openModule(t, plain, name)
			if r.BTF == 0 || len(m.BTF) == 0 {
				continue
			}
			served++
			if r.Sum != wire.Sum(m.BTF) {
				t.Errorf("%s: the kernel serves another table than the module has", name)
			}
			built, err1 := btf.Parse(m.BTF, other.base)
			read, err2 := btf.Parse(m.BTF, on.base)
			if err1 != nil || err2 != nil || bases.Module(built, read).Misread() {
				wrong++
			}
		}
		t.Logf("the kernel serves %d tables, %d of them mean something else", served, wrong)
		if served > wrong {
			t.Errorf("%d of %d plain modules fit: this pair of builds proves nothing", served-wrong, served)
		}
		lost := 0
		for _, name := range slices.Sorted(maps.Keys(got.programs)) {
			if err := got.programs[name].Err; err != "" && !strings.HasPrefix(name, "refused_") {
				lost++
				t.Logf("%s: %s", name, err)
			}
		}
		if lost == 0 {
			t.Error("all programs load with plain modules as well: they prove nothing")
		}
		got.entered(t)
	})
}

// Files that the kernel must not take: a module without a signature, and one whose
// .BTF.base changed after it was signed.
const noSignature, tampered = "nosignature", "tampered"

// pack signs and compresses modules. Before them come the files that are to be refused.
func (s *signer) pack(t *testing.T, dir string, order []string) cargo {
	t.Helper()
	out := t.TempDir()
	if err := os.CopyFS(out, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(out, name+".ko") }
	first := order[0]
	for _, name := range []string{noSignature, tampered} {
		tool(t, "cp", file(first), file(name))
	}
	for _, name := range append([]string{tampered}, order...) {
		s.sign(t, file(name))
	}
	data, err := os.ReadFile(file(tampered))
	if err != nil {
		t.Fatal(err)
	}
	base := openModule(t, dir, first).BTFBase
	data[bytes.Index(data, base)+len(base)-2] ^= 1 // in its last string
	if err := os.WriteFile(file(tampered), data, 0o644); err != nil {
		t.Fatal(err)
	}
	names := append([]string{noSignature, tampered}, order...)
	var paths []string
	for _, name := range names {
		paths = append(paths, file(name))
	}
	compress(t, paths...)
	return load(t, out, names, ".ko.xz")
}

// cargo is what the machine loads, in that order.
type cargo struct {
	names []string // of files
	data  map[string][]byte
}

func load(t *testing.T, dir string, order []string, ext string) cargo {
	t.Helper()
	c := cargo{data: map[string][]byte{}}
	for _, name := range order {
		data, err := os.ReadFile(filepath.Join(dir, name+ext))
		if err != nil {
			t.Fatal(err)
		}
		c.names, c.data[name+ext] = append(c.names, name+ext), data
	}
	return c
}

// unsupported is what no kernel attaches a program to (btf_distill_func_proto in
// kernel/bpf/btf.c).
var unsupported = regexp.MustCompile(`with variable args is unsupported|(return|arg\d+) type (STRUCT|UNION) is unsupported|has \d+ arguments\. Too many`)

// run checks what the programs did that call kfuncs, and those on entries.
func (s *survived) run(t *testing.T) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s.programs)) {
		r := s.programs[name]
		why, refused := refusals[name]
		if refused != (r.Err != "") || !strings.Contains(r.Err, why) {
			t.Errorf("%s: %q, want %q", name, r.Err, why)
		}
		if want, ok := wants[name]; ok && r.Ran != want {
			t.Errorf("%s returned %d, want %d", name, r.Ran, want)
		}
	}
	for _, names := range []iter.Seq[string]{maps.Keys(refusals), maps.Keys(wants)} {
		for name := range names {
			if _, tried := s.programs[name]; !tried {
				t.Errorf("%s was not tried", name)
			}
		}
	}
	for _, name := range congestion {
		calls := s.programs["bpf_"+name].Ran
		if calls < 10 { // it goes back to Reno where it cannot work, which asks once or twice
			t.Errorf("TCP did not run through bpf_%s", name)
		}
		t.Logf("bpf_%s was asked %d times", name, calls)
	}
	e := s.entered(t)
	for _, line := range e.Refused {
		if !unsupported.MatchString(line) {
			t.Error(line)
		}
	}
	if e.Loaded == 0 || e.Attached < min(e.Loaded, *attached) {
		t.Errorf("of %d entries %d were attached", e.Loaded, e.Attached)
	}
}

// entered reports on programs on the entries of functions.
func (s *survived) entered(t *testing.T) wire.Entries {
	t.Helper()
	if s.entries == nil {
		t.Fatal("no entries of functions were tried")
	}
	e := *s.entries
	t.Logf("of %d functions that can be traced, %d were tried: %d loaded, %d of them attached; refused are %d", e.Traceable, e.Loaded+len(e.Refused), e.Loaded, e.Attached, len(e.Refused))
	return e
}

// twoBuilds are those of the folder that E2E_REBUILD names, the newer first, else the
// two newest kernels of 6.12.
func twoBuilds(t *testing.T) (on, other *build) {
	t.Helper()
	dir := os.Getenv("E2E_REBUILD")
	if dir == "" {
		all := pairs(t)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if two := all[name]; len(two) == 2 && two[0].rules.Distilled {
				return two[0], two[1]
			}
		}
		t.Skip("no two builds of a kernel that reads .BTF.base")
	}
	index, err := os.ReadFile(filepath.Join(dir, "index"))
	if err != nil {
		t.Skip(err)
	}
	krels := strings.Fields(string(index))
	if len(krels) != 2 {
		t.Fatalf("%s/index names %d kernels, want 2", dir, len(krels))
	}
	return openBuild(t, filepath.Join(dir, krels[0]), krels[0]), openBuild(t, filepath.Join(dir, krels[1]), krels[1])
}

// harmless are folders of modules that load without a device and touch no port of one,
// first those with kfuncs.
var harmless = []string{
	"net", "fs", "crypto", "lib", "drivers/hid", "drivers/iio", "drivers/media/i2c", "drivers/media/tuners", "drivers/media/dvb-frontends",
	"drivers/media/usb", "drivers/media/rc", "sound/soc/codecs", "sound/usb", "drivers/usb", "drivers/net/usb", "drivers/net/phy", "drivers/md", "drivers/input/touchscreen",
	"drivers/regulator", "drivers/leds", "drivers/w1",
}

// unpack writes modules into a folder, without their signatures: those that are named
// and others of the harmless folders, up to n, with all that they depend on. It returns
// their names in an order in which they can be loaded.
func (b *build) unpack(t *testing.T, dir string, n int, named ...string) (order []string) {
	t.Helper()
	paths, places := map[string]string{}, map[string]string{}
	for _, path := range b.modules {
		name := kernel.ModuleName(path)
		paths[name] = path
		_, places[name], _ = strings.Cut(filepath.Dir(path), "/kernel/")
	}
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] || paths[name] == "" {
			return
		}
		seen[name] = true
		data := unpacked(t, paths[name])
		m, err := kernel.OpenModule(data, paths[name])
		if err != nil {
			t.Fatal(err)
		}
		depends, _ := m.Modinfo.Get("depends")
		for d := range strings.SplitSeq(depends, ",") {
			visit(strings.ReplaceAll(d, "-", "_"))
		}
		if err := os.WriteFile(filepath.Join(dir, name+".ko"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		order = append(order, name)
	}
	for _, name := range named {
		if paths[name] == "" {
			t.Skipf("%s has no module %s", b.krel, name)
		}
		visit(name)
	}
	for _, place := range harmless {
		for _, name := range slices.Sorted(maps.Keys(paths)) {
			if len(order) < n && (places[name] == place || strings.HasPrefix(places[name], place+"/")) {
				visit(name)
			}
		}
	}
	return order
}

// unpacked reads a module as the kernel's build made it: a signature that holds no more
// would be in the way.
func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if format := decompress.Detect(data); format != decompress.None {
		var d decompress.Decoder
		defer d.Close()
		if data, err = d.Append(nil, format, data, kernel.MaxModule); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	const magic, info = "~Module signature appended~\n", 12
	if rest, ok := bytes.CutSuffix(data, []byte(magic)); ok {
		size := int(rest[len(rest)-4])<<24 | int(rest[len(rest)-3])<<16 | int(rest[len(rest)-2])<<8 | int(rest[len(rest)-1])
		data = rest[:len(rest)-info-size]
	}
	return data
}

func openModule(t *testing.T, dir, name string) *kernel.Module {
	t.Helper()
	path := filepath.Join(dir, name+".ko")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := kernel.OpenModule(data, path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// distillModules has the program distill copies of the modules.
func distillModules(t *testing.T, b *build, plain string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "obs-btf-guard")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/obs-btf-guard").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(plain)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, append(append([]string{"distill", "--in-place", "--base", b.vmlinuz}, flags...), dir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", bytes.TrimSpace(out))
	return dir
}

// bpfObjects compiles the programs, by the names of their sources.
func bpfObjects(t *testing.T) map[string][]byte {
	t.Helper()
	if _, err := exec.LookPath("clang"); err != nil {
		t.Skip(err)
	}
	objects := map[string][]byte{}
	for _, name := range append([]string{"kfuncs"}, congestion...) {
		path := filepath.Join(t.TempDir(), name+".o")
		tool(t, "clang", "-target", "bpf", "-O2", "-g", "-Wall", "-Werror", "-c", "bpf/"+name+".c", "-o", path)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		objects[name] = data
	}
	return objects
}

// survived is what became of modules and programs.
type survived struct {
	modules, programs map[string]wire.Survived
	entries           *wire.Entries
	traces            map[string]*wire.Traces // by what they are of
}

// survive boots a build with modules and says what became of each, and of the programs.
func survive(t *testing.T, on *build, with start, modules cargo, objects map[string][]byte) *survived {
	t.Helper()
	c := new(cpio)
	for _, d := range []string{"dev", "proc", "sys", "tmp", wire.Modules, wire.Congestion} {
		c.add(d, modeDir, nil)
	}
	plan, err := json.Marshal(wire.Plan{Load: modules.names, Entries: *entries, Attach: *attached})
	if err != nil {
		t.Fatal(err)
	}
	c.add("init", modeFile, goProgram(t, on.machine, "build", "-ldflags", "-s -w", "./survive"))
	c.add(wire.PlanFile, modeFile, plan)
	c.add(wire.Object, modeFile, objects["kfuncs"])
	for _, name := range congestion {
		c.add(wire.Congestion+"/"+name+".o", modeFile, objects[name])
	}
	for _, name := range modules.names {
		c.add(wire.Modules+"/"+name, modeFile, modules.data[name])
	}
	port, err := run(t, on.machine, on.vmlinuz, c.finish(), with)
	s := &survived{modules: map[string]wire.Survived{}, programs: map[string]wire.Survived{}, traces: map[string]*wire.Traces{}}
	results, last := readResults[wire.Survived](t, port)
	for _, r := range results {
		switch {
		case r.Module != "":
			s.modules[r.Module] = r
		case r.Entries != nil:
			s.entries = r.Entries
		case r.Traces != nil:
			s.traces[r.Program] = r.Traces
		default:
			s.programs[r.Program] = r
		}
	}
	if !last.Done {
		t.Fatalf("the machine ended behind %d modules and %d programs: %s %v", len(s.modules), len(s.programs), last.Fatal, err)
	}
	return s
}
