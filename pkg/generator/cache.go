// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

// rpm before 4.20 starts a generator anew for each of thousands of modules. The
// first one surveys the build root for all of them and leaves its answers beside
// it, where only who builds can write.

// cache is a survey with what it depends on.
type cache struct {
	Survey *Survey
	Files  map[string]stamp // of every file that was looked at
}

// stamp tells whether a file is still the one that was looked at.
type stamp struct {
	Size  int64
	MTime int64 // nanoseconds
}

func stampOf(path string) (stamp, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, false
	}
	return stamp{info.Size(), info.ModTime().UnixNano()}, true
}

// cachePath is where the answers for a build root are left.
func cachePath(root string) string {
	return filepath.Join(filepath.Dir(root), "."+filepath.Base(root)+".btf-guard")
}

// Cached is New with the answers of an earlier call, as long as the files asked
// for and the kernels are still the ones that were surveyed. A cache that cannot
// be read or written costs time and nothing else.
func Cached(ctx context.Context, root string, asked []string, o Options) (*Survey, error) {
	if s := load(root, asked); s != nil {
		return s, nil
	}
	s, err := New(ctx, root, o)
	if err != nil {
		return nil, err
	}
	s.save()
	return s, nil
}

func load(root string, asked []string) *Survey {
	data, err := os.ReadFile(cachePath(root))
	if err != nil {
		return nil
	}
	var c cache
	if json.Unmarshal(data, &c) != nil || c.Survey == nil || c.Survey.Root != root {
		return nil
	}
	fresh := func(path string) bool {
		was, known := c.Files[path]
		is, there := stampOf(path)
		return known && there && was == is
	}
	for _, path := range asked {
		if !fresh(path) {
			return nil
		}
	}
	for path, a := range c.Survey.Answers {
		if a.Strength == "" && a.Token != "" && !fresh(path) {
			return nil // a vmlinux that others were judged on
		}
	}
	return c.Survey
}

func (s *Survey) save() {
	c := cache{s, map[string]stamp{}}
	for path := range s.Answers {
		if st, ok := stampOf(path); ok {
			c.Files[path] = st
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return
	}
	to := cachePath(s.Root)
	tmp, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*")
	if err != nil {
		return
	}
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err != nil || closeErr != nil || os.Rename(tmp.Name(), to) != nil {
		os.Remove(tmp.Name())
	}
}
