// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// Server is what this package needs of OBS. Methods without a comment are those of
// [api.Client]. All places are of one OBS.
//
// An error may pass, unless errors.Is(err, ErrRefused).
type Server interface {
	Path(ctx context.Context, project, repository string) ([]api.PathElement, error)
	DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error)
	Binaries(ctx context.Context, t api.Target) ([]api.Binary, error)
	FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error)
	// Fetch downloads a file of a target into a directory and returns its path.
	Fetch(ctx context.Context, t api.Target, file, dir string) (string, error)
	// States says what OBS is doing with packages, by name.
	States(ctx context.Context, at Where, pkgs []string) (map[string]State, error)
	// LastBuild is the last build of a package that has ended, nil before the first.
	LastBuild(ctx context.Context, t api.Target) (*Build, error)
	// Rebuild has one package built. After an error with errors.Is(err,
	// ErrUnknownOutcome) it may be built all the same.
	Rebuild(ctx context.Context, t api.Target) error
}

// Errors of a Server that callers test for.
var (
	// ErrUnknownOutcome: a request was sent and no answer came.
	ErrUnknownOutcome = errors.New("no answer, so whether it was done is not known")
	// ErrRefused: asking again would bring the same answer.
	ErrRefused = errors.New("refused")
	// ErrBlind: OBS can be asked to build, but not what it is doing, as with a trigger
	// token.
	ErrBlind = errors.New("OBS does not tell who has only a token")
)

// State is what OBS is doing with a package.
type State struct {
	Code    string // "succeeded", "building", ...: the codes of _result
	Details string
	Dirty   bool // the scheduler has yet to look at the repository
}

// UnderWay reports whether a build is under way, so that asking again would build twice.
// A blocked package does not count: once what it waits for is built, OBS may find that
// there is nothing to do.
func (s State) UnderWay() bool {
	switch s.Code {
	case "scheduled", "dispatching", "building", "finished", "signing":
		return true
	}
	return false
}

// Busy reports whether a build may still come of the state.
func (s State) Busy() bool { return s.UnderWay() || s.Code == "blocked" || s.Dirty }

// Final reports whether no build can come of it without somebody's help.
func (s State) Final() bool {
	switch s.Code {
	case "unresolvable", "broken", "excluded", "disabled", "locked":
		return !s.Dirty
	}
	return false
}

func (s State) String() string {
	out := s.Code
	if s.Details != "" {
		out += ": " + s.Details
	}
	if s.Dirty && !s.UnderWay() && s.Code != "blocked" {
		out += ", and the scheduler has yet to look at it"
	}
	return out
}
