// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestDependencies reads documents that are odd or too much.
func TestDependencies(t *testing.T) {
	const pkg = `<package name="p"><pkgdep>a</pkgdep></package>`
	for _, tc := range []struct{ name, text, want, fails string }{
		{"none", `<builddepinfo />`, "", ""},
		{"declaration and comments", `<?xml version="1.0"?><!-- c --><builddepinfo><package name="p"><!-- c --><pkgdep>a<!-- c -->b</pkgdep></package></builddepinfo>`, "p [ab] []", ""},
		{"nothing in it", `<builddepinfo><package name="p"/><package/></builddepinfo>`, "p [] []; [] []", ""},
		{"cycles name packages", `<builddepinfo>` + pkg + `<cycle><package>x</package><pkgdep>x</pkgdep></cycle></builddepinfo>`, "p [a] []", ""},
		{"of newer servers", `<builddepinfo><package name="p"><error>e<package name="q"><pkgdep>no</pkgdep></package></error><subpkg>s</subpkg></package></builddepinfo>`, "p [] [s]", ""},
		{"as many packages as may be", `<builddepinfo>` + strings.Repeat(pkg, 3) + `</builddepinfo>`, "p [a] []; p [a] []; p [a] []", ""},
		{"more packages", `<builddepinfo>` + strings.Repeat(pkg, 4) + `</builddepinfo>`, "", "more than 3 packages"},
		{"more names", `<builddepinfo><package name="p">` + strings.Repeat("<subpkg>s</subpkg>", 6) + `</package></builddepinfo>`, "", "more than 5 names"},
		{"deep", `<builddepinfo>` + strings.Repeat("<a>", 1000), "", "elements in more than 10 others"},
		{"another document", `<directory><package name="p"/></directory>`, "", "expected element type <builddepinfo> but have <directory>"},
		{"cut off", `<builddepinfo>` + pkg, "", "it ends too early, or is no XML"},
		{"empty", ``, "", "it ends too early, or is no XML"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, tc.text) })
			c, waits := client(t, s, func(o *Options) { o.Bounds.Packages, o.Bounds.Names = 3, 5 })
			deps, err := c.DepInfo(t.Context(), "P", "r", "a")
			var got []string
			for _, d := range deps {
				got = append(got, strings.TrimSpace(fmt.Sprint(d.Package, " ", d.Needs, " ", d.Subpackages)))
			}
			if strings.Join(got, "; ") != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if tc.fails != "" {
				wantError(t, err, "GET /build/P/r/a/_builddepinfo: the answer, after ", tc.fails)
			} else if err != nil {
				t.Error(err)
			}
			if len(*waits) > 0 {
				t.Errorf("asked again after %v", *waits)
			}
		})
	}
}

// TestDependenciesCut: what was read before the connection broke is not kept, and
// a whole document with less than the announced bytes is not taken.
func TestDependenciesCut(t *testing.T) {
	const text = `<builddepinfo><package name="p"/><package name="q"/></builddepinfo>`
	n := 0
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(text)+1))
		switch n++; n {
		case 1:
			io.WriteString(w, text[:len(text)/2])
		case 2:
			io.WriteString(w, text)
		default:
			io.WriteString(w, text+"\n")
			return
		}
		w.(http.Flusher).Flush()
		cut(w, r)
	})
	c, waits := client(t, s, nil)
	deps, err := c.DepInfo(t.Context(), "P", "r", "a")
	names := slices.Collect(func(yield func(string) bool) {
		for _, d := range deps {
			if !yield(d.Package) {
				return
			}
		}
	})
	if err != nil || !slices.Equal(names, []string{"p", "q"}) || len(*waits) != 2 {
		t.Errorf("%q after %v: %v", names, *waits, err)
	}
}

// TestDependenciesMemory: memory is in proportion to what is kept. The text of the
// document is ten times what its names take.
func TestDependenciesMemory(t *testing.T) {
	const packages, needs = 2000, 100
	r, w := io.Pipe()
	size := 0
	go func() {
		write := func(s string) { n, _ := io.WriteString(w, s); size += n }
		write("<builddepinfo>\n")
		for p := range packages {
			var b strings.Builder
			fmt.Fprintf(&b, "  <package name=\"package-%d\">\n    <source>package-%[1]d</source>\n", p)
			for n := range needs {
				fmt.Fprintf(&b, "    <pkgdep>some-library-with-a-long-name-devel-%d</pkgdep>\n", n)
			}
			write(b.String() + "  </package>\n")
		}
		write("</builddepinfo>\n")
		w.Close()
	}()
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	deps, err := readDependencies(r, Bounds{Packages: 200_000, Names: 4_000_000})
	if err != nil || len(deps) != packages || len(deps[packages-1].Needs) != needs {
		t.Fatalf("%d packages: %v", len(deps), err)
	}
	kept := int(live()) - int(before)
	io.Copy(io.Discard, r)
	// A string is 16 bytes, a slice that grew has room for twice as many.
	if most := packages * needs * 16 * 3; kept > most || most > size {
		t.Errorf("keeps %d bytes of %d, want %d at most", kept, size, most)
	}
	runtime.KeepAlive(deps)
}
