// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// whole has the matrix of 8,000 kernels and 40,000 packages of modules, of which the test
// makes a twentieth of each without it.
var whole = flag.Bool("whole", false, "make the largest matrix")

// history is an audit of kernels of one flavor, each with a base of its own, and packages
// of modules that all require a base which none of them has, or one in ten that of the
// newest.
func history(kernels, packages int) *audit {
	a := &audit{res: &Result{}, remarked: map[string]bool{}}
	for i := range kernels {
		p := &Package{
			Name: "kernel-default", NEVRA: fmt.Sprintf("kernel-default-6.4.%d-1.1.x86_64", i), Arch: "x86_64",
			evr: fmt.Sprintf("6.4.%d-1.1", i), vmlinux: []string{fmt.Sprintf("6.4.%d-1-default", i)}, build: fmt.Sprint("kernel ", i),
			Provides: []string{token(i + 1)}, listed: true,
		}
		a.packages = append(a.packages, p)
	}
	for i := range packages {
		requires := token(kernels + 1)
		if i%10 == 0 {
			requires = token(kernels)
		}
		a.packages = append(a.packages, &Package{
			Name: fmt.Sprintf("m%d-kmp-default", i), NEVRA: fmt.Sprintf("m%d-kmp-default-1-1.x86_64", i), Arch: "x86_64",
			evr: "1-1", build: fmt.Sprint("module ", i), Requires: []string{requires}, maybe: true, placed: true,
		})
	}
	a.sort()
	return a
}

// withSymbols has the packages need symbols, which the newest kernel has and each second
// one before it: into those weak-modules links them.
func withSymbols(a *audit) {
	newest := len(a.res.Kernels) - 1
	for i, k := range a.res.Kernels {
		k.Symbols = kernel.NewSymvers(func(yield func(string, uint32) bool) {
			for s := range 100 {
				crc := uint32(s)
				if s == 7 && (newest-i)%2 == 1 {
					crc = uint32(i)<<8 + 1
				}
				if !yield(fmt.Sprint("symbol", s), crc) {
					return
				}
			}
		})
	}
	for _, p := range a.packages {
		if len(p.vmlinux) > 0 {
			continue
		}
		p.Requires, p.outlives = []string{token(len(a.res.Kernels))}, true
		p.linkable = &guard.Linkable{Name: p.Name, NEVRA: p.NEVRA, Version: p.versionRelease(), Flavor: "default"}
		for s := range 10 {
			p.linkable.Needs = append(p.linkable.Needs, kernel.Import{Symbol: fmt.Sprint("symbol", s), CRC: uint32(s)})
		}
	}
}

func token(n int) string {
	return fingerprint.Token("default", fingerprint.Digest{byte(n), byte(n >> 8), 1})
}

// counted counts bytes.
type counted int64

func (c *counted) Write(p []byte) (int, error) {
	*c += counted(len(p))
	return len(p), nil
}

// TestLargeMatrix holds that memory and text grow with the packages, and not with their
// product with the kernels; and that each format says how many there are.
func TestLargeMatrix(t *testing.T) {
	kernels, packages := 8000/20, 40_000/20
	if *whole {
		kernels, packages = 8000, 40_000
	}
	a := history(kernels, packages)
	holds(t, a, packages, 4<<10)
	res := a.res
	stale := packages - packages/10
	// One in ten fits the newest and meets no other; the others meet all.
	if want := stale*kernels + packages/10; res.Pairs != want || len(res.Findings) != stale || len(res.Problems) > 0 {
		t.Fatalf("%d pairs, want %d; %d findings, want %d; problems %v", res.Pairs, want, len(res.Findings), stale, res.Problems)
	}
	newest := res.Kernels[len(res.Kernels)-1]
	if newest.met != packages || newest.fit != packages/10 {
		t.Errorf("the newest kernel meets %d packages, of which %d fit", newest.met, newest.fit)
	}
	for _, w := range res.Rows {
		fits := w.Of[guard.Fits]
		if len(w.Cells) != fits+min(w.Of[guard.Misfits], few) || w.Cells[len(w.Cells)-1].Kernel != newest {
			t.Fatalf("%s lists %d of %d cells, the last with %s", w.Modules, len(w.Cells), w.Pairs(), w.Cells[len(w.Cells)-1].Kernel.Package)
		}
	}
	writes(t, res, kernels+packages, 4<<10)
}

