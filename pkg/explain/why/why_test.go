// SPDX-License-Identifier: Apache-2.0

package why

import (
	"strings"
	"testing"
	"time"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

func TestRebuilt(t *testing.T) {
	config := func(more ...string) kernel.Config {
		c := kernel.Config{"CONFIG_CC_VERSION_TEXT": `"gcc (SUSE Linux) 11.2.1"`, "CONFIG_PAHOLE_VERSION": "122", "CONFIG_SMP": "y"}
		for i := 0; i < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		return c
	}
	env := func(s string) Packages {
		p := Packages{"bash": "5.1-1", "gcc11": "11.2.1-1", "dwarves": "1.22-2.1"}
		for _, kv := range strings.Fields(s) {
			name, v, _ := strings.Cut(kv, "=")
			p[name] = v
		}
		return p
	}
	source := []string{"kernel-srchash-1"}
	for _, tc := range []struct {
		name     string
		old, new Made
		want     string
	}{
		{"nothing known", Made{}, Made{}, "neither source nor config of both is known"},
		{"dwarves", Made{Config: config(), Sources: source, Packages: env("")},
			Made{Config: config("CONFIG_PAHOLE_VERSION", "123"), Sources: source, Packages: env("dwarves=1.23-1.1 bash=5.2-1")},
			"same source, same config; dwarves 1.22-2.1 → 1.23-1.1"},
		{"by config alone", Made{Config: config()}, Made{Config: config("CONFIG_PAHOLE_VERSION", "123")}, "same config; pahole 1.22 → 1.23; the source of both is not known"},
		{"an option", Made{Config: config(), Sources: source}, Made{Config: config("CONFIG_X", "y"), Sources: []string{"kernel-srchash-2"}},
			"source changed, config changed (CONFIG_X y is new)"},
		{"what a tool can do is no option", Made{Config: config("CONFIG_CC_HAS_INT128", "y")}, Made{Config: config()}, "same config"},
		{"nothing at all", Made{Config: config(), Sources: source}, Made{Config: config(), Sources: source},
			"same source, same config, same tools as far as the config tells: look"},
	} {
		r := Rebuilt(tc.old, tc.new)
		if !strings.HasPrefix(r.Sentence, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, r.Sentence, tc.want)
		}
	}
	r := Rebuilt(Made{Packages: env(""), Host: "a", Built: time.Unix(1, 0)}, Made{Packages: env("zlib=1-1 gcc11=11.3-1 dwarves=1.23-1"), Host: "b", Built: time.Unix(2, 0)})
	var order []string
	for _, d := range append(r.Packages, r.Other...) {
		order = append(order, d.What)
	}
	if got := strings.Join(order, " "); got != "dwarves gcc11 zlib build host built" {
		t.Errorf("%q", got)
	}
}

func TestReadBuildEnv(t *testing.T) {
	p, err := ReadBuildEnv(strings.NewReader(`<buildinfo project="p"><arch>x86_64</arch>
		<bdep name="dwarves" version="1.22" release="2.1" arch="x86_64"/><bdep name="odd"/><bdep version="1"/></buildinfo>`))
	if err != nil || len(p) != 2 || p["dwarves"] != "1.22-2.1" {
		t.Errorf("%v, %v", p, err)
	}
	for _, text := range []string{"", "<status/>", "<buildinfo>", "no XML"} {
		if _, err := ReadBuildEnv(strings.NewReader(text)); err == nil {
			t.Errorf("%q is a build environment", text)
		}
	}
}
