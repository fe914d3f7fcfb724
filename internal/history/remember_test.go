// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// TestRemember carries on all that is known of each build, each once, and no more
// than fit.
func TestRemember(t *testing.T) {
	base := func(release string, day int, base byte, origin guard.Origin) *guard.Base {
		b := made("digest of "+release, release, day, base, nil)
		b.Origin = origin
		return b
	}
	first := Remember([]*guard.Base{base("1.1", 1, 1, guard.New)})
	loose, without := base("1.8", 8, 8, guard.New), base("1.7", 7, 0, guard.New)
	loose.Package = nil
	second := Remember([]*guard.Base{loose, without, base("1.2", 2, 2, guard.New), base("1.1", 1, 1, guard.Against)}, first)
	// What claims to be of the future pushes nothing out.
	future := first[0]
	future.Package, future.Built = "kernel-default-9.x86_64", time.Now().AddDate(1, 0, 0)
	second = Remember(nil, second, first, []Build{future})
	var got []string
	for _, b := range second {
		got = append(got, b.Digest+" "+b.Flavor+" "+b.DistURL)
	}
	const from = " default obs://build.example.org/Kernel:HEAD/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default"
	if want := []string{"digest of 1.2" + from, "digest of 1.1" + from, "digest of 1.1" + from}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var many []Build
	for i := range 2 * mostBuilds {
		many = append(many, Build{RPM: RPM{Package: strings.Repeat("x", i)}})
	}
	if got := Remember(nil, many); len(got) != mostBuilds {
		t.Errorf("%d builds", len(got))
	}
}
