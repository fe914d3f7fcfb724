// SPDX-License-Identifier: Apache-2.0

//go:build e2epostgres

package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// run runs the program in the folder of the incident. Whatever it is asked, it does not
// print the password.
func run(t *testing.T, env []string, args ...string) harness.Outcome {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = incident, append(os.Environ(), env...)
	o := harness.Try(t, cmd)
	for _, secret := range []string{password, "pa55", "word/"} {
		if strings.Contains(o.All(), secret) {
			t.Errorf("%q prints the password:\n%s", args, o.All())
		}
	}
	return o
}

var (
	seen     = regexp.MustCompile(`"seen": "[^"]*"`)
	database = regexp.MustCompile(`"database": "[^"]*"`)
)

// TestSame gives the same answers from a database as from a file, whose texts sort
// otherwise, and stays the same when all is recorded again.
func TestSame(t *testing.T) {
	server, _ := newDatabase(t, "same")
	file := filepath.Join(t.TempDir(), "history.db")
	for range 2 {
		for _, db := range []string{server, file} {
			if o := run(t, nil, "check", "--db", db, "5.15.12-1.3", "--against", "5.15.12-1.1"); o.Status != 1 || o.Stderr != "" {
				t.Fatalf("exit status %d: %s", o.Status, o.Stderr)
			}
			if o := run(t, nil, "audit", "--db", db, "5.15.12-1.3", "broken"); o.Stderr != "" {
				t.Fatalf("exit status %d: %s", o.Status, o.Stderr)
			}
		}
	}
	for _, args := range [][]string{
		{}, {"--verbose"}, {"--changed"}, {"5.15.12-1-default"}, {"5.15.*"}, {"5.1[5].12-?-default"}, {"*-default"}, {"6.*"},
		{"--arch", "x86_64", "--flavor", "default", "--project", "openSUSE:Factory"}, {"--arch", "aarch64"}, {"--format", "json"}, {"--prune", "1"},
	} {
		var outs []string
		for _, db := range []string{server, file} {
			o := run(t, nil, append([]string{"history", "--db", db}, args...)...)
			outs = append(outs, fmt.Sprintf("exit status %d\n%s", o.Status, database.ReplaceAllString(seen.ReplaceAllString(o.Stdout, ""), "")))
		}
		if outs[0] != outs[1] || len(args) == 0 && !strings.Contains(outs[0], "3 builds, the base changed once") {
			t.Errorf("history %q:\nserver: %s\nfile: %s", args, outs[0], outs[1])
		}
	}
}

// TestImport collects the report of a build, from what the hook leaves.
func TestImport(t *testing.T) {
	server, _ := newDatabase(t, "import")
	root := t.TempDir()
	rpms, other := filepath.Join(root, "home/abuild/rpmbuild/RPMS/x86_64"), filepath.Join(root, "home/abuild/rpmbuild/OTHER")
	for _, dir := range []string{rpms, other} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("home/abuild/rpmbuild", filepath.Join(root, ".build.packages")); err != nil {
		t.Fatal(err)
	}
	const rpm = "kernel-default-5.15.12-1.3.x86_64.rpm"
	data, err := os.ReadFile(filepath.Join(incident, "5.15.12-1.3", rpm))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(rpms, rpm), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if o := run(t, []string{"BUILD_ROOT=" + root, "PNAME=kernel-default"}, "hook"); o.Status != 0 {
		t.Fatalf("exit status %d: %s", o.Status, o.All())
	}
	report := filepath.Join(other, "kernel-default.btfguard")
	for range 2 {
		if o := run(t, nil, "history", "import", "--db", server, report); o.Status != 0 || !strings.Contains(o.Stdout, "remembered 1 report with 1 build in postgres://guard@127.0.0.1:") {
			t.Errorf("exit status %d: %s", o.Status, o.All())
		}
	}
	if o := run(t, nil, "history", "--db", server, "--verbose"); o.Status != 0 || !strings.Contains(o.Stdout, "1 build\n") || !strings.Contains(o.Stdout, "own modules on it: 5 same-base") {
		t.Errorf("exit status %d: %s", o.Status, o.All())
	}
}

