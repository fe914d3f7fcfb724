// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
)

// A build that signs its packages builds twice. Only the first time are there old
// packages to judge against, and only what the second one reports is kept.

// Carry takes over what the check of the first stage found and this one could not
// look for: the pairings with the build before.
func (d *Document) Carry(before *Document) {
	for _, v := range before.Verdicts {
		if v.Pairing == guard.PairRebuild {
			d.Verdicts = append(d.Verdicts, v)
			d.Summary[string(v.Verdict)]++
		}
	}
	if len(d.Changes) == 0 {
		d.Changes = before.Changes
	}
	for _, p := range before.Packages {
		if !slices.ContainsFunc(d.Packages, func(have Package) bool { return have.Package == p.Package && have.Side == p.Side }) {
			d.Packages = append(d.Packages, p)
		}
	}
	for _, r := range before.Remakes {
		if !slices.ContainsFunc(d.Remakes, func(have Remake) bool { return have.Package == r.Package && have.Arch == r.Arch }) {
			d.Remakes = append(d.Remakes, r)
		}
	}
}

// earlier says what the first stage's check found, where it was not all good.
func earlier(d *Document) []string {
	if d == nil {
		return nil
	}
	type kind struct {
		pairing  guard.Pairing
		verdict  guard.Verdict
		severity guard.Severity
		ruling   guard.Ruling
	}
	count := map[kind]int{}
	var order []kind
	for _, v := range d.Verdicts {
		if v.Severity == guard.OK {
			continue
		}
		k := kind{v.Pairing, v.Verdict, v.Severity, guard.Ruling{}}
		if v.Ruling != nil {
			k.ruling = *v.Ruling
		}
		if count[k]++; count[k] == 1 {
			order = append(order, k)
		}
	}
	var out []string
	for _, k := range order {
		s := fmt.Sprintf("%s %s: %s", strings.TrimSpace(severityWords[k.severity]), k.pairing.Word(), prose.Number(count[k])+" "+string(k.verdict))
		if k.ruling != (guard.Ruling{}) {
			s += ", decided in " + k.ruling.Where + ": " + k.ruling.Reason
		}
		out = append(out, s)
	}
	return out
}

// earlierRemakes says what the first stage's check wanted to be built again.
func earlierRemakes(d *Document) []string {
	if d == nil {
		return nil
	}
	var out []string
	for _, r := range d.Remakes {
		if r.Severity == guard.Rebuild {
			out = append(out, remake(r.Package, r.Project, r.Repository, r.Arch, r.Modules, r.BasePackage))
		}
	}
	for _, c := range d.Changes {
		if c.Outdated != "" {
			out = append(out, outdated(c.KernelRelease, c.FromPackage, c.Outdated))
		}
	}
	return out
}
