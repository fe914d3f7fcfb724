// SPDX-License-Identifier: Apache-2.0

//go:build e2ebackend

package backend

import (
	"fmt"
	"slices"
	"strings"
)

// at is the path of the project's results.
func (p *project) at() string { return "/build/" + p.name + "/" + repository + "/" + arch }

// result is the answer of the route _result.
type result struct {
	Repos []struct {
		Dirty  string `xml:"dirty,attr"`
		Status []struct {
			Package string `xml:"package,attr"`
			Code    string `xml:"code,attr"`
		} `xml:"status"`
	} `xml:"result"`
}

func (p *project) result() (r result) {
	p.Helper()
	p.get("/build/"+p.name+"/_result?view=status", &r)
	return r
}

// unsettled reports whether the scheduler has yet to look at the project, or at a
// build of it that has ended.
func (p *project) unsettled() bool {
	p.Helper()
	for _, r := range p.result().Repos {
		if r.Dirty != "" {
			return true
		}
		for _, s := range r.Status {
			if s.Code == "finished" {
				return true
			}
		}
	}
	return false
}

// codes says of each package what OBS says of it: succeeded, scheduled, blocked.
func (p *project) codes() map[string]string {
	p.Helper()
	codes := map[string]string{}
	for _, r := range p.result().Repos {
		for _, s := range r.Status {
			codes[s.Package] = s.Code
		}
	}
	return codes
}

// check compares what OBS says of packages with what it should, as "a=succeeded
// b=scheduled".
func (p *project) check(want string) {
	p.Helper()
	var got []string
	for pkg, code := range p.codes() {
		got = append(got, pkg+"="+code)
	}
	slices.Sort(got)
	if got := strings.Join(got, " "); got != want {
		p.Errorf("%s: %s, want %s", p.name, got, want)
	}
}

// reason says why OBS builds a package, or has built it last: "meta change:
// kernel-default-devel/pahole".
func (p *project) reason(pkg string) string {
	p.Helper()
	var r struct {
		Explain string `xml:"explain"`
		Changes []struct {
			Key string `xml:"key,attr"`
		} `xml:"packagechange"`
	}
	p.get(p.at()+"/"+pkg+"/_reason", &r)
	for i, c := range r.Changes {
		r.Explain += []string{": ", ", "}[min(i, 1)] + c.Key
	}
	return r.Explain
}

// history lists the ends of a package's jobs, the first first: "new build
// succeeded".
func (p *project) history(pkg string) []string {
	p.Helper()
	var list struct {
		Jobs []struct {
			Package string `xml:"package,attr"`
			Code    string `xml:"code,attr"`
			Reason  string `xml:"reason,attr"`
		} `xml:"jobhist"`
	}
	p.get(p.at()+"/_jobhistory?package="+pkg, &list)
	var out []string
	for _, j := range list.Jobs {
		out = append(out, fmt.Sprintf("%s %s", j.Reason, j.Code))
	}
	return out
}
