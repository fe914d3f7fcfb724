// SPDX-License-Identifier: Apache-2.0

package rpm

// What a package may ask for. The header limits are rpm's own (lib/header.cc,
// lib/header_internal.hh), so whatever rpm installs can be read here.
const (
	// maxHeaderTags and maxHeaderData bound the main header: index entries,
	// and bytes of data behind the index.
	maxHeaderTags = 0xffff
	maxHeaderData = 0x0fffffff

	// maxSignatureTags and maxSignatureData do the same for the signature
	// header, which is read before anything vouches for the file.
	maxSignatureTags = 32
	maxSignatureData = 64 << 20

	// maxArray is the largest element count of any tag that is not plain
	// binary data. rpm has no such rule; without it a header of NUL bytes turns
	// into 16 bytes of memory for every byte of file.
	maxArray = 0xfffff

	// maxRewritten and maxRevised bound what Rewrite takes on: bytes of the header,
	// dependencies of a kind. The largest kernel packages have 8 MB and 60,000.
	maxRewritten = 40 << 20
	maxRevised   = 250_000

	// maxFileSize is the largest single payload file in bytes, maxPayloadSize
	// the largest sum over a package's files. A vmlinux with full debug
	// information is about 1 GiB.
	maxFileSize    = 16 << 30
	maxPayloadSize = 64 << 30

	// maxPathSize is the largest path in bytes, and so the largest cpio name
	// and symlink target: PATH_MAX, with the terminating NUL.
	maxPathSize = 4096

	// maxTrailingPadding is how many zero bytes may follow the cpio trailer:
	// less than one block of the classic archive format.
	maxTrailingPadding = 511
)

// maxPaths is the largest sum of all paths in bytes for a header of so many. Names
// that share long directories take little room in the header and may have any length
// once they are joined; those of real packages take twice to four times as much.
func maxPaths(header int) int { return min(4<<20+16*header, 64<<20) }
