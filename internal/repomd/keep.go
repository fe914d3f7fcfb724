// SPDX-License-Identifier: Apache-2.0

package repomd

import "encoding/json"

// Metadata names what the repository says of its packages by its digest. While it is
// the same, so are [Repo.Packages].
func (r *Repo) Metadata() string { return r.primary.Checksum.Type + ":" + r.primary.Checksum.Hex }

// UnmarshalJSON reads a package that was kept, so that a later run need not read the
// metadata again, and checks it as one of the metadata.
func (p *Package) UnmarshalJSON(text []byte) error {
	type kept Package
	if err := json.Unmarshal(text, (*kept)(p)); err != nil {
		return err
	}
	return p.check()
}
