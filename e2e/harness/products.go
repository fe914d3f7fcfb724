// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ProductAnswers is what an audit in JSON says of packages, without where it knows it
// from: in the form of testdata/products/*.txt.
func ProductAnswers(t *testing.T, doc string) (out []string) {
	t.Helper()
	var d struct {
		Matrix []struct {
			Package, Kernel, Fit string
			Weak                 bool
		}
		Unlinked []struct{ Package, Kernel, Reason string }
		Findings []struct{ Kind, Package, KernelRelease string }
		Errors   []struct{ Path, Error string }
	}
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Matrix {
		line := c.Package + " on " + c.Kernel + " " + c.Fit
		if c.Weak {
			line += " by weak-modules"
		}
		out = append(out, line)
	}
	for _, u := range d.Unlinked {
		out = append(out, u.Package+" is not linked into "+u.Kernel+": "+u.Reason)
	}
	for _, f := range d.Findings {
		if f.Kind != "unlabeled" {
			out = append(out, f.Kind+" "+f.Package+" "+f.KernelRelease)
		}
	}
	for _, e := range d.Errors {
		out = append(out, "problem "+e.Path+": "+e.Error)
	}
	slices.Sort(out)
	return out
}

// CheckProduct compares answers on a product with the right ones, but for those of the
// packages named.
func CheckProduct(t *testing.T, name string, got []string, without ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../testdata/products", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool {
		return slices.ContainsFunc(without, func(pkg string) bool { return strings.Contains(line, pkg) })
	})
	if !slices.Equal(got, want) {
		t.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
