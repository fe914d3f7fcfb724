// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"fmt"
)

// A build that was begun when all that its modules meet had been built, and does not
// fit it, was made with it. OBS builds the same again as often as it is asked: nothing
// else tells a second run that the first one changed nothing.

// inVain says that building a package once more changes nothing, "" where that is not
// known.
func (f *Finder) inVain(ctx context.Context, b *built, meets ...*built) string {
	if b.seen == nil || b.seen.asked.IsZero() || len(meets) == 0 {
		return ""
	}
	for _, met := range meets {
		whose := f.source(ctx, met)
		if whose == (node{b.at, b.pkg}) {
			return "" // each build of it has another of what it meets
		}
		last := f.built(ctx, whose)
		if last == nil || !b.seen.asked.After(last.Ended) {
			return ""
		}
	}
	return fmt.Sprintf("its build %s was asked for when %s was there, and does not fit: building it once more changes nothing", b.seen, meets[0])
}

// source is the package that an RPM was built from, with the place.
func (f *Finder) source(ctx context.Context, b *built) node {
	if b.pkg != Repository {
		return node{b.at, b.pkg}
	}
	l, err := f.listed(ctx, b.at)
	if err != nil {
		return node{}
	}
	return node{b.at, l.of[b.Name]}
}

// built is the last build of a package, nil where that is not known.
func (f *Finder) built(ctx context.Context, n node) *Build {
	if n.pkg == "" {
		return nil
	}
	if b, ok := f.builds[n]; ok {
		return b
	}
	b, err := f.Server.LastBuild(ctx, n.at, n.pkg)
	if err != nil {
		return nil
	}
	if f.builds == nil {
		f.builds = map[node]*Build{}
	}
	f.builds[n] = b
	return b
}
