// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManyPackages asks for more packages than a URL can hold, of a server that
// takes URLs of 8 KB as many do.
func TestManyPackages(t *testing.T) {
	n := 0
	s := plain(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > 8<<10 {
			answer(w, 414, "414", "URI too long")
			return
		}
		n++
		q := r.URL.Query()
		if fmt.Sprint(q["repository"], q["arch"], q["view"], q["multibuild"]) != "[r] [a b] [status] [1]" {
			t.Errorf("asked %s", r.RequestURI)
		}
		fmt.Fprint(w, `<resultlist>`)
		for _, arch := range q["arch"] {
			fmt.Fprintf(w, `<result project="P" repository="r" arch=%q dirty="%t">`, arch, n == 1 && arch == "b")
			for _, p := range q["package"] {
				fmt.Fprintf(w, `<status package=%q code="succeeded"/>`, p)
			}
			if n < 3 {
				fmt.Fprintf(w, `<status package="multi:flavor" code="asked%d"/>`, n)
			}
			fmt.Fprint(w, `</result>`)
		}
		fmt.Fprint(w, `</resultlist>`)
	})
	c, _ := client(t, s, nil)
	f := Filter{Repositories: []string{"r"}, Arches: []string{"a", "b"}}
	want := []Result{
		{Project: "P", Repository: "r", Arch: "a"},
		{Project: "P", Repository: "r", Arch: "b", Dirty: true},
	}
	for i := range 250 {
		name := fmt.Sprintf("kernel-livepatch-SLE15-SP5_Update_%d", i)
		f.Packages = append(f.Packages, name)
		for r := range want {
			want[r].Packages = append(want[r].Packages, PackageResult{Package: name, Code: "succeeded"})
			if i == 199 {
				want[r].Packages = append(want[r].Packages, PackageResult{Package: "multi:flavor", Code: "asked2"})
			}
		}
	}
	got, err := c.Results(t.Context(), "P", f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n != 3 {
		t.Errorf("asked %d times", n)
	}
}
