// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// many has so many kernels of one kernelrelease and so many packages that meet
// each of them.
func many(kernels, packages int) *Result {
	r := &Result{}
	for i := range kernels {
		p := &Package{Name: "kernel-default", NEVRA: fmt.Sprintf("kernel-default-5.15.12-1.%d.x86_64", i), Arch: "x86_64", evr: fmt.Sprint("5.15.12-1.", i),
			Built: time.Date(2021, 12, 1+i%28, 0, 0, 0, 0, time.UTC)}
		k := &Kernel{Vmlinux: guard.Vmlinux{Release: "5.15.12-1-default", Flavor: "default", Base: fingerprint.Digest{byte(i / 2)}, Known: guard.ByToken}, Package: p}
		k.Base[31] = 1
		r.Kernels = append(r.Kernels, k)
		if i > 0 {
			r.Changes = append(r.Changes, Change{r.Kernels[i-1], k})
		}
	}
	for i := range packages {
		p := &Package{NEVRA: fmt.Sprintf("x%d-kmp-default-1-1.x86_64", i), Arch: "x86_64"}
		r.Modules = append(r.Modules, p)
		var meets []Cell
		for n, k := range r.Kernels {
			meets = append(meets, Cell{p, k, guard.Cell{Fit: []guard.Verdict{guard.Fits, guard.Misfits, guard.Undecided}[n%3], By: guard.ByToken}})
		}
		r.add(meets)
	}
	return r
}

func written(t *testing.T, r *Result) string {
	t.Helper()
	var b strings.Builder
	if err := r.HTML(&b, "1.0", DefaultFailOn); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHTML has the matrix in words, the timeline, a table for each kernel, and
// nothing that a package wrote as it is.
func TestHTML(t *testing.T) {
	r := many(4, 2)
	r.Kernels[3].Package.NEVRA = "<script>alert(1)</script>\x1b"
	last := r.Rows[1]
	last.Of[last.Cells[3].Fit]--
	last.Cells = last.Cells[:3]
	r.Findings = []Finding{{Kind: guard.Incident, Release: "5.15.12-1-default", Arch: "x86_64", Packages: []*Package{r.Kernels[1].Package}, Reasons: []string{"one reason", "another reason"}}}
	r.Problems = []guard.Problem{{Path: "x.rpm", Err: errors.New("cut short")}}
	page := written(t, r)
	for _, want := range []string{
		">FAIL<", "The result is incomplete", "cut short", "incident, fail", "one reason", "another reason", html.EscapeString(explanations[guard.Incident].String()),
		`<span class="word">fits</span></td><td class="fail" data-label="`,
		">–</td>", "base changed</span> 5.15.12-1-default (x86_64): kernel-default from 5.15.12-1.1 to 5.15.12-1.2",
		"same base</span>", "<time>2021-12-03 00:00</time>", "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(page, `<details class="fold">`); n != 4 {
		t.Errorf("%d kernels to unfold", n)
	}
	if strings.Count(page, "<script") != 1 || strings.Contains(page, "\x1b") {
		t.Error("a name stands as it is")
	}
	if n := len(regexp.MustCompile(`<h1`).FindAllString(page, -1)); n != 1 {
		t.Errorf("%d h1", n)
	}
}

// TestHTMLSizes leaves out a matrix that no browser could show, and says so.
func TestHTMLSizes(t *testing.T) {
	if page := written(t, many(61, 1000)); strings.Contains(page, "data grid") || !strings.Contains(page, "too many for a matrix, 1,000 packages and 61 kernels") {
		t.Error("the matrix is there, or nothing says why it is not")
	}
	if page := written(t, new(Result)); strings.Contains(page, "<h2") {
		t.Errorf("sections of nothing in\n%s", page)
	}
}
