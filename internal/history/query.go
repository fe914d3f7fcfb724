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

// What is written and read of each table, in the order of both.
const (
	packageColumns   = "digest, package, source, release, disturl, host, built, seen, complete, project, used"
	baseColumns      = "digest, path, arch, kernelrelease, flavor, fingerprint, types, strings, type_count, string_bytes, compiler, linker, pahole"
	memoColumns      = "key, value, kept"
	judgementColumns = "digest, base, fingerprint, pairing, verdict, severity, modules, judged"
)

// condition is the filter as SQL with its values. Patterns are matched by like, as
// each database has others; SQL picks what begins as they do.
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

// vmlinux identifies a build as judgements do.
type vmlinux struct {
	digest string
	base   fingerprint.Digest
}

// Builds gives the recorded kernels that the filter picks, in no order, compared with
// none. A row that something else than this package wrote, and that cannot be read, is
// an error beside the others.
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
		at := map[vmlinux][]int{}
		for i, s := range steps {
			id := vmlinux{s.Digest, s.Fingerprint}
			at[id] = append(at[id], i)
		}
		// Over all module packages of a version-release.
		t.rows(func(rows *sql.Rows) error {
			var on vmlinux
			var j Judgement
			if err := rows.Scan(&on.digest, (*digest)(&on.base), &j.Pairing, &j.Of, &j.Verdict, &j.Severity, &j.Modules); err != nil {
				odd = append(odd, fmt.Errorf("history: judgement on %.64q: %w", on.digest, err))
			}
			for _, i := range at[on] {
				steps[i].Judgements = append(steps[i].Judgements, j)
			}
			return nil
		}, `SELECT j.base, j.fingerprint, j.pairing, coalesce(m.release, ''), j.verdict, j.severity, CAST(sum(j.modules) AS BIGINT)
			FROM (SELECT DISTINCT base.digest, base.fingerprint FROM base JOIN package USING (digest) `+where+`) AS picked
			JOIN judgement AS j ON j.base = picked.digest AND j.fingerprint = picked.fingerprint
			LEFT JOIN package AS m ON m.digest = j.digest
			GROUP BY j.base, j.fingerprint, j.pairing, m.release, j.verdict, j.severity`, slices.Clone(args)...)
	})
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		sortJudgements(s.Judgements)
	}
	return steps, errors.Join(odd...)
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
			rpm.CompareVersions(b.Of, a.Of),
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
