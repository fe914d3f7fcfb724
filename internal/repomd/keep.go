// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"encoding/json"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Metadata names what the repository says of its packages by its digest. While it is
// the same, so are [Repo.Packages].
func (r *Repo) Metadata() string { return r.primary.Checksum.Type + ":" + r.primary.Checksum.Hex }

// packageJSON is a package as it is kept.
type packageJSON struct {
	Package        rpm.Package
	Location, Base string
	Size           int64
	Checksum       checksum
	Line           int
}

// MarshalJSON writes a package to be kept, so that a later run need not read the
// metadata again.
func (p *Package) MarshalJSON() ([]byte, error) {
	return json.Marshal(packageJSON{p.Package, p.Location, p.base, p.Size, p.checksum, p.line})
}

// UnmarshalJSON reads a package that was kept, and checks it as one of the metadata.
func (p *Package) UnmarshalJSON(text []byte) error {
	var j packageJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*p = Package{Package: j.Package, Location: j.Location, Size: j.Size, checksum: j.Checksum, base: j.Base, line: j.Line}
	return p.check()
}
