// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
)

// rpm before 4.20 starts a generator anew for each of thousands of modules. The
// first one surveys the build root for all of them and leaves its answers beside
// it, where only who builds can write. The file has a line for the kernels that
// the answers rest on, each with its stamp, and then one for each file:
//
//	path TAB stamp TAB token TAB recorded TAB strength TAB why TAB say
//
// Tens of thousands of processes read it, so that it is read through and not
// parsed.

const cacheVersion = "obs-btf-guard 2"

// maxCached is the most bytes of such a file: some 200,000 modules.
const maxCached = 64 << 20

// cachePath is where the answers for a build root are left.
func cachePath(root string) string {
	return filepath.Join(filepath.Dir(root), "."+filepath.Base(root)+".btf-guard")
}

// Cached is New with the answers of an earlier call, as long as the files asked
// for and the kernels are still the ones that were surveyed. The survey then
// knows of no other files. A cache that cannot be read or written costs time and
// nothing else.
func Cached(ctx context.Context, root string, asked []string, o Options) (*Survey, error) {
	if s := load(root, asked, o); s != nil {
		return s, nil
	}
	s, err := New(ctx, root, o)
	if err != nil {
		return nil, err
	}
	if s.lasting {
		s.save(o)
	}
	return s, nil
}

// heading is the first line: what else than the files the answers depend on.
func (s *Survey) heading(o Options) string {
	base := o.Base
	if base != "" {
		base += " " + stamp(base)
	}
	parts := []string{cacheVersion, base}
	for _, k := range s.kernels {
		parts = append(parts, k, stamp(k))
	}
	return strings.Join(parts, "\t")
}

func load(root string, asked []string, o Options) *Survey {
	f, err := regular.OpenItself(cachePath(root))
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxCached || !ownFile(f) {
		return nil
	}
	lines := bufio.NewReaderSize(f, 64<<10)
	heading, err := lines.ReadString('\n')
	if err != nil {
		return nil
	}
	s := &Survey{Root: root, Answers: map[string]Answer{}}
	parts := strings.Split(strings.TrimSuffix(heading, "\n"), "\t")
	for i := 2; i+1 < len(parts); i += 2 {
		s.kernels = append(s.kernels, parts[i])
	}
	if s.heading(o)+"\n" != heading {
		return nil // a kernel changed, or the options
	}
	missing := map[string]bool{}
	for _, path := range asked {
		missing[path] = true
	}
	for len(missing) > 0 {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return nil
		}
		path, rest, _ := bytes.Cut(line, []byte{'\t'})
		if !missing[string(path)] {
			continue
		}
		fields := strings.Split(strings.TrimSuffix(string(rest), "\n"), "\t")
		if len(fields) != 6 || fields[0] != stamp(string(path)) {
			return nil
		}
		delete(missing, string(path))
		s.Answers[string(path)] = Answer{Token: fields[1], Recorded: fields[2] != "", Strength: Strength(fields[3]), Why: fields[4], Say: fields[5] != ""}
	}
	return s
}

func (s *Survey) save(o Options) {
	to := cachePath(s.Root)
	tmp, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*")
	if err != nil {
		return
	}
	defer os.Remove(tmp.Name()) // gone already if nothing is wrong
	w := bufio.NewWriter(tmp)
	fmt.Fprintln(w, s.heading(o))
	plain := strings.NewReplacer("\t", " ", "\n", " ")
	for _, path := range slices.Sorted(maps.Keys(s.Answers)) {
		if strings.ContainsAny(path, "\t\n") {
			continue
		}
		a := s.Answers[path]
		word := func(is bool, word string) string {
			if is {
				return word
			}
			return ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", path, stamp(path), a.Token, word(a.Recorded, "recorded"), a.Strength, plain.Replace(a.Why), word(a.Say, "say"))
	}
	err = w.Flush()
	if closeErr := tmp.Close(); err == nil && closeErr == nil {
		os.Rename(tmp.Name(), to)
	}
}
