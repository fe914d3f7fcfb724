// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
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

// users are the modules whose kfuncs the programs of bpf/kfuncs.c call.
var users = []string{"nf_conntrack", "nf_nat", "nf_flow_table", "fou", "xfrm_interface", "tcp_bbr", "tcp_dctcp"}

// refusals are programs that no kernel takes, and words of why.
var refusals = map[string]string{
	"refused_without_release": "Unreleased reference",
	"refused_without_check":   "NULL",
	"refused_type":            "calling kernel function bbr_init is not allowed",
	"refused_entry":           "STRUCT nf_conn",
}

// TestSurvive boots a build with the modules of another, as they are and distilled, and
// loads them without force. Distilled, each has the table that relocate predicts, and
// BPF programs call the kfuncs. As they are, none has a table that means what it says.
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
	object := bpfObject(t)
	plain := t.TempDir()
	order := other.unpack(t, plain, *survivors)
	distilled := distil(t, other, plain)
	t.Logf("%d modules of %s on %s", len(order), other.krel, on.krel)
	functions := functionsOf(t, other, plain, order)

	t.Run("distilled", func(t *testing.T) {
		modules, programs := survive(t, on, distilled, order, object, functions)
		loaded, right := 0, 0
		target := relocate.Onto(on.base, on.rules)
		for _, name := range order {
			r, m := modules[name], openModule(t, distilled, name)
			if r.Err == "" {
				loaded++
			} else if *verbose {
				t.Logf("%s: %s", name, r.Err)
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
		t.Logf("%d of %d loaded, %d tables are what was predicted", loaded, len(order), right)
		if right < len(order)*3/4 {
			t.Errorf("%d of %d modules have the right table: too few to prove anything", right, len(order))
		}
		for _, name := range slices.Sorted(maps.Keys(programs)) {
			why, refused := refusals[name]
			if said := programs[name]; refused != (said != "") || !strings.Contains(said, why) {
				t.Errorf("%s: %q, want %q", name, said, why)
			}
		}
		for name := range refusals {
			if _, tried := programs[name]; !tried {
				t.Errorf("%s was not tried", name)
			}
		}
		t.Logf("%d programs: %v", len(programs), programs)
	})
	t.Run("plain", func(t *testing.T) {
		modules, programs := survive(t, on, plain, order, object, functions)
		bases := compare.New(other.base, on.base)
		served, wrong := 0, 0
		for _, name := range order {
			r, m := modules[name], openModule(t, plain, name)
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
		for _, name := range slices.Sorted(maps.Keys(programs)) {
			if programs[name] != "" && !strings.HasPrefix(name, "refused_") {
				lost++
				t.Logf("%s: %s", name, programs[name])
			}
		}
		if lost == 0 {
			t.Error("all programs load with plain modules as well: they prove nothing")
		}
	})
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

// unpack writes modules into a folder, without their signatures: those that users name
// and others of the harmless folders, up to n, with all that they depend on. It returns
// their names in an order in which they can be loaded.
func (b *build) unpack(t *testing.T, dir string, n int) (order []string) {
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
		m, err := kernel.OpenModule(data, paths[name], nil)
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
	visit("crc32c_generic") // libcrc32c asks for it when it is loaded
	for _, name := range users {
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
	m, err := kernel.OpenModule(data, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// distil has the program distil copies of the modules.
func distil(t *testing.T, b *build, plain string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "obs-btf-guard")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/obs-btf-guard").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(plain)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "distill", "--in-place", "--base", b.vmlinuz, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", bytes.TrimSpace(out))
	return dir
}

// bpfObject compiles the programs.
func bpfObject(t *testing.T) []byte {
	t.Helper()
	if _, err := exec.LookPath("clang"); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "kfuncs.o")
	if out, err := exec.Command("clang", "-target", "bpf", "-O2", "-g", "-Wall", "-Werror", "-c", "bpf/kfuncs.c", "-o", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// functionsOf names a function with arguments of each of the first modules.
func functionsOf(t *testing.T, b *build, dir string, order []string) (out []string) {
	t.Helper()
	for _, name := range order[:min(len(order), 12)] {
		m := openModule(t, dir, name)
		table, err := btf.Parse(m.BTF, b.base)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		symbols := map[string]bool{} // a function that was inlined cannot be attached to
		for s, err := range m.Symbols() {
			if err != nil {
				t.Fatal(err)
			}
			symbols[s.Name] = s.Type == elf.STT_FUNC
		}
		for typ := range table.Types() {
			proto, _ := table.Type(btf.TypeID(typ.SizeType))
			if typ.Kind() == btf.KindFunc && symbols[table.Name(typ)] && proto.Kind() == btf.KindFuncProto && proto.Vlen() > 0 {
				param, _ := table.Type(proto.Param(0).Type)
				if param.Kind() == btf.KindPtr {
					out = append(out, table.Name(typ))
					break
				}
			}
		}
	}
	return out
}

// survive boots a build with modules and says what became of each, and why the kernel
// refused which programs.
func survive(t *testing.T, on *build, dir string, order []string, object []byte, functions []string) (modules map[string]wire.Survived, programs map[string]string) {
	t.Helper()
	c := new(cpio)
	for _, d := range []string{"dev", "proc", "sys", "tmp", wire.Modules} {
		c.add(d, modeDir, nil)
	}
	c.add("init", modeFile, goProgram(t, on.machine, "build", "-ldflags", "-s -w", "./survive"))
	c.add(wire.ModuleList, modeFile, []byte(strings.Join(order, "\n")))
	c.add(wire.Object, modeFile, object)
	c.add(wire.Functions, modeFile, []byte(strings.Join(functions, "\n")))
	for _, name := range order {
		data, err := os.ReadFile(filepath.Join(dir, name+".ko"))
		if err != nil {
			t.Fatal(err)
		}
		c.add(wire.Modules+"/"+name+".ko", modeFile, data)
	}
	port, err := run(t, on.machine, on.vmlinuz, c.finish())
	modules, programs = map[string]wire.Survived{}, map[string]string{}
	last := readSurvived(t, port, func(r wire.Survived) {
		if r.Module != "" {
			modules[r.Module] = r
		} else {
			programs[r.Program] = r.Err
		}
	})
	if !last.Done {
		t.Fatalf("the machine ended behind %d modules and %d programs: %s %v", len(modules), len(programs), last.Fatal, err)
	}
	return modules, programs
}

func readSurvived(t *testing.T, port string, take func(wire.Survived)) (last wire.Survived) {
	t.Helper()
	f, err := os.Open(port)
	if err != nil {
		return wire.Survived{Fatal: fmt.Sprint(err)}
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r wire.Survived
		if err := json.Unmarshal(bytes.TrimSpace(lines.Bytes()), &r); err != nil {
			return wire.Survived{Fatal: fmt.Sprintf("%q: %v", lines.Text(), err)}
		}
		if r.Done || r.Fatal != "" {
			return r
		}
		take(r)
	}
	return wire.Survived{}
}
