// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// The columns that are written and read of each table, in order.
const (
	packageColumns   = "digest, package, source, release, disturl, host, built, seen, complete, project, used"
	baseColumns      = "digest, path, arch, kernelrelease, flavor, fingerprint, types, strings, type_count, string_bytes, compiler, linker, pahole"
	memoColumns      = "key, value, kept"
	judgementColumns = "digest, base, fingerprint, pairing, verdict, severity, modules, judged"
)

// condition is the filter as SQL with its values. Each database has its own patterns, so
// SQL only picks what begins as the pattern does; like does the matching.
func (f Filter) condition() (where string, args []any) {
	where = "WHERE 1 = 1"
	and := func(condition string, values ...any) {
		where += " AND " + condition
		args = append(args, values...)
	}
	switch begin, pattern := literal(f.Kernel); {
	case f.Kernel == "" || begin == "" && pattern:
	case !pattern:
		and("kernelrelease = ?", begin)
	default:
		and("kernelrelease >= ? AND kernelrelease < ?", begin, begin[:len(begin)-1]+string(begin[len(begin)-1]+1))
	}
	for _, c := range []struct{ column, value string }{{"base.arch", f.Arch}, {"flavor", f.Flavor}, {"project", f.Project}} {
		if c.value != "" {
			and(c.column+" = ?", c.value)
		}
	}
	return where, args
}

// vmlinux identifies a build, however often its package was signed or stamped.
type vmlinux struct {
	pkg   string
	built int64
	base  fingerprint.Digest
}

func (b *Build) vmlinux() vmlinux {
	id := vmlinux{pkg: b.Package, base: b.Fingerprint}
	if !b.Built.IsZero() {
		id.built = b.Built.Unix()
	}
	return id
}

// Builds returns the recorded kernels that the filter picks, in no order and not compared
// with each other. A row that cannot be read, since something else than this package wrote
// it, is an error beside the others.
func (db *DB) Builds(ctx context.Context, f Filter) ([]Step, error) {
	where, args := f.condition()
	return db.builds(ctx, where, args, f.like)
}

func (db *DB) builds(ctx context.Context, where string, args []any, like func(kernelrelease string) bool) (steps []Step, err error) {
	var odd []error
	err = db.do(ctx, reading, func(t *tx) {
		odd = nil
		steps = nil
		t.rows(func(rows *sql.Rows) error {
			s := Step{Judgements: []Judgement{}}
			if err := s.scan(rows); err != nil {
				odd = append(odd, fmt.Errorf("history: row of %.200q (%.64q): %w", s.Package, s.Path, err))
			} else if like(s.KernelRelease) {
				steps = append(steps, s)
			}
			return nil
		}, `SELECT digest, package, source, release, disturl, host, built, seen,
			path, base.arch, kernelrelease, flavor, fingerprint, types, strings, type_count, string_bytes, compiler, linker, pahole
			FROM base JOIN package USING (digest) `+where, slices.Clone(args)...)
		counts := map[vmlinux]map[Judgement]int{}
		for _, s := range steps {
			counts[s.vmlinux()] = map[Judgement]int{}
		}
		odd = append(odd, t.counts(counts, where, args)...)
		for i := range steps {
			for j, n := range counts[steps[i].vmlinux()] {
				j.Modules = n
				steps[i].Judgements = append(steps[i].Judgements, j)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		sortJudgements(s.Judgements)
	}
	return steps, errors.Join(odd...)
}

// counts adds up the verdicts on the modules of all packages for each vmlinux; the keys
// have no number of modules. A package that was signed or stamped is the same package, and
// counts with the verdicts of the last time.
func (t *tx) counts(of map[vmlinux]map[Judgement]int, where string, args []any) (odd []error) {
	type judged struct {
		on           vmlinux
		pairing, pkg string
		built        int64
	}
	type form struct{ digest, base string }
	var last judged
	var newest form
	t.rows(func(rows *sql.Rows) error {
		var this judged
		var as form
		var j Judgement
		var n int
		if err := rows.Scan(&this.on.pkg, &this.on.built, (*digest)(&this.on.base), &this.pairing, &this.pkg, &this.built, &as.digest, &as.base,
			&j.Of, &j.Verdict, &j.Severity, &n); err != nil {
			odd = append(odd, fmt.Errorf("history: judgement on %.200q: %w", this.on.pkg, err))
			return nil
		}
		if this != last {
			last, newest = this, as
		}
		if list := of[this.on]; list != nil && as == newest {
			j.Pairing = this.pairing
			list[j] += n
		}
		return nil
	}, `SELECT picked.package, picked.built, j.fingerprint, j.pairing, coalesce(m.package, j.digest), coalesce(m.built, 0), j.digest, j.base,
			coalesce(m.release, ''), j.verdict, j.severity, j.modules
		FROM (SELECT DISTINCT digest, package, built, base.fingerprint FROM base JOIN package USING (digest) `+where+`) AS picked
		JOIN judgement AS j ON j.base = picked.digest AND j.fingerprint = picked.fingerprint
		LEFT JOIN package AS m ON m.digest = j.digest
		ORDER BY picked.package, picked.built, j.fingerprint, j.pairing, coalesce(m.package, j.digest), coalesce(m.built, 0),
			j.judged DESC, j.digest, j.base`, slices.Clone(args)...)
	return odd
}

func (b *Build) scan(rows *sql.Rows) error {
	var built, seen int64
	err := rows.Scan(&b.Digest, &b.Package, &b.Source, &b.Release, &b.DistURL, &b.Host, &built, &seen,
		&b.Path, &b.Arch, &b.KernelRelease, &b.Flavor, (*digest)(&b.Fingerprint), (*digest)(&b.Types), (*digest)(&b.Strings),
		&b.TypeCount, &b.StringBytes, &b.Toolchain.Compiler, &b.Toolchain.Linker, &b.Toolchain.Pahole)
	if built != 0 {
		b.Built = time.Unix(built, 0).UTC()
	}
	b.Seen = time.Unix(seen, 0).UTC()
	return err
}

// sortJudgements sorts by pairing, the newest first, best verdict first.
func sortJudgements(list []Judgement) {
	slices.SortFunc(list, func(a, b Judgement) int {
		return cmp.Or(
			cmp.Compare(slices.Index(guard.Pairings, guard.Pairing(a.Pairing)), slices.Index(guard.Pairings, guard.Pairing(b.Pairing))),
			rpm.CompareEVR(b.Of, a.Of),
			cmp.Compare(slices.Index(guard.Verdicts, guard.Verdict(a.Verdict)), slices.Index(guard.Verdicts, guard.Verdict(b.Verdict))),
			cmp.Compare(a.Severity, b.Severity))
	})
}

// digest reads a fingerprint that text wrote.
type digest fingerprint.Digest

var _ sql.Scanner = (*digest)(nil)

func (d *digest) Scan(value any) error {
	s, ok := value.(string)
	if ok && s == "" {
		return nil
	}
	parsed, err := fingerprint.Parse(s)
	*d = digest(parsed)
	return err
}
