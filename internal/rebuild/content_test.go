// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"fmt"
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// TestNotesInOrder has many packages whose kernel is not known: they are noted in the
// order in which they were found, each time.
func TestNotesInOrder(t *testing.T) {
	d := &downloads{plan: &Plan{}, of: map[string]*built{}}
	needs := map[string][]string{}
	var want []string
	for i := range 20 {
		b := &built{Package: &rpm.Package{Name: fmt.Sprint("kmp", i), Version: "1", Release: "1"}}
		path := b.Name + ".rpm"
		d.paths, d.of[path], needs[path] = append(d.paths, path), b, []string{"default"}
		want = append(want, fmt.Sprintf("%s is not checked: being built", b))
	}
	met := d.met(&kernels{unsettled: map[string]string{"default": "being built"}}, needs)
	if len(met) > 0 || len(d.paths) > 0 || !slices.Equal(d.plan.Notes, want) {
		t.Errorf("met %v, paths %q, notes %q", met, d.paths, d.plan.Notes)
	}
}
