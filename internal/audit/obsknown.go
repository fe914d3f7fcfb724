// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// partKnown keeps what OBS said of a repository for one architecture. The build id is
// asked for each time. If there is none or it has changed, the listing is, too. Headers of
// packages, and what packages were built with, are asked for only where the listing shows a
// change.
type partKnown struct {
	Tells    bool                 // OBS tells build ids, and has nothing there that it would have to download first
	BuildID  string               // of what is known here, "" if that is not all
	Packages int                  // in it
	Listing  string               // a digest of it
	Built    map[string]bool      // see builtWithKernels; of packages that are in the listing
	Files    map[string]fileKnown // by name
}

// fileKnown is what OBS read from a file, and how the listing identifies the file.
type fileKnown struct {
	Size, MTime int64
	Info        api.FileInfo
}

// partMemory is what is known of a part, and what will be.
type partMemory struct {
	key      string
	old, new partKnown
	listed   map[string]api.Binary
}

// partMemory recalls a part.
func (a *audit) partMemory(client OBS, name string) *partMemory {
	m := &partMemory{key: "obs part " + client.URL() + " " + name}
	if !a.recall(m.key, &m.old) {
		m.old = partKnown{}
	}
	return m
}

// list takes the listing, which does not name a file twice.
func (m *partMemory) list(files []api.Binary) {
	m.listed = map[string]api.Binary{}
	h := sha256.New()
	for _, b := range files {
		m.listed[b.Name] = b
		fmt.Fprintf(h, "%q %d %d\n", b.Name, b.Size, b.MTime.Unix())
	}
	m.new = partKnown{Listing: hex.EncodeToString(h.Sum(nil)), Files: map[string]fileKnown{}}
}

// files lists those of which all is known.
func (m *partMemory) files() []api.Binary {
	var out []api.Binary
	for _, name := range slices.Sorted(maps.Keys(m.old.Files)) {
		k := m.old.Files[name]
		out = append(out, api.Binary{Name: name, Size: k.Size, MTime: api.UnixTime{Time: time.Unix(k.MTime, 0)}})
	}
	return out
}

// builtWith returns what the packages are built with. It is asked for again when the
// listing has changed: until then nothing in the repository was built again.
func (m *partMemory) builtWith(ctx context.Context, client OBS, t api.Target) (map[string]bool, error) {
	if m.old.Listing == m.new.Listing {
		m.new.Built = m.old.Built
		return m.old.Built, nil
	}
	built, err := builtWithKernels(ctx, client, t)
	if err != nil {
		m.new.Listing = "" // to be asked for again
		return nil, err
	}
	maps.DeleteFunc(built, func(name string, _ bool) bool { _, there := m.listed[name+".rpm"]; return !there })
	m.new.Built = built
	return built, nil
}

// info returns what is known of a file that has not changed.
func (m *partMemory) info(b api.Binary) (api.FileInfo, bool) {
	k, ok := m.old.Files[b.Name]
	if !ok || b.Size < 0 || b.MTime.IsZero() || k.Size != b.Size || k.MTime != b.MTime.Unix() {
		return api.FileInfo{}, false
	}
	return k.Info, true
}

// learn keeps what OBS said of a file. A file that OBS has yet to download has neither
// size nor time.
func (m *partMemory) learn(b api.Binary, info api.FileInfo) {
	if b.Size >= 0 && !b.MTime.IsZero() {
		m.new.Files[b.Name] = fileKnown{b.Size, b.MTime.Unix(), info}
	}
}

// keepPart keeps what is new. An unchanged listing has no other files; a listing that
// could not be had is asked for again.
func (a *audit) keepPart(m *partMemory) {
	if m.new.Listing != m.old.Listing || m.new.BuildID != m.old.BuildID || len(m.new.Files) != len(m.old.Files) {
		a.keep(m.key, m.new)
	}
}
