// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
	"time"
)

// A Package is what a package's header says. Absent strings are "".
type Package struct {
	Name    string
	Epoch   string // decimal, "" if there is none
	Version string
	Release string
	Arch    string // "src" or "nosrc" for a source package

	IsSource  bool
	SourceRPM string    // file name of the source package this was built from
	DistURL   string    // where OBS built it from: obs://<instance>/<project>/<repository>/<revision>-<package>
	BuildHost string    // name of the machine or, in OBS, of the worker
	BuildTime time.Time // UTC; zero if absent
	Cookie    string    // build host and time as one token, equal for all packages of one rpmbuild run
	// SourcePackageID is the MD5, in hex, of the source package that the same rpmbuild
	// run made, "" if it made none or the header has something else there.
	SourcePackageID string

	Provides   []Dependency
	Requires   []Dependency
	Recommends []Dependency

	// Files are in the header's order, which is sorted by path.
	Files []File

	// Format is the package format, 4 or 6.
	Format int

	// PayloadCompressor is the compression in rpm's words ("zstd", "bzip2"),
	// "" if the header does not say: then the payload's first bytes decide.
	PayloadCompressor string

	// HeaderDigest is the SHA-256 of the header from its magic to its last
	// byte, in hex. It is the SHA256HEADER that rpm shows.
	HeaderDigest string
}

// EVR is [epoch:]version-release, which [CompareEVR] orders.
func (p *Package) EVR() string {
	epoch := ""
	if p.Epoch != "" {
		epoch = p.Epoch + ":"
	}
	return epoch + p.Version + "-" + p.Release
}

// NEVRA is name-[epoch:]version-release.arch.
func (p *Package) NEVRA() string { return p.Name + "-" + p.EVR() + "." + p.Arch }

// SourceName is the name of the source package this was built from, which its
// file name begins with: name-version-release.src.rpm or .nosrc.rpm. It is "" if
// the header names none, as that of a source package, or something else.
func (p *Package) SourceName() string {
	file, ok := strings.CutSuffix(p.SourceRPM, ".src.rpm")
	if !ok {
		file, ok = strings.CutSuffix(p.SourceRPM, ".nosrc.rpm")
	}
	parts := strings.Split(file, "-")
	if !ok || len(parts) < 3 {
		return ""
	}
	return strings.Join(parts[:len(parts)-2], "-")
}

// A Dependency is one entry of Provides, Requires or Recommends.
type Dependency struct {
	Name    string
	Flags   uint32 // rpm's RPMSENSE_ bits; comparison is SenseLess, SenseGreater, SenseEqual
	Version string
}

// Bits of Dependency.Flags (rpm include/rpm/rpmds.h). The last two say that a
// generator of rpmbuild found the dependency: tools that build a package again
// drop those and let the generators find them anew.
const (
	SenseLess    = 1 << 1
	SenseGreater = 1 << 2
	SenseEqual   = 1 << 3

	SenseFindRequires = 1 << 14
	SenseFindProvides = 1 << 15

	senseMask = SenseLess | SenseGreater | SenseEqual
)

// String writes a dependency the way rpm --query does: "name >= version".
func (d Dependency) String() string {
	var op strings.Builder
	for _, s := range []struct {
		bit  uint32
		sign byte
	}{{SenseLess, '<'}, {SenseGreater, '>'}, {SenseEqual, '='}} {
		if d.Flags&s.bit != 0 {
			op.WriteByte(s.sign)
		}
	}
	if op.Len() == 0 || d.Version == "" {
		return d.Name
	}
	return d.Name + " " + op.String() + " " + d.Version
}

// Names are the names of dependencies.
func Names(deps []Dependency) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, d := range deps {
			if !yield(d.Name) {
				return
			}
		}
	}
}

// Versions are the names of dependencies with their versions, "" for those without.
func Versions(deps []Dependency) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, d := range deps {
			if !yield(d.Name, d.Version) {
				return
			}
		}
	}
}

// newPackage takes the facts from a verified header.
func newPackage(h *header) (*Package, error) {
	p := &Package{IsSource: !h.has(tagSourceRPM), Format: 4}
	sum := sha256.Sum256(h.blob.raw)
	p.HeaderDigest = hex.EncodeToString(sum[:])

	for _, f := range []struct {
		tag      tag
		to       *string
		required bool
	}{
		{tagName, &p.Name, true},
		{tagVersion, &p.Version, true},
		{tagRelease, &p.Release, true},
		{tagArch, &p.Arch, true},
		{tagSourceRPM, &p.SourceRPM, false},
		{tagDistURL, &p.DistURL, false},
		{tagBuildHost, &p.BuildHost, false},
		{tagCookie, &p.Cookie, false},
		{tagCompressor, &p.PayloadCompressor, false},
	} {
		var err error
		if *f.to, err = h.str(f.tag); err != nil {
			return nil, err
		}
		if f.required && *f.to == "" {
			return nil, tagError(f.tag, "missing or empty")
		}
	}
	if p.IsSource {
		p.Arch = "src"
		if h.has(tagNoSource) || h.has(tagNoPatch) {
			p.Arch = "nosrc"
		}
	}
	if id := h.bin(tagSourcePkgID); len(id) == md5.Size {
		p.SourcePackageID = hex.EncodeToString(id)
	}
	if err := p.readNumbers(h); err != nil {
		return nil, err
	}
	for kind, to := range p.dependencies() {
		var err error
		if *to, err = dependencies(h, Kind(kind)); err != nil {
			return nil, err
		}
	}
	if format, err := h.str(tagPayloadFormat); err != nil {
		return nil, err
	} else if format != "" && format != "cpio" {
		return nil, tagError(tagPayloadFormat, "%.64q, only cpio is known", format)
	}
	var err error
	p.Files, err = readFiles(h, p.IsSource)
	return p, err
}

func (p *Package) readNumbers(h *header) error {
	epoch, given, err := h.num(tagEpoch)
	if err != nil {
		return err
	}
	if given {
		p.Epoch = fmt.Sprint(epoch)
	}
	built, given, err := h.num(tagBuildTime)
	if err != nil {
		return err
	}
	if given {
		p.BuildTime = time.Unix(int64(built), 0).UTC()
	}
	format, given, err := h.num(tagRPMFormat)
	if err != nil {
		return err
	}
	if given {
		if format != 4 && format != 6 {
			return tagError(tagRPMFormat, "%d, only 4 and 6 are known", format)
		}
		p.Format = int(format)
	}
	return nil
}

// dependencies returns where each kind of dependency is kept, by Kind.
func (p *Package) dependencies() []*[]Dependency {
	return []*[]Dependency{Provides: &p.Provides, Requires: &p.Requires, Recommends: &p.Recommends}
}

// dependencies joins the three parallel arrays of one kind of dependency.
func dependencies(h *header, kind Kind) ([]Dependency, error) {
	name, flags, version := kinds[kind].name, kinds[kind].flags, kinds[kind].version
	names, err := h.strs(name)
	if err != nil {
		return nil, err
	}
	bits, err := h.ints(flags, typeInt32)
	if err != nil {
		return nil, err
	}
	versions, err := h.strs(version)
	if err != nil {
		return nil, err
	}
	if len(bits) != len(names) {
		return nil, tagError(flags, "%d entries, tag %v has %d", len(bits), name, len(names))
	}
	if len(versions) != len(names) {
		return nil, tagError(version, "%d entries, tag %v has %d", len(versions), name, len(names))
	}
	deps := make([]Dependency, len(names))
	for i := range names {
		deps[i] = Dependency{names[i], uint32(bits[i]), versions[i]}
	}
	return deps, nil
}
