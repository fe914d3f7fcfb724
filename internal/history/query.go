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
	packageColumns   = "digest, package, source, release, disturl, host, built, seen, complete, project"
	baseColumns      = "digest, path, arch, kernelrelease, flavor, fingerprint, types, strings, type_count, string_bytes, compiler, linker, pahole"
	memoColumns      = "key, value, kept"
	judgementColumns = "digest, base, fingerprint, pairing, verdict, severity, modules, judged"
)

const buildQuery = `
SELECT digest, package, source, release, disturl, host, built, seen,
       path, base.arch, kernelrelease, flavor, fingerprint, types, strings, type_count, string_bytes, compiler, linker, pahole
FROM base JOIN package USING (digest) `

// Builds gives the recorded kernels that the filter picks, oldest first. A row that
// something else than this package wrote, and that cannot be read, is an error
// beside the others.
func (db *DB) Builds(ctx context.Context, f Filter) ([]Build, error) {
	query, args := "WHERE 1", []any{}
	for _, c := range []struct{ condition, value string }{
		{"kernelrelease GLOB ?", f.Kernel}, {"base.arch = ?", f.Arch}, {"flavor = ?", f.Flavor}, {"project = ?", f.Project},
	} {
		if c.value != "" {
			query += " AND " + c.condition
			args = append(args, c.value)
		}
	}
	return db.builds(ctx, query+" ORDER BY built, package, path, digest", args...)
}

func (db *DB) builds(ctx context.Context, where string, args ...any) ([]Build, error) {
	var builds []Build
	fail := func(err error) ([]Build, error) { return nil, fmt.Errorf("history: %w", err) }
	rows, err := db.conn.QueryContext(ctx, buildQuery+where, args...)
	if err != nil {
		return fail(err)
	}
	var odd []error
	defer rows.Close()
	for rows.Next() {
		b := Build{Judgements: []Judgement{}}
		var built, seen int64
		if err := rows.Scan(&b.Digest, &b.Package, &b.Source, &b.Release, &b.DistURL, &b.Host, &built, &seen,
			&b.Path, &b.Arch, &b.KernelRelease, &b.Flavor, (*digest)(&b.Fingerprint), (*digest)(&b.Types), (*digest)(&b.Strings),
			&b.TypeCount, &b.StringBytes, &b.Toolchain.Compiler, &b.Toolchain.Linker, &b.Toolchain.Pahole); err != nil {
			odd = append(odd, fmt.Errorf("history: row of %.200q (%.64q): %w", b.Package, b.Path, err))
			continue
		}
		if built != 0 {
			b.Built = time.Unix(built, 0).UTC()
		}
		b.Seen = time.Unix(seen, 0).UTC()
		builds = append(builds, b)
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	rows.Close()
	for i := range builds {
		if err := db.judgements(ctx, &builds[i]); err != nil {
			return fail(err)
		}
	}
	return builds, errors.Join(odd...)
}

// judgements fills in what was judged on a vmlinux, over all module packages of a
// version-release: by pairing, the newest first, best verdict first.
func (db *DB) judgements(ctx context.Context, b *Build) error {
	rows, err := db.conn.QueryContext(ctx, `SELECT pairing, coalesce(package.release, ''), verdict, severity, sum(modules)
		FROM judgement LEFT JOIN package USING (digest)
		WHERE base = ? AND fingerprint = ? GROUP BY pairing, package.release, verdict, severity`, b.Digest, text(b.Fingerprint))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var j Judgement
		if err := rows.Scan(&j.Pairing, &j.Of, &j.Verdict, &j.Severity, &j.Modules); err != nil {
			return err
		}
		b.Judgements = append(b.Judgements, j)
	}
	sortJudgements(b.Judgements)
	return rows.Err()
}

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
