// SPDX-License-Identifier: Apache-2.0

package repomd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
)

// FileLists names the repository's list of all files by its digest, "" if it has
// none.
func (r *Repo) FileLists() string {
	if r.filelists.Type == "" {
		return ""
	}
	return r.filelists.Checksum.Type + ":" + r.filelists.Checksum.Hex
}

// maxHolders bounds the packages that Holding gives. A whole distribution has some
// thousand of kernels and modules.
const maxHolders = 100_000

// Holding reads the list of all files, which is most of a repository's metadata, and
// gives the checksums, as [Package.Checksum] has them, of the packages with a file
// that is wanted, and what their files are together: kind gives a bit for each kind of
// them, 0 for others; the path is valid for the call.
func (r *Repo) Holding(ctx context.Context, kind func(path []byte) uint8) (map[string]uint8, error) {
	if err := r.filelists.check(); err != nil {
		return nil, fmt.Errorf("%s: filelists: %w", indexPath, err)
	}
	text, done, err := r.open(ctx, &r.filelists)
	if err != nil {
		return nil, err
	}
	defer done()
	out := map[string]uint8{}
	s := &scanner{r: text}
	var id string // of the package that is being read
	inFile := false
	fail := func(err error) (map[string]uint8, error) {
		return nil, fmt.Errorf("%s: %w", r.filelists.Location.Href, err)
	}
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		t, err := s.next()
		switch {
		case err == io.EOF:
			return out, nil
		case err != nil:
			return fail(err)
		case t == end:
			inFile = false
		case t == start && s.depth() == 1 && string(s.name) != "filelists":
			return fail(fmt.Errorf("line %d: <%.64s> is not the <filelists> of a repository", s.line, s.name))
		case t == start && s.depth() == 2:
			id = strings.ToLower(string(s.attr("pkgid")))
		case t == start && s.depth() == 3:
			inFile = id != "" && string(s.name) == "file"
		case t == chars && inFile:
			k := kind(unescaped(s))
			if k == 0 {
				continue
			}
			if _, known := out[id]; !known && len(out) == maxHolders {
				return fail(fmt.Errorf("more than %d packages have kernels or modules", maxHolders))
			}
			out[id] |= k
		}
	}
}

// unescaped is the text last read, nil if it is none.
func unescaped(s *scanner) []byte {
	if s.cdata || bytes.IndexByte(s.text, '&') < 0 {
		return s.text
	}
	text, err := unescape(s.text)
	if err != nil {
		return nil
	}
	return []byte(text)
}
