// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// Digests of a package, and what each covers (rpm docs/manual/format_v4.md and
// format_v6.md; the number of SHA256 is that of rpmtag.h, not of the manual):
//
//	signature header SHA1 269, SHA256 273, SHA3_256 279   the header
//	signature header MD5 1004, SIZE 1000, LONGSIZE 270    header and payload
//	header PAYLOADDIGEST 5092, and in v6 5121 and 5123    the compressed payload
//
// A digest only proves something if what holds it is covered too, so either a
// header digest and a payload digest are there or the MD5 is.

// verifyDigests compares every digest that the signature header has of the
// header with the header's bytes.
func (h *header) verifyDigests() error {
	for _, d := range []struct {
		tag  tag
		name string
		new  func() hash.Hash
	}{
		{sigSHA1, "SHA1", sha1.New},
		{sigSHA256, "SHA256", sha256.New},
		{sigSHA3, "SHA3-256", newSHA3},
	} {
		e, data := h.sig.find(d.tag)
		if e == nil {
			continue
		}
		if e.typ != typeString {
			return fmt.Errorf("signature header: %s: %v, want a string", d.name, e.typ)
		}
		sum := d.new()
		sum.Write(h.blob.raw)
		want, got := string(data[:len(data)-1]), hex.EncodeToString(sum.Sum(nil))
		if !strings.EqualFold(got, want) {
			return fmt.Errorf("header: %s is %s, the signature header says %.128q", d.name, got, want)
		}
	}
	return nil
}

// protected says whether a digest of the header was there to verify.
func (h *header) protected() bool {
	for _, t := range []tag{sigSHA1, sigSHA256, sigSHA3} {
		if e, _ := h.sig.find(t); e != nil {
			return true
		}
	}
	return false
}

// A payloadCheck collects the compressed payload as it is read and compares it
// at its end with what the headers say of it.
type payloadCheck struct {
	name   string // of the digest, for messages
	pinned bool   // it is in the header, so the header's own digest covers it
	sum    hash.Hash
	want   []byte

	headerSize int64 // counted in size, as SIZE does
	size       int64
	wantSize   int64 // -1 if not given
}

// newPayloadCheck picks the digest to check the payload with. The MD5 is used
// only where there is nothing better.
func newPayloadCheck(h *header) (*payloadCheck, error) {
	size, err := payloadSize(h)
	if err != nil {
		return nil, err
	}
	if h.protected() {
		for _, t := range payloadDigestTags {
			c, err := headerCheck(h, t, size)
			if c != nil || err != nil {
				return c, err
			}
		}
	}
	c, err := md5Check(h, size)
	switch {
	case c != nil || err != nil:
		return c, err
	case h.protected():
		return nil, errors.New("nothing protects the payload: no PAYLOADDIGEST in the header, no MD5 in the signature header")
	}
	return nil, errors.New("nothing protects header and payload: no SHA1, SHA256, SHA3-256 or MD5 in the signature header")
}

// everyPayloadCheck returns a check for each digest that there is of the
// payload, at least one.
func everyPayloadCheck(h *header) ([]*payloadCheck, error) {
	if _, err := newPayloadCheck(h); err != nil {
		return nil, err
	}
	size, err := payloadSize(h)
	if err != nil {
		return nil, err
	}
	var checks []*payloadCheck
	for _, t := range payloadDigestTags {
		c, err := headerCheck(h, t, size)
		if err != nil {
			return nil, err
		}
		if c != nil {
			checks = append(checks, c)
		}
	}
	c, err := md5Check(h, size)
	if err != nil {
		return nil, err
	}
	if c != nil {
		checks = append(checks, c)
	}
	return checks, nil
}

// payloadSize returns how many bytes header and payload should have together,
// -1 if that is not said. LONGSIZE counts where SIZE is there, too.
func payloadSize(h *header) (int64, error) {
	size := int64(-1)
	for _, s := range []struct {
		tag tag
		typ dataType
	}{{sigSize, typeInt32}, {sigLongSize, typeInt64}} {
		e, data := h.sig.find(s.tag)
		if e == nil {
			continue
		}
		if e.typ != s.typ || e.count != 1 {
			return 0, fmt.Errorf("signature header: tag %d: %d elements of %v, want one %v", s.tag, e.count, e.typ, s.typ)
		}
		if s.typ == typeInt32 {
			size = int64(binary.BigEndian.Uint32(data))
		} else {
			size = int64(binary.BigEndian.Uint64(data) & (1<<63 - 1))
		}
	}
	return size, nil
}

