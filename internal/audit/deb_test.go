// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

const (
	oldPath = "../../testdata/incident/5.15.12-1.1/" + oldKernel + ".rpm"
	newPath = "../../testdata/incident/5.15.12-1.3/" + newKernel + ".rpm"
)

// TestDebian gives Debian packages the answers that RPMs with the same files get, but
// asks for no dependencies that only RPMs have.
func TestDebian(t *testing.T) {
	answers := func(sources ...string) (out []string) {
		res, err := Run(t.Context(), Options{Sources: sources})
		if err != nil || len(res.Problems) > 0 {
			t.Fatal(err, res.Problems)
		}
		for _, c := range cells(res) {
			out = append(out, strings.TrimPrefix(c.Modules.NEVRA, c.Modules.Name)+" "+string(c.Fit)+" "+c.Counts.String())
		}
		for _, f := range res.Findings {
			if f.Kind != guard.Unlabeled {
				out = append(out, string(f.Kind)+" "+f.Release)
			}
		}
		return out
	}
	names := strings.NewReplacer("_5.15.12-1.1_amd64", "-5.15.12-1.1.x86_64", "_5.15.12-1.3_amd64", "-5.15.12-1.3.x86_64")
	want := answers(oldPath, newPath)
	for name, sums := range map[string]bool{"listed": true, "not listed": false} {
		dir := t.TempDir()
		fixture.DebOf(t, oldPath, filepath.Join(dir, "old.deb"), sums)
		fixture.DebOf(t, newPath, filepath.Join(dir, "new.deb"), sums)
		var got []string
		for _, s := range answers(dir) {
			got = append(got, names.Replace(s))
		}
		if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestRemarks reports a kernel that refuses its own BTF, each time and not only when it
// is read.
func TestRemarks(t *testing.T) {
	pkg, files := fixture.Files(t, newPath)
	for i, f := range files {
		if !strings.HasSuffix(f.Path, "/vmlinux.xz") {
			continue
		}
		var d decompress.Decoder
		defer d.Close()
		data, err := d.Append(nil, decompress.Xz, f.Data, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		broken := bytes.Replace(data, []byte("\x00task_struct\x00"), []byte("\x00task:struct\x00"), 1)
		if bytes.Equal(broken, data) {
			t.Fatal("no task_struct in it")
		}
		files[i] = fixture.File{Path: strings.TrimSuffix(f.Path, ".xz"), Data: broken}
	}
	path := filepath.Join(t.TempDir(), "kernel.deb")
	fixture.Deb(t, path, pkg.Name, "1-1", true, files...)
	m := &notebook{pages: map[string]string{}}
	for range 2 {
		res, err := Run(t.Context(), Options{Sources: []string{path}, Memory: m})
		if err != nil || len(res.Problems) > 0 {
			t.Fatal(err, res.Problems)
		}
		i := slices.IndexFunc(res.Findings, func(f Finding) bool { return f.Kind == guard.Refused })
		if i < 0 {
			t.Fatalf("findings %+v", res.Findings)
		}
		if f := res.Findings[i]; !strings.Contains(strings.Join(f.Reasons, "\n"), "| BPF:") || f.Package == nil {
			t.Errorf("%+v", f)
		}
		if res.Exit(DefaultFailOn) != 1 {
			t.Errorf("exit %d", res.Exit(DefaultFailOn))
		}
	}
	if m.recorded != 1 {
		t.Errorf("read %d times", m.recorded)
	}
}