// TestLargeLinks holds the same where symbols decide of each pair: of a package, the newest
// kernels are told that it does not fit, and the newest that it is not linked into.
func TestLargeLinks(t *testing.T) {
	kernels, packages := 8000/20, 40_000/20
	if *whole {
		kernels, packages = 8000, 40_000
	}
	a := history(kernels, packages)
	withSymbols(a)
	holds(t, a, packages, 8<<10)
	res := a.res
	if linked := packages * (kernels/2 - 1); res.Pairs != packages+linked || res.Apart != packages*kernels/2 {
		t.Fatalf("%d pairs, want %d of which %d are linked; %d apart, want %d", res.Pairs, packages+linked, linked, res.Apart, packages*kernels/2)
	}
	if got := len(res.Unlinked); got != packages*maxUnlinked {
		t.Errorf("%d of those apart are listed, want %d", got, packages*maxUnlinked)
	}
	for _, u := range res.Unlinked[:maxUnlinked] {
		if !strings.HasPrefix(u.Why, "needs symbol symbol7 with CRC 00000007, there it has ") {
			t.Errorf("%s, %s: %s", u.Modules, u.Kernel.Release, u.Why)
		}
	}
	writes(t, res, kernels+packages, 8<<10)
}

// versions is how long a symbol keeps its CRC, in kernels.
const versions = 1000

// crc is the version of a symbol in a kernel; in each kernel some of them change.
func crc(symbol, of int) uint32 { return uint32((of + 131*symbol%versions) / versions) }

// linkables gives the kernels of a history symbols, and has its packages be built each for
// one of the kernels, whose symbols they need.
// It returns how many kernels weak-modules links each package into.
func linkables(a *audit) (linked map[*Package]int) {
	const symbols, needs = 1000, 60
	var kernels []*Package
	linked = map[*Package]int{}
	for _, p := range a.packages {
		if len(p.vmlinux) > 0 {
			n := len(kernels)
			kernels = append(kernels, p)
			p.kernels = nil // which had none
			p.symbols = kernel.NewSymvers(func(yield func(string, uint32) bool) {
				for s := range symbols {
					yield(fmt.Sprint("symbol_", s), crc(s, n))
				}
			})
		}
	}
	modules := slices.DeleteFunc(slices.Clone(a.packages), func(p *Package) bool { return len(p.vmlinux) > 0 })
	for i, p := range modules {
		own := i * len(kernels) / len(modules)
		l := &guard.Linkable{Name: p.Name, NEVRA: p.NEVRA, Version: "1-1", Flavor: "default"}
		from, to := 0, len(kernels)
		for n := range needs {
			s := (i*7 + n*17) % symbols
			l.Needs = append(l.Needs, kernel.Import{Symbol: fmt.Sprint("symbol_", s), CRC: crc(s, own)})
			first := int(crc(s, own))*versions - 131*s%versions
			from, to = max(from, first), min(to, first+versions)
		}
		p.linkable, p.outlives, p.maybe = l, true, true
		p.Requires = kernels[own].Provides
		linked[p] = to - from - 1 // without its own
	}
	a.sort()
	return linked
}

