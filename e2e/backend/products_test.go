// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// TestProducts puts the products of testdata/products into projects, the released
// packages and the updates, and asks of them. Packages of 32 bits are left out: this
// backend builds for one architecture.
func TestProducts(t *testing.T) {
	needsBackend(t)
	t.Parallel()
	for _, name := range []string{"leap", "rhel"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			px := newProxy(t)
			var sources []string
			for _, of := range []string{"released", "update"} {
				p := newProject(t, ":"+of, "local")
				builds := map[string][]string{} // RPMs by build
				rpms := strings.Fields(harness.Must(t, "find", filepath.Join("../../testdata/products", name, of), "-name", "*.rpm", "!", "-name", "*.i[56]86.rpm"))
				for _, path := range rpms {
					source := strings.TrimSpace(harness.Must(t, "rpm", "-qp", "--nosignature", "--qf", "%{SOURCERPM}", path))
					builds[source] = append(builds[source], path)
				}
				for source, files := range builds {
					pkg := strings.ReplaceAll(strings.TrimSuffix(source, ".src.rpm"), ".", "_")
					var names []string
					for _, path := range files {
						names = append(names, strings.TrimSpace(harness.Must(t, "rpm", "-qp", "--nosignature", "--qf", "%{NAME}", path)))
					}
					p.source(pkg, "1", names, nil)
					p.deliver(pkg, succeeds(files...))
				}
				sources = append(sources, p.inOBS())
			}
			o := runUntil(t, px, nil, nil, "audit", append([]string{"--no-db", "--format", "json"}, sources...)...)
			harness.CheckProduct(t, name, harness.ProductAnswers(t, o.Stdout), "apple-kmp-default")
		})
	}
}
