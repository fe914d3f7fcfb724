// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Of the simulated OBS.
const (
	delay   = 50 * time.Millisecond // before each answer
	modules = 4                     // packages of modules in a project, beside one kernel
	others  = 200                   // RPMs that are neither
	atOnce  = 4                     // requests that audit has under way by default
)

// projects measures audits of many projects in OBS, each with one repository. Beside it
// stands what the requests themselves take, so many at once.
func (b *bench) projects(ctx context.Context, sizes []int) error {
	if len(sizes) == 0 {
		return nil
	}
	fmt.Printf("\nProjects of one kernel and %d packages of modules among %d RPMs, in an OBS that takes %d ms for each answer:\n\n"+
		"| projects | run | requests | s | CPU s | MB received | MiB | the requests alone s | audit / alone |\n|---|---|---|---|---|---|---|---|---|\n",
		modules, others+modules+1, delay.Milliseconds())
	for _, n := range sizes {
		o := &simulated{}
		url, stop, err := b.serve(o)
		if err != nil {
			return err
		}
		name := fmt.Sprint("OBS ", n)
		args := []string{"audit", "--metadata-only", "--apiurl", url, "--format", "lint"}
		for i := range n {
			args = append(args, fmt.Sprintf("obs:P%d/standard/x86_64", i))
		}
		for _, turn := range []string{"first", "again", "one of a hundred built again"} {
			o.again = strings.HasPrefix(turn, "one")
			m, err := b.measure(ctx, append(b.state(name), "OSC_CONFIG=/dev/null", "OSC_APIURL="+url, "OSC_USERNAME=scale", "OSC_PASSWORD=scale"), b.guard, args...)
			if err != nil {
				stop()
				return err
			}
			alone := float64(m.requests) * delay.Seconds() / atOnce
			fmt.Printf("| %d | %s | %d | %.2f | %.2f | %.1f | %.0f | %.2f | %s |\n", n, turn, m.requests, m.seconds, m.cpu, m.megabytes, m.peak, alone, ratio(m.seconds, alone))
		}
		stop()
	}
	return nil
}

// simulated answers as OBS does. Again: in each hundredth project one package was built
// again.
type simulated struct{ again bool }

func (o *simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(delay)
	var project int
	if n, _ := fmt.Sscanf(r.URL.Path, "/build/P%d/", &project); n != 1 {
		http.NotFound(w, r)
		return
	}
	changed := o.again && project%100 == 0
	_, path, _ := strings.Cut(r.URL.Path, "/standard/x86_64")
	base := func() string { return fmt.Sprintf("kernel-btf(default:sha256:%064x)", project+1) }
	fileinfo := func(name, deps string) {
		fmt.Fprintf(w, `<fileinfo filename="%s.rpm"><name>%s</name><version>1.%d</version><release>1</release><arch>x86_64</arch><source>%s</source><size>1</size><mtime>1</mtime>%s</fileinfo>`,
			name, name, project, name, deps)
	}
	switch {
	case path == "":
		fmt.Fprintf(w, `<status code="finished"><buildid>%d-%v</buildid></status>`, project, changed)
	case path == "/_builddepinfo":
		fmt.Fprint(w, `<builddepinfo/>`)
	case path == "/_repository":
		o.list(w, changed)
	case strings.HasSuffix(path, "/kernel-default.rpm"):
		fileinfo("kernel-default", fmt.Sprintf("<provides>kernel-uname-r = 6.4.%d-1-default</provides><provides>%s</provides>", project, base()))
	default:
		name := path[strings.LastIndexByte(path, '/')+1:]
		fileinfo(strings.TrimSuffix(name, ".rpm"), "<requires>"+base()+"</requires>")
	}
}

func (o *simulated) list(w http.ResponseWriter, changed bool) {
	fmt.Fprint(w, `<binarylist><binary filename="kernel-default.rpm" size="1" mtime="1"/>`)
	for i := range modules {
		mtime := 1
		if changed && i == 0 {
			mtime = 2
		}
		fmt.Fprintf(w, `<binary filename="m%d-kmp-default.rpm" size="1" mtime="%d"/>`, i, mtime)
	}
	for i := range others {
		fmt.Fprintf(w, `<binary filename="libpackage%d.rpm" size="1" mtime="1"/>`, i)
	}
	fmt.Fprint(w, `</binarylist>`)
}
