// SPDX-License-Identifier: Apache-2.0

package why

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// OBS is what is asked of the Open Build Service; api.Client is one.
type OBS interface {
	BuildHistory(ctx context.Context, t api.Target) ([]api.Build, error)
	JobHistory(ctx context.Context, t api.Target) ([]api.Job, error)
	Reason(ctx context.Context, t api.Target) (api.Reason, error)
	BuildEnv(ctx context.Context, t api.Target) (api.BuildEnv, error)
}

// InOBS is where OBS keeps a build, and which it is.
type InOBS struct {
	Target         api.Target
	VersionRelease string // of the packages that it made
}

// Trigger is why OBS built the newer of two kernels.
type Trigger struct {
	// Kind is ByHand, FirstBuild, NoReason or what OBS says: "source change", "meta
	// change", ...; "" where nothing is known of the build.
	Kind string `json:"kind"`
	// Changed are the packages that OBS built it again for, each by the way that leads
	// to it: "kernel-default-devel/pahole". Known of its last build only.
	Changed []Way `json:"changed"`
	// Jobs are the builds after the older one, up to the newer one; of builds in
	// different places the newer one alone.
	Jobs []Job `json:"jobs"`
	// Notes say what OBS does not know.
	Notes []string `json:"notes"`
}

// Way leads to a package, by what brings it into the build root.
type Way string

func (w Way) String() string { return string(w) }

// Kinds of triggers that OBS has no words for: a build that somebody asked for is
// a "new build" to it, as the first one is.
const (
	ByHand     = "by hand"
	FirstBuild = "first build"
	NoReason   = "no reason told"
)

// newBuild is what OBS says of both.
const newBuild = "new build"

// Job is a build that was tried.
type Job struct {
	Release string    `json:"release"` // version, release and rebuild counter
	Ended   time.Time `json:"ended"`
	Code    string    `json:"code"`   // succeeded, unchanged, failed, ...
	Kind    string    `json:"kind"`   // as Trigger.Kind
	Reason  string    `json:"reason"` // what OBS says
	SrcMD5  string    `json:"srcmd5"`
}

// Asked is what OBS said about two builds.
type Asked struct {
	Trigger  *Trigger
	Old, New map[string]string // packages of their build roots, nil where not known
}

// Ask asks OBS why the newer of two builds was made, and what was in the build
// roots of both. What it does not know any more is a note in the trigger; the
// errors are of what it did not answer. A refused login is one error.
func Ask(ctx context.Context, obs OBS, old, new InOBS) (Asked, []error) {
	a := Asked{Trigger: &Trigger{Changed: []Way{}, Jobs: []Job{}, Notes: []string{}}}
	var errs []error
	fail := func(err error) bool {
		if err != nil && !api.NotFound(err) {
			errs = append(errs, err)
		}
		return err != nil
	}
	jobs, err := obs.JobHistory(ctx, new.Target)
	if fail(err) && alone(err) {
		return a, errs // the rest would get the same answer
	}
	told := err == nil || api.NotFound(err)
	builds, err := obs.BuildHistory(ctx, new.Target)
	fail(err)
	if last := told && a.Trigger.read(jobs, builds, old, new); last && a.Trigger.Kind != ByHand && a.Trigger.Kind != FirstBuild {
		if reason, err := obs.Reason(ctx, new.Target); !fail(err) && reason.Explain == a.Trigger.Kind {
			for _, c := range reason.Changes {
				a.Trigger.Changed = append(a.Trigger.Changed, Way(c.Key))
			}
		}
	}
	envs := map[api.Target]*api.BuildEnv{}
	for _, side := range []struct {
		build InOBS
		to    *map[string]string
	}{{old, &a.Old}, {new, &a.New}} {
		if _, asked := envs[side.build.Target]; !asked {
			env, err := obs.BuildEnv(ctx, side.build.Target)
			if envs[side.build.Target] = &env; fail(err) && !api.NotFound(err) {
				envs[side.build.Target] = nil
			}
		}
		switch env := envs[side.build.Target]; {
		case env == nil:
		case len(env.Packages) == 0:
			a.Trigger.note(noteNoBuildenv, side.build.Target)
		case !Of(*env, side.build.VersionRelease):
			a.Trigger.note(noteOtherBuildenv, side.build.VersionRelease, env.VersionRelease())
		default:
			*side.to = env.Packages
		}
	}
	return a, errs
}

// alone reports whether it is no use to ask on: nobody answers, or to somebody else.
func alone(err error) bool {
	e, ok := errors.AsType[*api.StatusError](err)
	return !ok || e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusForbidden
}

// Of reports whether a build root is that of the build with a version and release, as far
// as it names these.
func Of(env api.BuildEnv, versionRelease string) bool {
	made := env.VersionRelease()
	return made == "" || made == versionRelease
}

func (t *Trigger) note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(t.Notes, s) {
		t.Notes = append(t.Notes, s)
	}
}

// read finds the builds in OBS' histories; last reports whether the newer one is
// the last that was tried. The history of jobs has reasons and those that failed,
// the history of builds goes back further.
func (t *Trigger) read(jobs []api.Job, builds []api.Build, old, new InOBS) (last bool) {
	at := func(build InOBS) int {
		return slices.IndexFunc(jobs, func(j api.Job) bool {
			return j.Code == "succeeded" && release(j.VersRel, j.BuildCount) == build.VersionRelease
		})
	}
	newer, older := at(new), -1
	if newer < 0 {
		t.note(noteNotInHistory, new.Target, new.VersionRelease)
		return false
	}
	begin := newer
	if new.Target == old.Target {
		if older = at(old); older < 0 {
			t.note(noteNotInHistory, old.Target, old.VersionRelease)
		} else if older < newer {
			begin = older + 1
		}
	}
	for i := begin; i <= newer; i++ {
		j := jobs[i]
		t.Jobs = append(t.Jobs, Job{release(j.VersRel, j.BuildCount), j.End.Time, j.Code, kind(jobs[:i], builds, j), j.Reason, j.SrcMD5})
	}
	t.Kind = t.Jobs[len(t.Jobs)-1].Kind
	return newer == len(jobs)-1
}

// release is a version and release as OBS makes it of those of the source and how
// often it was built.
func release(versRel string, count int) string { return fmt.Sprintf("%s.%d", versRel, count) }

// kind says why a job was: what OBS calls a new build was the first one, or
// somebody asked for it.
func kind(before []api.Job, builds []api.Build, j api.Job) string {
	switch {
	case j.Reason == "":
		return NoReason
	case j.Reason != newBuild:
		return j.Reason
	case j.BuildCount > 1,
		slices.ContainsFunc(before, func(b api.Job) bool { return b.SrcMD5 == j.SrcMD5 }),
		slices.ContainsFunc(builds, func(b api.Build) bool { return b.SrcMD5 == j.SrcMD5 && b.Time.Before(j.Start.Time) }):
		return ByHand
	}
	return FirstBuild
}

// names reports whether OBS built it again for a package that can move BTF.
func (t *Trigger) names() bool {
	return slices.ContainsFunc(t.Changed, func(w Way) bool { return mover(path.Base(string(w))) < len(movers) })
}
