// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package audit

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// TestProducts makes the products of testdata/products again, by the tools that are
// here, and asks of them as folders and as repositories that createrepo_c made; their
// packages as they come out of rpmbuild, and stamped.
func TestProducts(t *testing.T) {
	if _, err := harness.Script("../install.sh", "rpmbuild=rpm", "createrepo_c=createrepo-c", "gcc=gcc", "pahole=dwarves", "bpftool=bpftool", "xz=xz-utils"); err != nil {
		harness.SkipUnreachable(t, err)
		t.Fatal(err)
	}
	dir := t.TempDir()
	harness.Must(t, "../../testdata/products/make.sh", dir)
	for _, name := range []string{"leap", "rhel"} {
		for _, by := range []string{"content", "token"} {
			t.Run(name+" by "+by, func(t *testing.T) {
				product := filepath.Join(t.TempDir(), name)
				harness.Must(t, "cp", "-r", filepath.Join(dir, name), product)
				if by == "token" {
					stamp(t, product)
				}
				sources := []string{filepath.Join(product, "released"), filepath.Join(product, "update")}
				answers := func(sources ...string) []string {
					o := harness.Try(t, exec.Command(program, append([]string{"audit", "--no-db", "--format", "json"}, sources...)...))
					return harness.ProductAnswers(t, o.Stdout)
				}
				harness.CheckProduct(t, name, answers(product))
				for _, source := range sources {
					harness.Must(t, "createrepo_c", "--quiet", source)
				}
				harness.CheckProduct(t, name, answers(sources...))
			})
		}
	}
}

// stamp has each package carry its tokens, but for two: what they were built on is not
// what they are for, so that stamp refuses them.
func stamp(t *testing.T, product string) {
	t.Helper()
	harness.Must(t, "sh", "-c", `
		cd "$2" && mkdir ../aside && for rpm in released/kernel-default-optional-* released/kernel-modules-extra-*; do
			[ ! -e "$rpm" ] || mv "$rpm" ../aside || exit
		done && "$1" stamp released update && mv ../aside/* released && rmdir ../aside`, "sh", program, product)
}
