// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"context"
	"errors"
)

// Server is what is asked of OBS. All places are of one OBS.
//
// An error is one of the moment, unless errors.Is(err, ErrRefused) holds.
type Server interface {
	// Path lists the place itself and then those it builds against, nearest first.
	// What is known is returned with an error about the rest.
	Path(ctx context.Context, at Where) ([]Where, error)
	// Sources lists the packages of a place with what OBS knows of them beforehand.
	Sources(ctx context.Context, at Where) ([]Source, error)
	// Files lists the file names of what a package was built into, or, of the
	// package Repository, of all that the place offers.
	Files(ctx context.Context, at Where, pkg string) ([]string, error)
	// Binary tells the metadata of one of them, an RPM.
	Binary(ctx context.Context, at Where, pkg, file string) (Binary, error)
	// Fetch downloads one of them into a directory and returns its path.
	Fetch(ctx context.Context, at Where, pkg, file, dir string) (string, error)
	// States says what OBS is doing with packages, by name.
	States(ctx context.Context, at Where, pkgs []string) (map[string]State, error)
	// LastBuild is the last build of a package that came to an end, nil before the
	// first.
	LastBuild(ctx context.Context, at Where, pkg string) (*Build, error)
	// Rebuild has one package built. An error for which errors.Is(err,
	// ErrUnknownOutcome) holds does not tell whether it will be.
	Rebuild(ctx context.Context, at Where, pkg string) error
}

// Repository stands for all packages of a place: what others build with, whoever
// built it.
const Repository = "_repository"

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

// Source is a package of OBS: what one spec file is built into.
type Source struct {
	Name     string
	Needs    []string // names of the RPMs that it is built with
	Binaries []string // names of the RPMs that it is built into
}

// Binary is what OBS says about an RPM without handing it out.
type Binary struct {
	Name               string
	VersionRelease     string
	Provides, Requires []string // OBS may leave out weak ones
}

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
