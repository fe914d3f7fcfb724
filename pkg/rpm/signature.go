// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
)

// signatures are the tags that hold a signature over the header, or over header
// and payload, with rpm's names (sign/rpmgensig.cc, deleteSigs).
var signatures = map[tag]string{
	sigDSA: "DSA", sigRSA: "RSA", sigOpenPGP: "OPENPGP", sigPGP: "PGP", sigGPG: "GPG", sigPGP5: "PGP5",
}

// newSignature makes the signature header for a package whose header becomes
// main and whose payload, of payloadSize bytes, stays. It returns the names of
// the signatures that had to go.
//
//	recomputed  SHA1, SHA256, SHA3_256, SIZE, LONGSIZE
//	zeroed      MD5: it covers the payload, setMD5 fills it in
//	dropped     DSA, RSA, OPENPGP, PGP, GPG, PGP5
//	kept        signatures of single files and the sizes of the payload
//	grown       RESERVEDSPACE, RESERVED: by what the signatures took
//
// Only tags that were there are written. Tags outside of the old region move into the new
// one. An unknown tag is refused: its value might depend on the header in an unknown way.
func newSignature(sig *blob, main []byte, payloadSize int64) (list fieldList, dropped []string, err error) {
	size := int64(len(main)) + payloadSize
	var old fieldList
	for _, f := range sig.fields() {
		old.set(f)
	}
	for _, f := range old {
		switch f.tag {
		case sigSHA1:
			f = hexDigest(f.tag, sha1.New(), main)
		case sigSHA256:
			f = hexDigest(f.tag, sha256.New(), main)
		case sigSHA3:
			f = hexDigest(f.tag, newSHA3(), main)
		case sigMD5:
			f.data = make([]byte, md5.Size) // type and count were checked
		case sigSize:
			if size >= math.MaxUint32 {
				return nil, nil, fmt.Errorf("signature header: tag %d: header and payload would have %d bytes, it holds less than 4 GiB", f.tag, size)
			}
			f.data = binary.BigEndian.AppendUint32(nil, uint32(size))
		case sigLongSize:
			f.data = binary.BigEndian.AppendUint64(nil, uint64(size))
		case sigDSA, sigRSA, sigOpenPGP, sigPGP, sigGPG, sigPGP5:
			dropped = append(dropped, signatures[f.tag])
			continue
		case sigLongArchive, sigPayloadSize, sigFiles, sigFilesLen, sigVerity, sigVerityAlgo, sigReserved, sigReservedSpace:
		default:
			return nil, nil, fmt.Errorf("signature header: tag %d: not known whether it depends on the header, will not be rewritten", f.tag)
		}
		list.set(f)
	}
	if len(dropped) > 0 {
		list.reserve(len(old.marshal(signatureKind)))
	}
	return list, dropped, nil
}

func hexDigest(t tag, sum hash.Hash, data []byte) field {
	sum.Write(data)
	return field{t, typeString, 1, append([]byte(hex.EncodeToString(sum.Sum(nil))), 0)}
}

// reserve returns the room of removed signatures to the tag that had it before, so that
// the signature header has size bytes again, as rpmsign does (sign/rpmgensig.cc, rpmSign):
// then signing again need not move the payload. A header without such a tag gets smaller.
func (l *fieldList) reserve(size int) {
	for _, t := range []tag{sigReserved, sigReservedSpace} {
		at, found := l.search(t)
		if !found || (*l)[at].typ != typeBin {
			continue
		}
		if free := size - len(l.marshal(signatureKind)); free > 0 {
			room := make([]byte, len((*l)[at].data)+free)
			l.set(field{t, typeBin, uint32(len(room)), room})
		}
		return
	}
}

// setMD5 puts the digest of header and payload where one was.
func (l *fieldList) setMD5(sum []byte) {
	if _, found := l.search(sigMD5); found {
		l.set(field{sigMD5, typeBin, md5.Size, sum})
	}
}
