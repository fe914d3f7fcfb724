// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bufio"
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/compare"
)

// realPair reads the two raw tables that EXPLAIN_BASES="OLD NEW" names, or those
// of two kernels of the corpus.
func realPair(tb testing.TB) (old, new *btf.Table) {
	tb.Helper()
	paths := strings.Fields(os.Getenv("EXPLAIN_BASES"))
	if len(paths) != 2 {
		k := corpus.LoadKernels(tb)
		return k.Bases["6.1.0-53-amd64"], k.Bases["6.1.0-54-amd64"]
	}
	var tables [2]*btf.Table
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		if tables[i], err = btf.Parse(data, nil); err != nil {
			tb.Fatal(err)
		}
	}
	return tables[0], tables[1]
}

// TestRealEqual holds what is the same and what only changed through others
// against partition refinement, which finds exactly what is deeply equal.
func TestRealEqual(t *testing.T) {
	old, new := realPair(t)
	d := &differ{}
	d.explain(old, new, Options{})
	exact := compare.New(old, new)
	same, through := 0, 0
	for a := range uint32(d.old.n) {
		b := d.toNew[a]
		if b == 0 {
			continue
		}
		equal := exact.Equal(btf.TypeID(a), btf.TypeID(b))
		if changed := d.own[a] || d.folded(a); equal == changed {
			t.Errorf("[%d] %s and [%d]: changed %t, equal %t", a, old.Describe(btf.TypeID(a)), b, changed, equal)
		} else if equal {
			same++
		} else if !d.own[a] {
			through++
		}
	}
	t.Logf("%d the same, %d changed through others", same, through)
}

// TestRealFunctions compares the names of added and removed functions with those
// that bpftool dumps.
func TestRealFunctions(t *testing.T) {
	if _, err := exec.LookPath("bpftool"); err != nil {
		t.Skip("bpftool is not installed")
	}
	old, new := realPair(t)
	want := map[string]int{}
	for name, n := range dumped(t, new) {
		want[name] += n
	}
	for name, n := range dumped(t, old) {
		want[name] -= n
	}
	maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
	got := map[string]int{}
	for _, c := range Bases(old, new, Options{}).Changes {
		switch {
		case c.Kind != "FUNC":
		case c.Op == Added:
			got[c.Name]++
		case c.Op == Removed:
			got[c.Name]--
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, bpftool says %v", got, want)
	}
	t.Logf("%d names", len(want))
}

// dumped counts the functions of a table by name as bpftool lists them.
func dumped(t *testing.T, table *btf.Table) map[string]int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "btf")
	h := []byte{0, 0, 1, 0}
	table.Order.PutUint16(h, btf.Magic)
	types, strs := table.TypeSection(), table.StringSection()
	for _, v := range []int{btf.HeaderSize, 0, len(types), len(types), len(strs)} {
		h = append(h, 0, 0, 0, 0)
		table.Order.PutUint32(h[len(h)-4:], uint32(v))
	}
	if err := os.WriteFile(path, bytes.Join([][]byte{h, types, strs}, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("bpftool", "btf", "dump", "file", path).Output()
	if err != nil {
		t.Fatalf("bpftool: %v", err)
	}
	names := map[string]int{}
	re := regexp.MustCompile(`^\[\d+\] FUNC '([^']*)'`)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if m := re.FindStringSubmatch(lines.Text()); m != nil {
			names[m[1]]++
		}
	}
	return names
}

func BenchmarkReal(b *testing.B) {
	old, new := realPair(b)
	benchmark(b, old, new)
}

// BenchmarkSynthetic compares 100,000 types that refer to one another with the
// same after two functions were put in and one struct in a hundred changed.
func BenchmarkSynthetic(b *testing.B) {
	benchmark(b, large(b, 0), large(b, 1))
}

// benchmark explains with every function exported, and says how much memory the
// heap grew by at most, to the next collection.
func benchmark(b *testing.B, old, new *btf.Table) {
	all := func(t *btf.Table) (names []string) {
		for typ := range t.Types() {
			if typ.Kind() == btf.KindFunc {
				names = append(names, t.Name(typ))
			}
		}
		return names
	}
	o := Options{OldExports: all(old), NewExports: all(new)}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for b.Loop() {
		Bases(old, new, o)
		n++
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(n)/1e6, "MB/op")
	b.ReportMetric(float64(old.Len()+new.Len()), "types")
}