// TestPassword takes the password from where PostgreSQL's programs do, and never
// prints it, whatever goes wrong.
func TestPassword(t *testing.T) {
	server, _ := newDatabase(t, "password")
	bare := fmt.Sprintf("postgres://guard@127.0.0.1:%d/password?sslmode=disable", port)
	passfile := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(passfile, []byte("*:*:*:guard:"+password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  []string
		db   string
		says string // "": it works
	}{
		"in the URL":              {nil, server, ""},
		"in the environment":      {[]string{"PGPASSWORD=" + password}, bare, ""},
		"in a file":               {[]string{"PGPASSFILE=" + passfile}, bare, ""},
		"the environment has all": {[]string{"PGPASSWORD=" + password, "PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", port), "PGUSER=guard", "PGDATABASE=password", "PGSSLMODE=disable"}, "postgres://", ""},
		"none":                    {nil, bare, "password authentication failed"},
		"wrong":                   {[]string{"PGPASSWORD=no pa55word"}, bare, "password authentication failed"},
		"no such database":        {nil, strings.Replace(server, "/password?", "/nothing?", 1), `database "nothing" does not exist`},
		"no such server":          {nil, strings.Replace(server, fmt.Sprint(port), "1", 1), "connection refused"},
		"no such user":            {nil, strings.Replace(server, "guard:", "nobody:", 1), "password authentication failed"},
		"the server has no TLS":   {nil, strings.Replace(server, "=disable", "=require", 1), "TLS"},
		"a URL that is none":      {nil, strings.Replace(server, "127.0.0.1", "[127", 1), "not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			check := run(t, c.env, "check", "--db", c.db, "broken")
			look := run(t, c.env, "history", "--db", c.db)
			if check.Status != 1 {
				t.Errorf("check ends with %d: %s", check.Status, check.All())
			}
			switch {
			case c.says == "":
				if check.Stderr != "" || look.Status != 0 {
					t.Errorf("%s%s", check.Stderr, look.All())
				}
			case look.Status != 2 || !strings.Contains(look.Stderr, c.says) || !strings.Contains(check.Stderr, c.says):
				t.Errorf("exit status %d\n%s%s", look.Status, check.Stderr, look.Stderr)
			}
		})
	}
}

// TestSchema brings older tables up to date, leaves newer ones and those of others
// alone, and uses a schema that somebody else made.
func TestSchema(t *testing.T) {
	server, admin := newDatabase(t, "schemas")
	exec := func(query string) {
		t.Helper()
		if _, err := admin.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := admin.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	check := func(db, says string) {
		t.Helper()
		if o := run(t, nil, "check", "--db", db, "broken"); o.Status != 1 || says == "" && o.Stderr != "" || !strings.Contains(o.Stderr, says) {
			t.Errorf("exit status %d: %s, want %q", o.Status, o.Stderr, says)
		}
	}
	check(server, "")
	newest := count("SELECT version FROM obs_btf_guard.version")
	// As the second schema was.
	exec("UPDATE obs_btf_guard.version SET version = 2; ALTER TABLE obs_btf_guard.package DROP COLUMN used; DROP INDEX obs_btf_guard.package_project, obs_btf_guard.base_kernelrelease, obs_btf_guard.memo_kept")
	exec("INSERT INTO obs_btf_guard.package (digest, package, source, release, disturl, project, host, built, seen, complete) VALUES ('old', '', '', '', '', '', '', 0, 1000, 0)")
	check(server, "")
	if n := count("SELECT version FROM obs_btf_guard.version"); n != newest {
		t.Errorf("schema %d, want %d", n, newest)
	}
	if n := count("SELECT used FROM obs_btf_guard.package WHERE digest = 'old'"); n != 1000 {
		t.Errorf("what was first recorded at 1000 was last recorded at %d", n)
	}
	exec("UPDATE obs_btf_guard.version SET version = 99")
	check(server, "written by a newer obs-btf-guard (schema 99, this one knows "+fmt.Sprint(newest)+")")
	exec("CREATE SCHEMA theirs; CREATE TABLE theirs.package (x INT)")
	check(server+"&search_path=theirs", "something of another program")
	if n := count("SELECT count(*) FROM pg_tables WHERE schemaname = 'theirs'"); n != 1 {
		t.Errorf("%d tables", n)
	}
	// Somebody who may not make schemas.
	exec("CREATE ROLE writer LOGIN PASSWORD '" + password + "'; REVOKE CREATE ON DATABASE schemas FROM PUBLIC; CREATE SCHEMA \"made for us\" AUTHORIZATION writer")
	other := strings.Replace(server, "guard:", "writer:", 1)
	check(other+"&search_path=nothing", "schema nothing is missing and cannot be made")
	check(other+"&search_path=made%20for%20us", "")
	if n := count(`SELECT count(*) FROM "made for us".base`); n == 0 {
		t.Error("nothing is remembered")
	}
}