// TestLargeBySymbols has the pairs come about by symbols: each package meets the kernels
// around its own that have not changed what it needs.
func TestLargeBySymbols(t *testing.T) {
	kernels, packages := 8000/20, 40_000/20
	if *whole {
		kernels, packages = 8000, 40_000
	}
	a := history(kernels, packages)
	linked := linkables(a)
	want := packages
	for _, n := range linked {
		want += n
	}
	holds(t, a, packages, 8<<10)
	res := a.res
	if apart := packages*kernels - want; res.Pairs != want || res.Apart != apart || len(res.Problems) > 0 {
		t.Errorf("%d pairs, want %d; %d apart, want %d; problems %v", res.Pairs, want, res.Apart, apart, res.Problems)
	}
}

// holds matches, and checks what memory is held then for each package.
func holds(t *testing.T, a *audit, packages, bytesEach int) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	a.match(t.Context())
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > int64(packages*bytesEach) {
		t.Errorf("%d bytes are held, more than %d for each of %d packages", held, bytesEach, packages)
	}
}

// writes checks how large each format is for each package and kernel.
func writes(t *testing.T, res *Result, packages, bytesEach int) {
	t.Helper()
	built := res.Kernels[len(res.Kernels)-1].Package.Built
	for name, write := range map[string]func(io.Writer) error{
		"text":    func(w io.Writer) error { return res.Text(w, TextOptions{FailOn: DefaultFailOn}) },
		"verbose": func(w io.Writer) error { return res.Text(w, TextOptions{Verbose: true, FailOn: DefaultFailOn}) },
		"JSON":    func(w io.Writer) error { return res.JSON(w, "1", DefaultFailOn) },
		"HTML":    func(w io.Writer) error { return res.HTML(w, "1", DefaultFailOn) },
		"lint":    func(w io.Writer) error { return res.List("1", DefaultFailOn).Write(w, "lint", built) },
	} {
		var n counted
		if err := write(&n); err != nil {
			t.Fatal(err)
		}
		if most := counted(packages * bytesEach); n > most {
			t.Errorf("%s: %d bytes, want at most %d", name, n, most)
		}
	}
}

// TestManyWords says of a row of many kernels which are the newest, and how many others
// there are: in text, in HTML and in JSON.
func TestManyWords(t *testing.T) {
	a := history(1500, 100)
	a.match(t.Context())
	var text, page, doc strings.Builder
	for _, err := range []error{
		a.res.Text(&text, TextOptions{FailOn: DefaultFailOn}), a.res.HTML(&page, "1", DefaultFailOn), a.res.JSON(&doc, "1", DefaultFailOn),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const row = "m1-kmp-default-1-1.x86_64 (default): fits 0 of 1,500 kernels; does not fit kernel-default-6.4.1496-1.1.x86_64 (another base);"
	plain := strings.Join(strings.Fields(text.String()), " ")
	if !strings.Contains(plain, row) || !strings.Contains(plain, "kernel-default-6.4.1499-1.1.x86_64 (another base); does not fit 1,496 older kernels") {
		t.Errorf("not in the text: %s", row)
	}
	for _, want := range []string{"too many for a matrix, 100 packages and 1,500 kernels", "100 packages with modules"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("not in the page: %s", want)
		}
	}
	var d document
	if err := json.Unmarshal([]byte(doc.String()), &d); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Rows, func(r rowJSON) bool { return r.Package == "m1-kmp-default-1-1.x86_64" })
	if want := (rowJSON{"m1-kmp-default-1-1.x86_64", "x86_64", "default", 0, 1500, 0, 1496}); i < 0 || d.Rows[i] != want {
		t.Errorf("row %d of %v, want %v", i, d.Rows, want)
	}
	if len(d.Matrix) != 90*few+10 || d.Summary["pairs"] != 90*1500+10 {
		t.Errorf("%d cells, %d pairs", len(d.Matrix), d.Summary["pairs"])
	}
	// As long as there are no more than that, all are listed.
	a = history(20, 20)
	a.match(t.Context())
	if got := len(cells(a.res)); got != a.res.Pairs || got != 18*20+2 {
		t.Errorf("%d of %d cells", got, a.res.Pairs)
	}
}
