// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
)

// histories are files that claim to be the history.
func (c *Corpus) histories() {
	const kind = "history"
	const (
		name     = "history.db"
		aPackage = "INSERT INTO package (digest, package, source, release, disturl, project, host, built, seen, complete) VALUES "
		aBase    = "INSERT INTO base (digest, path, arch, kernelrelease, flavor, fingerprint, types, strings, type_count, string_bytes, compiler, linker, pahole) VALUES "
	)
	file := func(what string, make func(Dir)) {
		c.add(kind, what, make, "history --db $DIR/"+name, "check --db $DIR/"+name+" $INCIDENT/5.15.12-1.3", "history --db $DIR/"+name)
	}
	empty := func(d Dir) []byte {
		db, err := history.Open(d.Context(), d.In(name), nil)
		d.check(err)
		d.check(db.Close())
		data, err := os.ReadFile(d.In(name))
		d.check(err)
		return data
	}
	run := func(d Dir, statements ...string) {
		db, err := sql.Open("sqlite", d.In(name))
		d.check(err)
		defer db.Close()
		for _, s := range statements {
			_, err := db.Exec(s)
			d.check(err)
		}
	}
	file("junk", func(d Dir) { d.Write(name, bytes.Repeat([]byte("junk"), 2048)) })
	file("nothing", func(d Dir) { d.Write(name, nil) })
	file("SQLite's mark and ones", func(d Dir) { d.Write(name, append([]byte("SQLite format 3\x00"), bytes.Repeat([]byte{0xff}, 4080)...)) })
	file("folder", func(d Dir) { d.Mkdir(name) })
	file("pipe", func(d Dir) { d.Fifo(name) })
	file("link to itself", func(d Dir) { d.Symlink(name, name) })
	file("of another program", func(d Dir) { run(d, "CREATE TABLE t (x)") })
	file("of a newer schema", func(d Dir) {
		empty(d)
		run(d, "PRAGMA user_version = 99999")
	})
	file("cut", func(d Dir) { d.Write(name, empty(d)[:5000]) })
	file("without one table", func(d Dir) {
		empty(d)
		run(d, "DROP TABLE judgement")
	})
	file("with a view for a table", func(d Dir) {
		empty(d)
		run(d, "DROP TABLE judgement", "CREATE VIEW judgement AS SELECT * FROM package")
	})
	file("with a trigger", func(d Dir) {
		empty(d)
		run(d, "CREATE TRIGGER t AFTER INSERT ON package BEGIN DELETE FROM package; END")
	})
	file("endless view", func(d Dir) {
		empty(d)
		run(d, "ALTER TABLE package RENAME TO p",
			"CREATE VIEW package AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT p.* FROM p, n")
	})
	file("rows with escapes", func(d Dir) {
		empty(d)
		run(d, aPackage+"('d','k'||char(27)||'[31m'||char(10)||'x','s','1-1','u','p','h',1,1,1)",
			aBase+"('d','/boot/x','x86_64','5.1'||char(27)||'[2J','default','sha256:00','t','s',1,1,'','','')")
	})
	file("row with a value of 20 MB", func(d Dir) {
		empty(d)
		run(d, aPackage+"('d',hex(zeroblob(10000000)),'s','1-1','u','p','h',1,1,1)",
			aBase+"('d','/boot/x','x86_64','5.1-1-default','default','sha256:00','t','s',1,1,'','','')")
	})
	file("rows of other types", func(d Dir) {
		empty(d)
		run(d, aPackage+"('d',x'ff00','s','1-1','u','p','h','never','x','y')")
	})
	for i := range 4 {
		file(fmt.Sprintf("bytes turned over, %d", i), func(d Dir) {
			data := empty(d)
			// Some in each page, always the same ones.
			for at := 100 + 37*i; at < len(data); at += 997 {
				data[at] ^= 0xff
			}
			d.Write(name, data)
		})
	}
	file("journal of junk", func(d Dir) {
		empty(d)
		d.Write(name+"-journal", append([]byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"), bytes.Repeat([]byte{0xff}, 5000)...))
	})
}
