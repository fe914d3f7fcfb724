// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"strings"
	"testing"
)

// stale is a project whose module package was built on a kernel that has been
// rebuilt since, and came out different.
func stale(t *testing.T, s stock) *project {
	t.Helper()
	p := oneProject(t, "direct", s)
	p.rebuild("kernel-default")
	p.deliver("kernel-default", succeeds(s.kernel["1.3"].files()...))
	return p
}

// downloads counts the packages that were fetched, and not only asked about.
func (px *proxy) downloads() int {
	n := 0
	for _, request := range px.asked("GET ") {
		path, _, asked := strings.Cut(request, "?")
		if strings.HasSuffix(path, ".rpm") && !asked {
			n++
		}
	}
	return n
}

// Packages that say nothing of their base are fetched and judged; those that do
// are not.
func TestMetadata(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for name, stamped := range map[string]bool{"tokens": true, "silent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, px := packages(t, stamped), newProxy(t)
			p := stale(t, s)
			if o := p.guard(px, "--dry-run"); o.Status != 1 || !strings.Contains(o.Stdout, "thing") {
				t.Errorf("exit status %d, want 1 and the package's name", o.Status)
			}
			if n := px.downloads(); n > 0 == stamped {
				t.Errorf("%d downloads", n)
			}
			p.mends(px, succeeds(s.kmp["1.3"].files()...))
		})
	}
}
