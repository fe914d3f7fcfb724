// SPDX-License-Identifier: Apache-2.0

//go:build e2epostgres

// Package postgres proves that many share one history: in a PostgreSQL database, with
// writers that come at once and are killed, and that it is there what it is in a file.
//
//	go test -tags e2epostgres ./e2e/postgres
//
// The database is a cluster of its own in a temporary folder, by Debian's packages. It
// listens on the loopback device only and ends with the tests.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/obs-btf-guard/obs-btf-guard/e2e/harness"
)

// password needs to be escaped in a URL.
const password = "pa55 word/%2F"

var (
	program  string // the binary under test
	incident string // testdata/incident
	port     int    // of the cluster
	noServer error  // why there is none
)

func TestMain(m *testing.M) {
	if os.Getenv("WRITER_DB") != "" { // a test started this program as a writer
		if err := writer(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	harness.Main(m, func(b *harness.Bench) (err error) {
		program = b.Program
		if incident, err = filepath.Abs("../../testdata/incident"); err != nil {
			return err
		}
		bin, err := harness.Script("./install.sh")
		if err != nil {
			noServer = err
			return nil
		}
		return startCluster(b, bin)
	})
}

// startCluster makes a cluster and starts its server.
func startCluster(b *harness.Bench, bin string) error {
	dir := filepath.Join(b.Dir, "cluster")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return err
	}
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} // ends at once when this program does
	if os.Geteuid() == 0 {
		cred, err := postgresUser()
		if err != nil {
			return err
		}
		attr.Credential = cred // the server does not run as root
		for _, path := range []string{dir, secret} {
			if err := os.Chown(path, int(cred.Uid), int(cred.Gid)); err != nil {
				return err
			}
		}
	}
	runtime.LockOSThread() // the parent of a process is a thread
	data := filepath.Join(dir, "data")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "guard", "-A", "scram-sha-256", "--pwfile="+secret, "-E", "UTF8", "--locale=C.UTF-8")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	var err error
	if port, err = freePort(); err != nil {
		return err
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-c", "max_connections=60")
	server.SysProcAttr, server.Dir = attr, dir
	log, err := os.Create(filepath.Join(b.Dir, "server.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	b.After(func(status int) error {
		server.Process.Signal(syscall.SIGINT) // a fast shutdown
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			server.Process.Kill()
			return errors.New("the server did not end")
		}
	})
	for {
		err := func() error {
			db, err := sql.Open("pgx", serverURL("postgres"))
			if err != nil {
				return err
			}
			defer db.Close()
			return db.PingContext(ctx)
		}()
		if err == nil {
			return nil
		}
		select {
		case end := <-ended:
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server: %v\n%s", end, text)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// postgresUser is Debian's user for it, else nobody.
func postgresUser() (*syscall.Credential, error) {
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		var u *user.User
		if u, err = user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
		}
	}
	return nil, err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// serverURL is that of a database, with the password.
func serverURL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("guard", password), Host: fmt.Sprintf("127.0.0.1:%d", port), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// newDatabase makes an empty database and gives its URL and a connection.
func newDatabase(t *testing.T, name string) (string, *sql.DB) {
	t.Helper()
	if noServer != nil {
		harness.SkipUnreachable(t, noServer)
		t.Fatal(noServer)
	}
	admin, err := sql.Open("pgx", serverURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	// Texts compare otherwise here than byte by byte, unless we ask for it.
	if _, err := admin.Exec("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C.UTF-8'"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", serverURL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return serverURL(name), db
}
