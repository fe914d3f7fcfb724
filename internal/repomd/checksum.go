// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// checksum is a digest as metadata writes it.
type checksum struct {
	Type string `xml:"type,attr"`
	Hex  string `xml:",chardata"`
}

// check refuses what is no digest, and those that can be made to fit: somebody in
// between could exchange the file for another one with the same md5 or sha1.
func (c *checksum) check() error {
	c.Hex = strings.ToLower(strings.TrimSpace(c.Hex))
	h, err := c.new()
	if err != nil {
		return err
	}
	if sum, err := hex.DecodeString(c.Hex); err != nil || len(sum) != h.Size() {
		return fmt.Errorf("checksum %.160q is not the %d hexadecimal digits of %s", c.Hex, 2*h.Size(), c.Type)
	}
	return nil
}

func (c *checksum) new() (hash.Hash, error) {
	switch c.Type {
	case "sha256":
		return sha256.New(), nil
	case "sha384":
		return sha512.New384(), nil
	case "sha512":
		return sha512.New(), nil
	case "sha", "sha1", "md5": // sha is what yum's createrepo called sha1
		return nil, fmt.Errorf("checksum of type %s, which no longer tells a file from a forged one; sha256, sha384 or sha512 is needed", c.Type)
	}
	return nil, fmt.Errorf("checksum of type %.64q; sha256, sha384 or sha512 is needed", c.Type)
}

// matches compares with what was read into h.
func (c *checksum) matches(h hash.Hash) error {
	if got := hex.EncodeToString(h.Sum(nil)); got != c.Hex {
		return fmt.Errorf("%s is %s, the metadata has %s: damaged, exchanged, or of another state of the repository", c.Type, got, c.Hex)
	}
	return nil
}
