// SPDX-License-Identifier: Apache-2.0

package architecture

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bracketed is what looks like a doc link to a declaration: go/doc leaves it as it stands
// where there is no such declaration.
var bracketed = regexp.MustCompile(`\[\*?([A-Za-z]\w*\.)*[A-Z]\w*\]`)

// deadLinks lists the doc links of a package that lead nowhere.
func deadLinks(p *doc.Package) (out []string) {
	parser := p.Parser()
	look := func(text string) {
		for _, block := range parser.Parse(text).Content {
			if paragraph, ok := block.(*comment.Paragraph); ok {
				for _, t := range paragraph.Text {
					if plain, ok := t.(comment.Plain); ok {
						out = append(out, bracketed.FindAllString(string(plain), -1)...)
					}
				}
			}
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			look(v.Doc)
		}
	}
	functions := func(list []*doc.Func) {
		for _, f := range list {
			look(f.Doc)
		}
	}
	look(p.Doc)
	values(p.Consts)
	values(p.Vars)
	functions(p.Funcs)
	for _, t := range p.Types {
		look(t.Doc)
		values(t.Consts)
		values(t.Vars)
		functions(t.Funcs)
		functions(t.Methods)
	}
	return out
}

// TestDocLinks has every [Name] in the comments of packages, functions, types and values
// lead to a declaration.
func TestDocLinks(t *testing.T) {
	for pkg := range readSource(t).imports {
		files, err := filepath.Glob(filepath.Join(root, pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		var parsed []*ast.File
		for _, name := range slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") }) {
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		p, err := doc.NewFromFiles(fset, parsed, module+pkg, doc.AllDecls|doc.PreserveAST)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range deadLinks(p) {
			t.Errorf("%s: %s leads nowhere", pkg, link)
		}
	}
}

func TestDeadLinks(t *testing.T) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "a.go", "// Package a has [A], [A.B], [A.C], [io.EOF] and [Gone].\npackage a\n\nimport \"io\"\n\ntype A struct{}\n\n// B is not [b].\nfunc (A) B(io.Reader) {}\n", parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	p, err := doc.NewFromFiles(fset, []*ast.File{f}, "a", doc.AllDecls|doc.PreserveAST)
	if err != nil {
		t.Fatal(err)
	}
	if got := deadLinks(p); !slices.Equal(got, []string{"[A.C]", "[Gone]"}) {
		t.Errorf("%v", got)
	}
}
