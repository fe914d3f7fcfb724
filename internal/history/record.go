// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// Batch is what one run found. Without a header digest nothing is remembered: nothing
// identifies the package.
type Batch struct {
	Builds   []Build
	Partly   map[string]bool // digests of packages of which a vmlinux was not read
	Modules  []RPM           // the packages that Outcomes are of
	Outcomes []Outcome
}

// Outcome is how many modules of a package have one verdict on a vmlinux.
type Outcome struct {
	Judged
	Verdict  string
	Severity string
	Modules  int
}

// Judged is the modules of one package on one vmlinux, under one pairing.
type Judged struct {
	Digest      string // of the modules' package
	Base        string // digest of the vmlinux's package, "" for a loose file or none
	Fingerprint fingerprint.Digest
	Pairing     string
}

// Record remembers the kernels in the packages of an inventory and, unless res is nil, the
// verdicts on the modules of packages. These replace earlier verdicts. Loose files are not
// remembered.
func (db *DB) Record(ctx context.Context, inv *guard.Inventory, res *guard.Result) error {
	return db.Add(ctx, found(inv, res))
}

// found is what is remembered of a run.
func found(inv *guard.Inventory, res *guard.Result) Batch {
	b := Batch{Partly: map[string]bool{}}
	broken := map[string]bool{}
	for _, p := range inv.Problems {
		broken[p.Path] = true
	}
	for _, base := range inv.Bases {
		if base.Package == nil {
			continue
		}
		b.Builds = append(b.Builds, FromBase(base))
		if broken[base.Package.Path] {
			b.Partly[base.Package.Digest] = true
		}
	}
	if res == nil {
		return b
	}
	packages := map[*guard.Package]bool{}
	counts := map[Outcome]int{}
	for _, f := range res.Findings {
		p := f.Module.Package
		if p == nil {
			continue
		}
		if !packages[p] {
			packages[p] = true
			b.Modules = append(b.Modules, FromRPM(p))
		}
		o := Outcome{Judged: Judged{Digest: p.Digest, Pairing: string(f.Pairing)}, Verdict: string(f.Verdict), Severity: string(f.Severity)}
		if f.Base != nil {
			o.Fingerprint = f.Base.Fingerprint.Base
			if f.Base.Package != nil {
				o.Base = f.Base.Package.Digest
			}
		}
		counts[o]++
	}
	for o, n := range counts {
		o.Modules = n
		b.Outcomes = append(b.Outcomes, o)
	}
	return b
}

// Add remembers a batch: its kernels and its verdicts, which replace earlier ones.
func (db *DB) Add(ctx context.Context, b Batch) error {
	return db.do(ctx, writing, func(t *tx) {
		now := time.Now().Unix()
		t.packages(b, now)
		t.builds(b)
		t.outcomes(b, now)
	})
}

// packages writes each package once, in a fixed order.
func (t *tx) packages(b Batch, now int64) {
	rows := map[string][]any{}
	whole := map[string][]any{}
	add := func(p RPM) {
		if p.Digest == "" || rows[p.Digest] != nil {
			return
		}
		built := int64(0)
		if !p.Built.IsZero() {
			built = p.Built.Unix()
		}
		from, _ := obs.ParseDistURL(p.DistURL)
		rows[p.Digest] = []any{p.Digest, p.Package, p.Source, p.Release, p.DistURL, p.Host, built, now, int64(0), from.Project, now}
	}
	for _, k := range b.Builds {
		add(k.RPM)
		if k.Digest != "" && !b.Partly[k.Digest] {
			rows[k.Digest][8] = int64(1)
			whole[k.Digest] = []any{k.Digest}
		}
	}
	for _, p := range b.Modules {
		add(p)
	}
	// What was complete stays complete, even if a later run could not read everything.
	t.insert("package", packageColumns, sorted(rows),
		"(digest) DO UPDATE SET used = CASE WHEN excluded.used > package.used THEN excluded.used ELSE package.used END, complete = CASE WHEN excluded.complete = 1 THEN 1 ELSE package.complete END")
	t.delete("base", "digest", sorted(whole))
}

func sorted(rows map[string][]any) [][]any {
	return slices.SortedFunc(maps.Values(rows), func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
}

// builds writes the kernels. If a vmlinux of a package could not be read, what is known
// of the package is kept.
func (t *tx) builds(b Batch) {
	var rows [][]any
	for _, k := range b.Builds {
		if k.Digest != "" {
			rows = append(rows, []any{k.Digest, k.Path, k.Arch, k.KernelRelease, k.Flavor,
				text(k.Fingerprint), text(k.Types), text(k.Strings), int64(k.TypeCount), int64(k.StringBytes),
				k.Toolchain.Compiler, k.Toolchain.Linker, k.Toolchain.Pahole})
		}
	}
	t.insert("base", baseColumns, rows, "DO NOTHING")
}

// outcomes writes how many modules of each package have which verdict, in place of
// earlier outcomes.
func (t *tx) outcomes(b Batch, now int64) {
	known := map[string]bool{}
	for _, p := range b.Modules {
		known[p.Digest] = p.Digest != ""
	}
	var judged, rows [][]any
	seen := map[Judged]bool{}
	slices.SortFunc(b.Outcomes, func(x, y Outcome) int {
		return cmp.Or(strings.Compare(x.Digest, y.Digest), strings.Compare(x.Base, y.Base), strings.Compare(x.Pairing, y.Pairing), strings.Compare(x.Verdict, y.Verdict))
	})
	for _, o := range b.Outcomes {
		if !known[o.Digest] {
			continue
		}
		if !seen[o.Judged] {
			seen[o.Judged] = true
			judged = append(judged, []any{o.Digest, o.Base, text(o.Fingerprint), o.Pairing})
		}
		rows = append(rows, []any{o.Digest, o.Base, text(o.Fingerprint), o.Pairing, o.Verdict, o.Severity, int64(o.Modules), now})
	}
	t.delete("judgement", "digest, base, fingerprint, pairing", judged)
	t.insert("judgement", judgementColumns, rows, "DO NOTHING")
}

// text is "" for a digest that was never set.
func text(d fingerprint.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