// md5Check makes a check with the signature header's MD5, nil if there is none.
func md5Check(h *header, size int64) (*payloadCheck, error) {
	e, data := h.sig.find(sigMD5)
	if e == nil {
		return nil, nil
	}
	if e.typ != typeBin || e.count != md5.Size {
		return nil, fmt.Errorf("signature header: MD5: %d elements of %v, want %d of binary", e.count, e.typ, md5.Size)
	}
	c := &payloadCheck{name: "MD5 of header and payload", sum: md5.New(), want: data,
		headerSize: int64(len(h.blob.raw)), wantSize: size}
	c.sum.Write(h.blob.raw)
	return c, nil
}

// payloadDigestTags are the header's digests of the compressed payload, the
// usual one first.
var payloadDigestTags = []tag{tagPayloadDigest, tagPayloadSHA512, tagPayloadSHA3}

// headerCheck makes a check with a digest from the header, nil if the header
// does not have it.
func headerCheck(h *header, t tag, size int64) (*payloadCheck, error) {
	e, _ := h.blob.find(t)
	if e == nil {
		return nil, nil
	}
	algorithm := uint32(algoSHA256) // v6 has no PAYLOADDIGESTALGO
	switch t {
	case tagPayloadSHA512:
		algorithm = algoSHA512
	case tagPayloadSHA3:
		algorithm = algoSHA3
	default:
		a, given, err := h.num(tagPayloadAlgo)
		if err != nil {
			return nil, err
		}
		if given {
			algorithm = a
		}
	}
	digests, err := []string{""}, error(nil)
	if e.typ == typeString {
		digests[0], err = h.str(t)
	} else {
		digests, err = h.strs(t)
	}
	if err != nil {
		return nil, err
	}
	newHash, ok := payloadHashes[algorithm]
	if !ok {
		return nil, tagError(tagPayloadAlgo, "unsupported algorithm %d", algorithm)
	}
	c := &payloadCheck{name: "payload digest", pinned: true, sum: newHash(),
		headerSize: int64(len(h.blob.raw)), wantSize: size}
	c.want, err = hex.DecodeString(digests[0])
	if err != nil || len(digests) != 1 || len(c.want) != c.sum.Size() {
		return nil, tagError(t, "%.128q is not one digest of %d bytes", digests, c.sum.Size())
	}
	return c, nil
}

// Hash algorithms by their OpenPGP numbers (RFC 9580, 9.5).
const (
	algoSHA256 = 8
	algoSHA384 = 9
	algoSHA512 = 10
	algoSHA3   = 12
)

var payloadHashes = map[uint32]func() hash.Hash{
	algoSHA256: sha256.New,
	algoSHA384: sha512.New384,
	algoSHA512: sha512.New,
	algoSHA3:   newSHA3,
}

func newSHA3() hash.Hash { return sha3.New256() }

// Write takes the next bytes of the compressed payload. It never fails.
func (c *payloadCheck) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	return c.sum.Write(p)
}

// fits compares the size of the payload with what the signature header says of it.
func (c *payloadCheck) fits(payload int64) error {
	switch size := c.headerSize + payload; {
	case c.wantSize < 0 || size == c.wantSize:
		return nil
	case size < c.wantSize:
		return regular.Short("%d of %d bytes of header and payload are there", size, c.wantSize)
	default:
		return fmt.Errorf("too long: header and payload have %d bytes, the signature header says %d", size, c.wantSize)
	}
}

// verify is to be called when the whole payload was written.
func (c *payloadCheck) verify() error {
	if err := c.fits(c.size); err != nil {
		return err
	}
	if got := c.sum.Sum(nil); !bytes.Equal(got, c.want) {
		return fmt.Errorf("%s is %.6x, the package says %.6x", c.name, got, c.want)
	}
	return nil
}
