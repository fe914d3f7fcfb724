// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// A build that began after all its kernels were built, and still does not fit them, will
// not fit when it is built once more. OBS builds the same again as often as it is asked:
// only this shows a second run that the first one changed nothing.

// inVain says why building a package once more changes nothing, "" where that is not
// known.
func (f *Finder) inVain(ctx context.Context, b *built, meets ...*built) string {
	if b.seen == nil || b.seen.asked.IsZero() || len(meets) == 0 {
		return ""
	}
	for _, met := range meets {
		whose := f.source(ctx, met)
		if whose == b.from {
			return "" // each build comes with its own copy of what it meets
		}
		last := f.built(ctx, whose)
		if last == nil || !b.seen.asked.After(last.Ended) {
			return ""
		}
	}
	return fmt.Sprintf("its build %s was asked for when %s was there, and does not fit: building it once more changes nothing", b.seen, meets[0])
}

// source is the package that an RPM was built from, with the place.
func (f *Finder) source(ctx context.Context, b *built) api.Target {
	if b.from.Package != api.WholeRepository {
		return b.from
	}
	l, err := f.listed(ctx, b.at())
	if err != nil {
		return api.Target{}
	}
	return b.at().of(l.of[b.Name])
}

// built is the last build of a package, nil where that is not known.
func (f *Finder) built(ctx context.Context, t api.Target) *Build {
	if t.Package == "" {
		return nil
	}
	if b, ok := f.builds[t]; ok {
		return b
	}
	b, err := f.Server.LastBuild(ctx, t)
	if err != nil {
		return nil
	}
	if f.builds == nil {
		f.builds = map[api.Target]*Build{}
	}
	f.builds[t] = b
	return b
}
