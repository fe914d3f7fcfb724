// SPDX-License-Identifier: Apache-2.0

package why

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// fake is an OBS that answers from what it holds, and with an error for what it
// does not.
type fake struct {
	jobs    map[api.Target][]api.Job
	builds  map[api.Target][]api.Build
	reasons map[api.Target]api.Reason
	envs    map[api.Target]api.BuildEnv
	err     error
	asked   []string
}

func answer[T any](f *fake, what string, m map[api.Target]T, t api.Target) (T, error) {
	f.asked = append(f.asked, what+" "+t.Package)
	v, ok := m[t]
	if !ok {
		return v, f.err
	}
	return v, nil
}

func (f *fake) JobHistory(_ context.Context, t api.Target) ([]api.Job, error) {
	return answer(f, "jobs", f.jobs, t)
}
func (f *fake) BuildHistory(_ context.Context, t api.Target) ([]api.Build, error) {
	return answer(f, "builds", f.builds, t)
}
func (f *fake) Reason(_ context.Context, t api.Target) (api.Reason, error) {
	return answer(f, "reason", f.reasons, t)
}
func (f *fake) BuildEnv(_ context.Context, t api.Target) (api.BuildEnv, error) {
	return answer(f, "env", f.envs, t)
}

func TestAsk(t *testing.T) {
	kernel := api.Target{Project: "P", Repository: "r", Arch: "x86_64", Package: "kernel-default"}
	copied := api.Target{Project: "Q", Repository: "r", Arch: "x86_64", Package: "kernel-default"}
	missing := &api.StatusError{StatusCode: 404}
	job := func(count int, src, code, reason string) api.Job {
		at := api.UnixTime{Time: time.Unix(int64(1640789416+1000*count), 0)}
		return api.Job{VersRel: "5.15.12-1", BuildCount: count, SrcMD5: src, Code: code, Reason: reason, Start: at, End: at}
	}
	jobs := func(list ...api.Job) map[api.Target][]api.Job { return map[api.Target][]api.Job{kernel: list} }
	env := func(t api.Target, release string) map[api.Target]api.BuildEnv {
		return map[api.Target]api.BuildEnv{t: {VersRel: "5.15.12-1", Release: release, Packages: map[string]string{"dwarves": "1.23-1"}}}
	}
	for _, tc := range []struct {
		name  string
		obs   fake
		old   api.Target
		want  string // sentence
		kinds string // of the jobs
		notes int
		envs  string // of which side the build root is known
		fails string
	}{
		{"by hand", fake{jobs: jobs(job(1, "s", "succeeded", "new build"), job(2, "s", "failed", "new build"), job(3, "s", "succeeded", "new build")), envs: env(kernel, "1.3")},
			kernel, "built again by hand; not known", "by hand, by hand", 1, "new", ""},
		{"by hand, the first forgotten", fake{jobs: jobs(job(3, "s", "succeeded", "new build")), envs: env(kernel, "1.3")},
			kernel, "built again by hand; not known", "by hand", 2, "new", ""},
		{"dependencies", fake{jobs: jobs(job(1, "s", "succeeded", "new build"), job(3, "s", "succeeded", "meta change")), envs: env(kernel, "1.3"),
			reasons: map[api.Target]api.Reason{kernel: {Explain: "meta change", Changes: []api.PackageChange{{Key: "pahole"}, {Key: "gcc"}}}}},
			kernel, "built again because pahole, gcc changed; not known", "meta change", 1, "new", ""},
		{"dependencies that OBS has forgotten", fake{jobs: jobs(job(1, "s", "succeeded", "new build"), job(3, "s", "succeeded", "meta change"), job(4, "s", "failed", "meta change")), envs: env(kernel, "1.4")},
			kernel, "built again because packages changed that it is built with; not known", "meta change", 2, "", ""},
		{"source", fake{jobs: jobs(job(1, "s", "succeeded", "new build"), job(3, "t", "succeeded", "source change")), reasons: map[api.Target]api.Reason{kernel: {Explain: "source change"}}},
			kernel, "built again because its source changed; not known", "source change", 1, "", ""},
		{"what it is never called here", fake{jobs: jobs(job(1, "s", "succeeded", "new build"), job(3, "s", "succeeded", "rebuild counter sync")), reasons: map[api.Target]api.Reason{kernel: {}}},
			kernel, "built again by OBS (rebuild counter sync); not known", "rebuild counter sync", 1, "", ""},
		{"no reason", fake{jobs: jobs(job(1, "s", "succeeded", ""), job(3, "s", "succeeded", "")), reasons: map[api.Target]api.Reason{kernel: {}}},
			kernel, "built again, and OBS gives no reason; not known", NoReason, 1, "", ""},
		{"elsewhere", fake{jobs: jobs(job(1, "s", "succeeded", "new build"), job(3, "s", "succeeded", "new build")), envs: env(copied, "1.1")},
			copied, "built again by hand; not known", "by hand", 1, "old", ""},
		{"not there", fake{}, kernel, "not known", "", 2, "", ""},
		{"another time", fake{jobs: jobs(job(1, "s", "succeeded", "new build")), envs: env(kernel, "1.1")}, kernel, "not known", "", 2, "old", ""},
		{"no answer", fake{err: errors.New("no route")}, kernel, "not known", "", 0, "", "no route"},
		{"a server that fails", fake{err: &api.StatusError{StatusCode: 502}, envs: env(kernel, "1.3")}, kernel, "not known", "", 1, "new", ": 502 Bad Gateway (no words of OBS in the answer); the server failed: try again later : 502 Bad Gateway (no words of OBS in the answer); the server failed: try again later"},
		{"not let in", fake{err: &api.StatusError{StatusCode: 401}}, kernel, "not known", "", 0, "", ": 401 Unauthorized (no words of OBS in the answer)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.obs.err == nil {
				tc.obs.err = missing
			}
			a, errs := Ask(context.Background(), &tc.obs, InOBS{tc.old, "5.15.12-1.1"}, InOBS{kernel, "5.15.12-1.3"})
			sentence := Rebuilt(Made{}, Made{}, "", "", a.Trigger).Sentence
			if !strings.HasPrefix(sentence, tc.want) {
				t.Errorf("%q, want %q", sentence, tc.want)
			}
			var kinds, fails []string
			for _, j := range a.Trigger.Jobs {
				kinds = append(kinds, j.Kind)
			}
			for _, err := range errs {
				fails = append(fails, err.Error())
			}
			if got := strings.Join(kinds, ", "); got != tc.kinds {
				t.Errorf("jobs %q, want %q", got, tc.kinds)
			}
			if got := strings.Join(fails, " "); got != tc.fails {
				t.Errorf("errors %q, want %q", got, tc.fails)
			}
			if len(a.Trigger.Notes) != tc.notes {
				t.Errorf("notes %q, want %d", a.Trigger.Notes, tc.notes)
			}
			envs := ""
			if a.Old != nil {
				envs += "old"
			}
			if a.New != nil {
				envs += "new"
			}
			if envs != tc.envs {
				t.Errorf("build roots of %q, want %q", envs, tc.envs)
			}
		})
	}
}
