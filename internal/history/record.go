// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// maxText bounds what is kept of one text: a header may hold megabytes.
const maxText = 4096

// Record remembers the kernels in the packages of an inventory and, unless res is
// nil, how the modules of packages were judged. What was judged before counts no
// more. Loose files are not remembered: nothing says what they are of.
func (db *DB) Record(ctx context.Context, inv *guard.Inventory, res *guard.Result) error {
	tx, err := db.conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	defer tx.Rollback()
	r := recorder{ctx: ctx, tx: tx, now: time.Now().Unix()}
	r.bases(inv)
	if res != nil {
		r.judgements(res)
	}
	if r.err == nil {
		r.err = tx.Commit()
	}
	if r.err != nil {
		return fmt.Errorf("history: %w", r.err)
	}
	return nil
}

// recorder writes until the first error.
type recorder struct {
	ctx context.Context
	tx  *sql.Tx
	now int64
	err error
}

func (r *recorder) exec(query string, args ...any) {
	if r.err != nil {
		return
	}
	for i, a := range args {
		if text, ok := a.(string); ok && len(text) > maxText {
			args[i] = text[:maxText]
		}
	}
	_, r.err = r.tx.ExecContext(r.ctx, query, args...)
}

func (r *recorder) pkg(p *guard.Package) {
	built := int64(0)
	if !p.Built.IsZero() {
		built = p.Built.Unix()
	}
	from, _ := obs.ParseDistURL(p.DistURL)
	r.exec("INSERT INTO package ("+packageColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
		p.Digest, p.NEVRA, p.Source, p.VersionRelease, p.DistURL, p.Host, built, r.now, from.Project)
}

// bases writes each package with its kernels. One of which a vmlinux could not be
// read adds to what is known of it and takes nothing away.
func (r *recorder) bases(inv *guard.Inventory) {
	incomplete := map[string]bool{}
	for _, p := range inv.Problems {
		incomplete[p.Path] = true
	}
	written := map[string]bool{}
	for _, b := range inv.Bases {
		p := b.Package
		if p == nil {
			continue
		}
		if !written[p.Digest] {
			r.pkg(p)
			if !incomplete[p.Path] {
				r.exec("DELETE FROM base WHERE digest = ?", p.Digest)
				r.exec("UPDATE package SET complete = 1 WHERE digest = ?", p.Digest)
			}
			written[p.Digest] = true
		}
		var types, bytes uint32
		if b.Table != nil {
			types, bytes = uint32(b.Table.Len()), b.Table.EndString()
		}
		t := b.Config.Toolchain()
		r.exec("INSERT INTO base ("+baseColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			p.Digest, b.Path, b.Arch, b.Release, b.Flavor,
			text(b.Fingerprint.Base), text(b.Fingerprint.Types), text(b.Fingerprint.Strings), types, bytes,
			t.Compiler, t.Linker, t.Pahole)
	}
}

// judged is the modules of one package on one vmlinux, under one pairing.
type judged struct{ digest, base, fingerprint, pairing string }

// judgements writes how many modules of each package came to what, in the place
// of what stood there.
func (r *recorder) judgements(res *guard.Result) {
	type outcome struct{ verdict, severity string }
	counts := map[judged]map[outcome]int{}
	packages := map[string]*guard.Package{}
	for _, f := range res.Findings {
		p := f.Module.Package
		if p == nil {
			continue
		}
		packages[p.Digest] = p
		at := judged{digest: p.Digest, pairing: string(f.Pairing)}
		if b := f.Base; b != nil {
			at.fingerprint = text(b.Fingerprint.Base)
			if b.Package != nil {
				at.base = b.Package.Digest
			}
		}
		if counts[at] == nil {
			counts[at] = map[outcome]int{}
		}
		counts[at][outcome{string(f.Verdict), string(f.Severity)}]++
	}
	for _, p := range packages {
		r.pkg(p)
	}
	for at, outcomes := range counts {
		r.exec("DELETE FROM judgement WHERE digest = ? AND base = ? AND fingerprint = ? AND pairing = ?", at.digest, at.base, at.fingerprint, at.pairing)
		for o, n := range outcomes {
			r.exec("INSERT INTO judgement ("+judgementColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				at.digest, at.base, at.fingerprint, at.pairing, o.verdict, o.severity, n, r.now)
		}
	}
}

// text is "" for a digest that was never set.
func text(d fingerprint.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
