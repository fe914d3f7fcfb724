// SPDX-License-Identifier: Apache-2.0

// Package architecture checks the code against docs/architecture.md: which package may
// import which, the drawing of it, and the functions that the page leads through.
//
//	go test ./internal/architecture -update    # draws anew
package architecture

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the drawing into docs/architecture.md")

const (
	root   = "../.."
	page   = root + "/docs/architecture.md"
	module = "github.com/obs-btf-guard/obs-btf-guard/"

	// tests is the layer of packages that only tests import.
	tests = 0
)

// readPage reads the page.
func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var row = regexp.MustCompile("(?m)^\\| ([0-9]+|tests) \\| `([^`]+)` \\|")

// layersOf reads the page's table: the layer of each package, the lowest is 1.
func layersOf(page string) (map[string]int, error) {
	layers := map[string]int{}
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		if _, twice := layers[m[2]]; twice {
			return nil, fmt.Errorf("%s stands twice in the table", m[2])
		}
		layers[m[2]], _ = strconv.Atoi(m[1]) // tests: 0
	}
	return layers, nil
}

// wrong lists what the table and the imports do not agree in.
func wrong(layers map[string]int, imports map[string][]string) (out []string) {
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		layer, ok := layers[pkg]
		if !ok {
			out = append(out, pkg+" has no row in the table of docs/architecture.md: add it, on the layer above all that it imports")
			continue
		}
		for _, imported := range imports[pkg] {
			below, ok := layers[imported]
			switch {
			case !ok: // it is named above
			case layer == tests:
			case below == tests:
				out = append(out, fmt.Sprintf("%s imports %s, which is for tests only", pkg, imported))
			case below >= layer:
				out = append(out, fmt.Sprintf("%s (layer %d) imports %s (layer %d): a package imports only lower layers", pkg, layer, imported, below))
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(layers)) {
		if _, there := imports[pkg]; !there {
			out = append(out, pkg+" has a row in the table of docs/architecture.md, and is no package")
		}
	}
	return out
}

// source is what the files of the project say, tests left out: they may import
// what they like.
type source struct {
	imports   map[string][]string // of each package, those of the project
	functions map[string]bool     // as package.Function and package.Type.Method
	types     map[string]bool     // as package.Type
}

// readSource reads cmd, pkg and internal. e2e stands on top of them all.
func readSource(t *testing.T) source {
	t.Helper()
	s := source{map[string][]string{}, map[string]bool{}, map[string]bool{}}
	for _, top := range []string{"cmd", "pkg", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return filepath.SkipDir
			case d.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			dir, err := filepath.Rel(root, filepath.Dir(name))
			s.add(filepath.ToSlash(dir), f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for pkg, list := range s.imports {
		slices.Sort(list)
		s.imports[pkg] = slices.Compact(list)
	}
	return s
}

func (s source) add(pkg string, f *ast.File) {
	s.imports[pkg] = append(s.imports[pkg], []string{}...)
	for _, i := range f.Imports {
		if imported, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module); ours {
			s.imports[pkg] = append(s.imports[pkg], imported)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := f.Name.Name + "."
			if d.Recv != nil {
				name += receiver(d.Recv.List[0].Type) + "."
			}
			s.functions[name+d.Name.Name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					s.types[f.Name.Name+"."+t.Name.Name] = true
				}
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestOrder checks the order of imports.
func TestOrder(t *testing.T) {
	layers, err := layersOf(readPage(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong(layers, readSource(t).imports) {
		t.Error(w)
	}
}

// TestWrong checks that each kind of mistake is reported.
func TestWrong(t *testing.T) {
	table := "| 2 | `pkg/b` | |\n| 1 | `pkg/a` | |\n| tests | `internal/t` | |\n"
	for _, tc := range []struct {
		name    string
		table   string
		imports map[string][]string
		want    []string
	}{
		{"in order", table, map[string][]string{"pkg/b": {"pkg/a"}, "pkg/a": nil, "internal/t": {"pkg/b"}}, nil},
		{"upward", table, map[string][]string{"pkg/b": nil, "pkg/a": {"pkg/b"}, "internal/t": nil},
			[]string{"pkg/a (layer 1) imports pkg/b (layer 2): a package imports only lower layers"}},
		{"sideways", table + "| 2 | `pkg/c` | |\n", map[string][]string{"pkg/b": {"pkg/c"}, "pkg/c": nil, "pkg/a": nil, "internal/t": nil},
			[]string{"pkg/b (layer 2) imports pkg/c (layer 2): a package imports only lower layers"}},
		{"what is for tests", table, map[string][]string{"pkg/b": {"internal/t"}, "pkg/a": nil, "internal/t": nil},
			[]string{"pkg/b imports internal/t, which is for tests only"}},
		{"a package without a row", table, map[string][]string{"pkg/b": nil, "pkg/a": {"pkg/new"}, "pkg/new": nil, "internal/t": nil},
			[]string{"pkg/new has no row in the table of docs/architecture.md: add it, on the layer above all that it imports"}},
		{"a row without a package", table, map[string][]string{"pkg/b": nil, "internal/t": nil},
			[]string{"pkg/a has a row in the table of docs/architecture.md, and is no package"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			layers, err := layersOf(tc.table)
			if err != nil {
				t.Fatal(err)
			}
			if got := wrong(layers, tc.imports); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if _, err := layersOf(table + table); err == nil {
		t.Error("two rows for one package were taken")
	}
}

var span = regexp.MustCompile("`([a-z][a-z0-9]*)\\.([A-Za-z]\\w*(?:\\.[A-Za-z]\\w*)?)`")

// files are what looks like a function and is a file or a section.
var files = []string{"go", "md", "xml", "ko", "rpm", "conf", "db"}

// TestNames checks that the functions and types that the page names are there.
func TestNames(t *testing.T) {
	s := readSource(t)
	named := 0
	for _, m := range span.FindAllStringSubmatch(readPage(t), -1) {
		name := m[1] + "." + m[2]
		if slices.Contains(files, m[2]) {
			continue
		}
		if named++; !s.functions[name] && !s.types[name] {
			t.Errorf("docs/architecture.md names %s, which is no longer in cmd, pkg or internal: name there what does it now", name)
		}
	}
	if named < 30 {
		t.Errorf("docs/architecture.md names %d functions, so the ways through the code are gone", named)
	}
}

// drawing draws the packages in their layers, the highest on top. An arrow stands
// for an import; where another way leads to the same package, it is left out.
func drawing(layers map[string]int, imports map[string][]string) string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TB\n")
	id := func(pkg string) string { return strings.NewReplacer("/", "_", "-", "_").Replace(pkg) }
	order := slices.Sorted(maps.Keys(layers))
	for layer := slices.Max(slices.Collect(maps.Values(layers))); layer > tests; layer-- {
		fmt.Fprintf(&b, "  subgraph layer%d[\"%[1]d\"]\n", layer)
		for _, pkg := range order {
			if layers[pkg] == layer {
				shape := "%s[\"%s\"]\n"
				if strings.HasPrefix(pkg, "pkg/") {
					shape = "%s([\"%s\"])\n" // round: public
				}
				fmt.Fprintf(&b, "    "+shape, id(pkg), strings.TrimPrefix(pkg, "internal/"))
			}
		}
		b.WriteString("  end\n")
	}
	for _, pkg := range order {
		for _, imported := range imports[pkg] {
			if layers[pkg] != tests && !otherWay(imports, pkg, imported) {
				fmt.Fprintf(&b, "  %s --> %s\n", id(pkg), id(imported))
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// otherWay reports whether a package imports something that leads to the imported
// one, too.
func otherWay(imports map[string][]string, pkg, imported string) bool {
	var leads func(from string) bool
	leads = func(from string) bool {
		return from == imported || slices.ContainsFunc(imports[from], leads)
	}
	return slices.ContainsFunc(imports[pkg], func(p string) bool { return p != imported && leads(p) })
}

// TestDrawing checks that the drawing is that of the code.
func TestDrawing(t *testing.T) {
	text := readPage(t)
	layers, err := layersOf(text)
	if err != nil {
		t.Fatal(err)
	}
	imports := readSource(t).imports
	if len(wrong(layers, imports)) > 0 {
		t.Skip("the order of imports is broken, see TestOrder")
	}
	const begin, end = "<!-- drawing -->\n", "<!-- end of drawing -->\n"
	before, rest, ok := strings.Cut(text, begin)
	old, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s lacks %q or %q", page, begin, end)
	}
	drawn := drawing(layers, imports)
	switch {
	case old == drawn:
	case *update:
		if err := os.WriteFile(page, []byte(before+begin+drawn+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the drawing in docs/architecture.md is not that of the code: go test ./internal/architecture -update")
	}
}

// TestDrawingReduces checks that arrows which say nothing new are left out.
func TestDrawingReduces(t *testing.T) {
	got := drawing(map[string]int{"cmd/c": 3, "pkg/b": 2, "internal/a": 1, "internal/t": tests},
		map[string][]string{"cmd/c": {"internal/a", "pkg/b"}, "pkg/b": {"internal/a"}, "internal/t": {"pkg/b"}})
	want := "```mermaid\nflowchart TB\n  subgraph layer3[\"3\"]\n    cmd_c[\"cmd/c\"]\n  end\n  subgraph layer2[\"2\"]\n    pkg_b([\"pkg/b\"])\n  end\n" +
		"  subgraph layer1[\"1\"]\n    internal_a[\"a\"]\n  end\n  cmd_c --> pkg_b\n  pkg_b --> internal_a\n```\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What pages say of other files: links, and paths in code.
var (
	link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	file = regexp.MustCompile("`((?:cmd|pkg|internal|docs|obs|e2e|testdata)/[A-Za-z0-9_./-]+)`")
)

// TestFiles checks that the files and folders which pages name are there.
func TestFiles(t *testing.T) {
	pages := []string{root + "/README.md", root + "/CONTRIBUTING.md"}
	for _, pattern := range []string{"/docs/*.md", "/docs/*/*.md", "/obs/*.md", "/testdata/*.md"} {
		more, err := filepath.Glob(root + pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, more...)
	}
	named := 0
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for from, names := range map[string][][]string{
			filepath.Dir(p): link.FindAllStringSubmatch(string(text), -1),
			root:            file.FindAllStringSubmatch(string(text), -1),
		} {
			for _, m := range names {
				named++
				if _, err := os.Stat(filepath.Join(from, m[1])); err != nil {
					t.Errorf("%s names %s, which is not there", p, m[1])
				}
			}
		}
	}
	if named < 50 {
		t.Errorf("%d files named in %d pages", named, len(pages))
	}
}
