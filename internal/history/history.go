// SPDX-License-Identifier: Apache-2.0

// Package history remembers every base that was ever read: which package had which
// fingerprint, where, when and with what it was built, and the verdicts on it.
// A [Build] is one vmlinux of a package, a [Line] the builds of one kernel. [Open] a
// database, [DB.Record] what the guard found, and ask [DB.Lines] for the builds of a
// kernel; [DB.Keep] results that need not be worked out again, and [DB.Recall] them.
// [Evidence] says why two builds that were just read differ.
//
// It is a SQLite file, which the sqlite3 program opens as well. It never stands in the
// way: callers report an error of Open or Record and go on.
package history

import (
	"cmp"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// RPM is where something comes from.
type RPM struct {
	Digest  string    `json:"header_digest,omitempty"` // SHA-256 of the RPM's header, in hex
	Package string    `json:"package"`                 // name-[epoch:]version-release.arch
	Source  string    `json:"source,omitempty"`
	Release string    `json:"release,omitempty"` // version-release
	DistURL string    `json:"disturl,omitempty"`
	Host    string    `json:"host,omitempty"`
	Built   time.Time `json:"built,omitzero"`
}

// Build is a packaged vmlinux as it was read. Reports of older programs have only
// package, kernelrelease, architecture, time, fingerprint and type count.
type Build struct {
	RPM
	Path          string             `json:"path,omitempty"` // of the vmlinux in the package
	Arch          string             `json:"arch"`
	KernelRelease string             `json:"kernelrelease"`
	Flavor        string             `json:"flavor,omitempty"`
	Fingerprint   fingerprint.Digest `json:"fingerprint,omitzero"` // absent without .BTF
	Types         fingerprint.Digest `json:"types,omitzero"`
	Strings       fingerprint.Digest `json:"strings,omitzero"`
	TypeCount     uint32             `json:"type_count"` // 0 where the kernel refuses its own .BTF
	StringBytes   uint32             `json:"string_bytes"`
	Toolchain     kernel.Toolchain   `json:"toolchain"`

	Seen time.Time `json:"seen,omitzero"` // when it was first recorded
}

// FromRPM is what is remembered of a package.
func FromRPM(p *guard.Package) RPM {
	r := RPM{Digest: p.Digest, Package: p.NEVRA, Source: p.Source, Release: p.VersionRelease, DistURL: p.DistURL, Host: p.Host}
	if !p.Built.IsZero() {
		r.Built = p.Built.UTC()
	}
	return r
}

// FromBase is what is remembered of a vmlinux that lies in a package.
func FromBase(base *guard.Base) Build {
	b := Build{
		RPM: FromRPM(base.Package), Path: base.Path, Arch: base.Arch, KernelRelease: base.Release, Flavor: base.Flavor,
		Fingerprint: base.Fingerprint.Base, Types: base.Fingerprint.Types, Strings: base.Fingerprint.Strings,
		Toolchain: base.Config.Toolchain(),
	}
	// A config that does not name the linker, as of before Linux 5.12, is completed.
	b.Toolchain.Linker = cmp.Or(b.Toolchain.Linker, kernel.ParseBanner(base.Banner).Linker)
	if base.Table != nil {
		b.TypeCount, b.StringBytes = uint32(base.Table.Len()), base.Table.EndString()
	}
	return b
}

// Judgement counts the modules with one verdict.
type Judgement struct {
	Pairing  string `json:"pairing"`
	Of       string `json:"of"` // version-release of their packages
	Verdict  string `json:"verdict"`
	Severity string `json:"severity"`
	Modules  int    `json:"modules"`
}

// Filter picks builds. An empty field picks all.
type Filter struct {
	Kernel  string // kernelrelease, or a pattern of it with *, ? and [...]
	Arch    string
	Flavor  string
	Project string // of OBS, from the DISTURL
}
