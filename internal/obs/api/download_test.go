// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestDownload: a file is got whole or not at all, over connections that break.
func TestDownload(t *testing.T) {
	text := make([]byte, 300_000)
	rng := rand.NewChaCha8([32]byte{})
	rng.Read(text)
	sum := fmt.Sprintf("%x", md5.Sum(text))
	const name = "kernel-default-5.15.12-1.3.x86_64.rpm"

	// ranged serves ranges, and breaks off after some bytes as often as it is told to.
	ranged := func(breaks int, bytesEach int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if breaks > 0 {
				breaks--
				w = &breaking{w, bytesEach}
			}
			http.ServeContent(w, r, name, noon, bytes.NewReader(text))
		}
	}
	whole := func(breaks int) http.HandlerFunc { // without ranges, as the backend
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			if breaks > 0 {
				breaks--
				w = &breaking{w, 100_000}
			}
			w.Write(text)
		}
	}
	changed := func() http.HandlerFunc { // between two parts
		n := 0
		other := append(bytes.Clone(text[1:]), 0)
		return func(w http.ResponseWriter, r *http.Request) {
			n++
			if n == 1 {
				ranged(1, 100_000)(w, r)
				return
			}
			http.ServeContent(w, r, name, noon.Add(time.Hour), bytes.NewReader(other))
		}
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(text); err != nil {
				return
			}
		}
	}
	wrongPart := func() http.HandlerFunc {
		n := 0
		return func(w http.ResponseWriter, r *http.Request) {
			n++
			if n == 1 {
				ranged(1, 100_000)(w, r)
				return
			}
			w.Header().Set("Content-Range", "bytes 0-299999/300000")
			w.WriteHeader(206)
			w.Write(text)
		}
	}
	size := int64(len(text))
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		b     Binary
		times int
		want  string
	}{
		{"whole", ranged(0, 0), Binary{Size: size, MD5: sum}, 1, ""},
		{"without a sum", ranged(0, 0), Binary{Size: size}, 1, ""},
		{"broken off twice", ranged(2, 100_000), Binary{Size: size, MD5: sum}, 3, ""},
		{"broken off at once", ranged(3, 0), Binary{Size: size, MD5: sum}, 4, ""},
		{"broken off for ever", ranged(99, 10), Binary{Size: size, MD5: sum}, 4, "after 40 of 300000 bytes: the connection ended before the whole answer had come"},
		{"without ranges", whole(2), Binary{Size: size, MD5: sum}, 3, ""},
		{"changed under way", changed(), Binary{Size: size, MD5: sum}, 2, "300000 bytes with MD5"},
		{"another part", wrongPart(), Binary{Size: size, MD5: sum}, 2, `asked for "bytes 100000-299999/300000", got "bytes 0-299999/300000"`},
		{"wrong sum", ranged(0, 0), Binary{Size: size, MD5: "00"}, 1, "the list of files says 00"},
		{"larger", ranged(0, 0), Binary{Size: size - 1}, 1, "the server has 300000 bytes, the list of files says 299999"},
		{"smaller", ranged(0, 0), Binary{Size: size + 1}, 1, "the server has 300000 bytes, the list of files says 300001"},
		{"endless", endless, Binary{Size: size}, 1, "more than the 300000 bytes"},
		{"empty", func(w http.ResponseWriter, r *http.Request) {}, Binary{}, 1, ""},
		{"gone", func(w http.ResponseWriter, r *http.Request) { answer(w, 404, "404", "no such file") }, Binary{Size: size}, 1, "404 no such file (OBS says)"},
		{"busy", func() http.HandlerFunc {
			n := 0
			return func(w http.ResponseWriter, r *http.Request) {
				if n++; n == 1 {
					answer(w, 503, "busy", "busy")
					return
				}
				ranged(0, 0)(w, r)
			}
		}(), Binary{Size: size, MD5: sum}, 2, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := plain(t, tc.serve)
			c, _ := client(t, s, nil)
			dir := t.TempDir()
			// A link of that name must be replaced, not followed.
			victim := filepath.Join(t.TempDir(), "victim")
			if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(victim, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			tc.b.Name = name
			file, err := c.Download(context.Background(), kernel, tc.b, dir)
			if tc.want != "" {
				wantError(t, err, "GET /build/Kernel:Test/standard/x86_64/kernel-default/"+name+": ", tc.want)
			} else if err != nil {
				t.Fatal(err)
			} else if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, text[:tc.b.Size]) || file != filepath.Join(dir, name) {
				t.Errorf("%s: %d bytes, error %v", file, len(got), err)
			}
			if got, _ := os.ReadFile(victim); string(got) != "untouched" {
				t.Error("a link was followed")
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("left behind: %v", entries)
			}
			if s.times() != tc.times {
				t.Errorf("asked %d times, want %d", s.times(), tc.times)
			}
		})
	}
}

// breaking breaks the connection after some bytes of the body.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.ResponseWriter.Write(p[:n])
	if b.left -= n; n < len(p) {
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}
