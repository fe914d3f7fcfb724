// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	arch      = "x86_64"
	installed = "/usr/lib/obs/server" // where Debian's package puts the backend
)

// backend is a running OBS backend: a source server, which answers as the public
// API does, a repository server, which workers talk to, and a scheduler.
type backend struct {
	dir      string // projects, jobs, results and logs
	source   string // URL of the source server
	repo     string // URL of the repository server
	worker   string // port of the worker, where nobody listens
	schedLog string

	keeper *exec.Cmd
	hold   io.WriteCloser // as long as this is open, the backend runs
}

// keeper runs the servers, and the scheduler once it is told by a line that they
// answer. Each is in a process group of its own, with the children that it forks
// for requests. When the standard input ends, which it also does when the test
// dies, so do the groups.
const keeper = `
groups=
run() {
    setsid perl "$@" > "../log/$1.log" 2>&1 < /dev/null &
    groups="$groups -$!"
    echo $! > "../run/$1.pid"
}
run bs_srcserver
run bs_repserver
read -r answer && run bs_sched ` + arch + ` && read -r answer
kill -s KILL -- $groups
wait
`

// startBackend lays out a backend below dir and starts it, as obsrun where there
// is that user, else as nobody.
func startBackend(dir string) (*backend, error) {
	account, err := user.Lookup("obsrun")
	if err != nil {
		if account, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	group, err := user.LookupGroupId(account.Gid)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	b := &backend{
		dir:      dir,
		source:   "http://127.0.0.1:" + ports[0],
		repo:     "http://127.0.0.1:" + ports[1],
		worker:   ports[2],
		schedLog: filepath.Join(dir, "log", "bs_sched.log"),
	}
	if err := b.layOut(account.Username, group.Name); err != nil {
		return nil, err
	}
	if out, err := exec.Command("chown", "-R", account.Uid+":"+account.Gid, dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("chown: %w: %s", err, out)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	b.keeper = exec.Command("sh", "-c", keeper)
	b.keeper.Dir = filepath.Join(dir, "server")
	// A group of its own, or an interrupt from the terminal would end it too early.
	b.keeper.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:    true,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}
	if b.hold, err = b.keeper.StdinPipe(); err != nil {
		return nil, err
	}
	if err := b.keeper.Start(); err != nil {
		return nil, err
	}
	if err := b.waitUntilUp(); err != nil {
		err = errors.Join(err, b.stop())
		b.printLogs(os.Stderr)
		return nil, err
	}
	return b, nil
}

// freePorts finds loopback ports that nobody listens on.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// layOut makes a server folder that links to the installed one but for two files:
// the configuration is ours, and what listens does so on loopback only, which the
// configuration has no word for.
func (b *backend) layOut(user, group string) error {
	dir := filepath.Join(b.dir, "server")
	for _, d := range []string{dir, filepath.Join(b.dir, "run"), filepath.Join(b.dir, "log")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(installed)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "BSConfig.pm" || e.Name() == "BSServer.pm" {
			continue
		}
		if err := os.Symlink(filepath.Join(installed, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(installed, "BSServer.pm"))
	if err != nil {
		return err
	}
	loopback := strings.ReplaceAll(string(text), "INADDR_ANY", "INADDR_LOOPBACK")
	if loopback == string(text) {
		return fmt.Errorf("%s: BSServer.pm does not name the address it binds to as 2.9.4 does; it might listen on all", installed)
	}
	config := fmt.Sprintf(`package BSConfig;
our $srcserver = '%[1]s';
our $reposerver = '%[2]s';
our $serviceserver = '%[2]s';
our $servicedir = '/usr/lib/obs/service';
our $bsdir = '%[3]s';
our $rundir = '%[3]s/run';
our $logdir = '%[3]s/log';
our $bsuser = '%[4]s';
our $bsgroup = '%[5]s';
our $bsserviceuser = $bsuser;
our $bsservicegroup = $bsgroup;
our $ipaccess = { '127\..*' => 'rw,worker' };
our $nosharedtrees = 2;
our $packtrack = [];
our $relsync_pool = { 'local' => 'local', '%[6]s' => '%[6]s' };
our $schedulerarchs = ['%[6]s'];
our $localarch = '%[6]s';
our $disable_data_sync = 1;
our $sign_project = 0;
our $obsname = 'loopback.test';
our $repodownload = '%[2]s/repositories';
1;
`, b.source, b.repo, b.dir, user, group, arch)
	for name, text := range map[string]string{"BSServer.pm": loopback, "BSConfig.pm": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// waitUntilUp waits for both servers to answer and then for the scheduler to have
// nothing to do.
func (b *backend) waitUntilUp() error {
	for _, url := range []string{b.source + "/source", b.repo + "/serverstatus"} {
		err := poll(url, func() (bool, error) {
			resp, err := http.Get(url)
			if err != nil {
				return false, nil
			}
			return resp.StatusCode == http.StatusOK, resp.Body.Close()
		})
		if err != nil {
			return err
		}
	}
	if _, err := io.WriteString(b.hold, "up\n"); err != nil {
		return err
	}
	return poll("the scheduler", b.idle)
}

// idle tells whether the scheduler has taken all its events and waits for more.
func (b *backend) idle() (bool, error) {
	// What a server is about to put there begins with a dot.
	events, err := filepath.Glob(filepath.Join(b.dir, "events", arch, "[^.]*"))
	if err != nil || len(events) > 0 {
		return false, err
	}
	f, err := os.Open(b.schedLog)
	if err != nil {
		return false, nil // it has yet to start
	}
	defer f.Close()
	const rests = "waiting for an event...\n"
	end := make([]byte, len(rests))
	if size, err := f.Seek(0, io.SeekEnd); err != nil || size < int64(len(end)) {
		return false, err
	} else if _, err := f.ReadAt(end, size-int64(len(end))); err != nil {
		return false, err
	}
	return string(end) == rests, nil
}

// stop ends the backend's processes and waits for them to be gone.
func (b *backend) stop() error {
	b.hold.Close()
	ended := make(chan error)
	go func() { ended <- b.keeper.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("backend: %w", err)
		}
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("backend: its keeper, process %d, does not end", b.keeper.Process.Pid)
	}
}

// signal sends the scheduler a signal.
func (b *backend) signal(s syscall.Signal) error {
	text, err := os.ReadFile(filepath.Join(b.dir, "run", "bs_sched.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, s)
}

// printLogs writes the end of each log.
func (b *backend) printLogs(w io.Writer) {
	logs, _ := filepath.Glob(filepath.Join(b.dir, "log", "*.log"))
	for _, path := range logs {
		out, _ := exec.Command("tail", "-n", "20", path).CombinedOutput()
		fmt.Fprintf(w, "--- %s\n%s", filepath.Base(path), out)
	}
}

// patience is how long anything may take: each request is a Perl process of its own, and
// where these begin slowly, all of a minute goes by until a build is noticed.
const patience = 5 * time.Minute

// poll waits until done is true or fails. It asks once a second: more often, the tests
// would keep OBS from its work.
func poll(what string, done func() (bool, error)) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("waited %v for %s", patience, what)
		}
	}
}

// needsBackend skips a test where there is none.
func needsBackend(t *testing.T) {
	t.Helper()
	if server == nil {
		t.Skip(absent)
	}
}
