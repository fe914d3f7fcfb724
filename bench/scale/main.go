// SPDX-License-Identifier: Apache-2.0

// Scale measures what outgrows a machine: audits of rpm-md repositories with up to a
// million packages, and of many projects in a simulated OBS, by their metadata. It prints
// Markdown tables.
//
//	go run ./bench/scale [-guard BINARY] [-packages N,N,...] [-projects N,N,...]
//
// Each audit is run twice, from an empty history and cache and then again. What many
// writers do to one history is measured by
//
//	go test -tags e2epostgres ./e2e/postgres -run Scale -v -rows N,N,...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	guard := flag.String("guard", "", "measure this `binary` instead of one that is built here")
	packages := flag.String("packages", "60000,250000,1000000", "sizes of repositories, separated by commas; none if empty")
	dnf := flag.Int("dnf", 250_000, "up to so many `packages`, measure dnf as well, which takes ten times as long")
	projects := flag.String("projects", "40,1000", "numbers of projects in OBS, likewise")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *guard, *packages, *projects, *dnf); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, guard, packages, projects string, dnf int) error {
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, guard: guard, dnf: dnf}
	if guard == "" {
		b.guard = filepath.Join(dir, "obs-btf-guard")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.guard, "./cmd/obs-btf-guard")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, text)
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%d cores, load %s when it began.\n", runtime.GOMAXPROCS(0), strings.Join(strings.Fields(string(load))[:3], " "))
	sizes, err := numbers(packages)
	if err != nil {
		return err
	}
	if err := b.repositories(ctx, sizes); err != nil {
		return err
	}
	if sizes, err = numbers(projects); err != nil {
		return err
	}
	return b.projects(ctx, sizes)
}

func numbers(list string) (out []int, err error) {
	for s := range strings.SplitSeq(list, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number", s)
		}
		out = append(out, n)
	}
	return out, nil
}

// bench runs programs and measures them.
type bench struct {
	dir   string
	guard string
	dnf   int          // most packages that it is measured with
	sent  atomic.Int64 // bytes of bodies that the server sent
	asked atomic.Int64 // requests
}

// measured is what one run took.
type measured struct {
	seconds, cpu float64
	peak         float64 // MiB
	requests     int64
	megabytes    float64 // received
}

// state is where a program of a measurement remembers; empty, to begin with.
func (b *bench) state(name string) []string {
	dir := filepath.Join(b.dir, name)
	return append(os.Environ(), "CI=", "HOME="+dir, "XDG_CACHE_HOME="+dir+"/cache", "XDG_STATE_HOME="+dir+"/state")
}

// measure runs a program. A status of 1 is a finding, and as good a run as any.
func (b *bench) measure(ctx context.Context, env []string, name string, args ...string) (measured, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	b.sent.Store(0)
	b.asked.Store(0)
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 || cmd.ProcessState.ExitCode() < 0 {
		return measured{}, fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, stderr.String())
	}
	m := measured{
		seconds: took.Seconds(), cpu: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		requests: b.asked.Load(), megabytes: float64(b.sent.Load()) / 1e6,
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.peak = float64(u.Maxrss) / 1024 // KiB
	}
	return m, nil
}

// serve answers on the loopback device until the end.
func (b *bench) serve(h http.Handler) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		h.ServeHTTP(&counting{w, &b.sent}, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "scale:", err)
		}
	}()
	return "http://" + l.Addr().String(), func() { s.Close(); <-done }, nil
}

// counting counts the bytes of answers.
type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// ratio is how many times as long the peer takes as we do, "" without one.
func ratio(peer, ours float64) string {
	if peer == 0 || ours == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", peer/ours)
}

// seconds are written as such, "" where nothing was measured.
func seconds(s float64) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", s)
}
