// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// Server is what is asked of OBS, as [api.Client] answers it where nothing else is
// said. All places are of one OBS.
//
// An error is one of the moment, unless errors.Is(err, ErrRefused) holds.
type Server interface {
	Path(ctx context.Context, project, repository string) ([]api.PathElement, error)
	DepInfo(ctx context.Context, project, repository, arch string) ([]api.Dependencies, error)
	Binaries(ctx context.Context, t api.Target) ([]api.Binary, error)
	FileInfo(ctx context.Context, t api.Target, file string) (api.FileInfo, error)
	// Fetch downloads a file of a target into a directory and returns its path.
	Fetch(ctx context.Context, t api.Target, file, dir string) (string, error)
	// States says what OBS is doing with packages, by name.
	States(ctx context.Context, at Where, pkgs []string) (map[string]State, error)
	// LastBuild is the last build of a package that came to an end, nil before the
	// first.
	LastBuild(ctx context.Context, t api.Target) (*Build, error)
	// Rebuild has one package built. An error for which errors.Is(err,
	// ErrUnknownOutcome) holds does not tell whether it will be.
	Rebuild(ctx context.Context, t api.Target) error
}

// Errors of a Server that are acted on.
var (
	// ErrUnknownOutcome: a request was sent and no answer came.
	ErrUnknownOutcome = errors.New("no answer, so whether it was done is not known")
	// ErrRefused: asking again would bring the same answer.
	ErrRefused = errors.New("refused")
	// ErrBlind: OBS may be asked to build and not what it is doing, as with a
	// trigger token.
	ErrBlind = errors.New("OBS does not tell who has only a token")
)

// State is what OBS is doing with a package.
type State struct {
	Code    string // "succeeded", "building", ...: the codes of _result
	Details string
	Dirty   bool // the scheduler has yet to look at the repository
}

// UnderWay reports whether a build is on its way that asking again would double.
// One that is blocked is not: OBS may find, when what it waits for is built, that
// nothing is to be done.
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
