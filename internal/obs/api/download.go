// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
)

// Download fetches a file of a target into dir and gives its path there. b is
// from [Client.Binaries]: no more than its size is written, and what is written
// must have its size and its MD5, if it has one. A lost connection is taken up
// where it was lost, if the server can do that. The file has its name only when
// it is whole; one of that name is replaced. A size that is not known is asked for.
func (c *Client) Download(ctx context.Context, t Target, b Binary, dir string) (string, error) {
	if err := errors.Join(t.checkFiles(), checkFile(b.Name)); err != nil {
		return "", err
	}
	if b.Size < 0 {
		info, err := c.FileInfo(ctx, t, b.Name)
		if err != nil {
			return "", err
		}
		b.Size = info.Size
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	part := fmt.Sprintf(".obs-btf-guard-%016x", rand.Uint64())
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	d := download{c: c, f: f, sum: md5.New(), size: b.Size}
	d.r = request{method: http.MethodGet, path: t.path(b.Name)}
	err = cmp.Or(c.try(ctx, func() error { return d.goOn(ctx) }), f.Sync())
	if e := f.Close(); err == nil {
		err = e
	}
	if got := hex.EncodeToString(d.sum.Sum(nil)); err == nil && b.MD5 != "" && !strings.EqualFold(got, b.MD5) {
		err = fmt.Errorf("%s: %d bytes with MD5 %s, the list of files says %s", d.r, d.got, got, words(b.MD5))
	}
	if err == nil {
		err = root.Rename(part, b.Name)
	}
	if err != nil {
		root.Remove(part)
		return "", err
	}
	return filepath.Join(dir, b.Name), nil
}

// download is a file on its way.
type download struct {
	c         *Client
	r         request
	f         *os.File
	sum       hash.Hash // of what was got
	got, size int64
	version   string // of the file on the server, for If-Range
}

// goOn fetches what is missing.
func (d *download) goOn(ctx context.Context) error {
	r := d.r
	r.header = http.Header{}
	if d.got > 0 {
		r.header.Set("Range", fmt.Sprintf("bytes=%d-", d.got))
		if d.version != "" {
			r.header.Set("If-Range", d.version)
		}
	}
	resp, err := d.c.exchange(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusPartialContent {
		want := fmt.Sprintf("bytes %d-%d/%d", d.got, d.size-1, d.size)
		if got := resp.Header.Get("Content-Range"); got != want {
			return fmt.Errorf("%s: asked for %q, got %q", r, want, words(got))
		}
	} else if err := d.again(); err != nil {
		return err
	}
	if resp.ContentLength >= 0 && d.got+resp.ContentLength != d.size {
		return fmt.Errorf("%s: the server has %d bytes, the list of files says %d", r, d.got+resp.ContentLength, d.size)
	}
	d.version = resp.Header.Get("ETag")
	if d.version == "" || strings.HasPrefix(d.version, "W/") {
		d.version = resp.Header.Get("Last-Modified")
	}
	out := &writer{to: io.MultiWriter(d.f, d.sum)}
	n, err := io.Copy(out, io.LimitReader(resp.Body, d.size-d.got+1))
	d.got += n
	switch {
	case out.err != nil:
		return out.err
	case d.got > d.size:
		return fmt.Errorf("%s: more than the %d bytes that the list of files says", r, d.size)
	case d.got == d.size:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", r, ctx.Err())
	case errors.Is(err, fetch.ErrWebPage):
		return fmt.Errorf("%s: %w", r, err)
	}
	return fetch.Passes(fmt.Errorf("%s: after %d of %d bytes: %w", r, d.got, d.size, cmp.Or(err, io.ErrUnexpectedEOF)), -1)
}

// again begins from the start: the answer is the whole file.
func (d *download) again() error {
	d.got = 0
	d.sum.Reset()
	if _, err := d.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return d.f.Truncate(0)
}

// writer remembers its error, to tell it from the reader's.
type writer struct {
	to  io.Writer
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.err = err
	return n, err
}
