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
	env := func(s string) map[string]string {
		p := map[string]string{"bash": "5.1-1", "gcc11": "11.2.1-1", "dwarves": "1.22-2.1"}
		for _, kv := range strings.Fields(s) {
			name, v, _ := strings.Cut(kv, "=")
			p[name] = v
		}
		return p
	}
	banner := func(compiler string) kernel.Banner {
		return kernel.Banner{Builder: "geeko@buildhost", Compiler: compiler, Linker: "GNU ld 2.37", Version: "#1 SMP"}
	}
	source := Source{Hash: "kernel-srchash-1", Revision: "r1"}
	for _, tc := range []struct {
		name     string
		old, new Made
		effect   string
		want     string
	}{
		{"nothing known", Made{}, Made{}, "", "not known of both: source, config, compiler, linker, pahole"},
		{"dwarves", Made{Config: config(), Source: source, Packages: env("")},
			Made{Config: config("CONFIG_PAHOLE_VERSION", "123"), Source: source, Packages: env("dwarves=1.23-1.1 bash=5.2-1")},
			"which functions are kept",
			"same source, same config; dwarves 1.22-2.1 → 1.23-1.1 changed which functions are kept"},
		{"dwarves without an effect", Made{Config: config(), Source: source, Packages: env("")}, Made{Config: config(), Source: source, Packages: env("dwarves=1.23-1.1")}, "",
			"same source, same config; dwarves 1.22-2.1 → 1.23-1.1"},
		{"two that can", Made{Config: config(), Source: source, Packages: env("")}, Made{Config: config(), Source: source, Packages: env("dwarves=1.23-1.1 gcc11=11.3-1")}, "types",
			"same source, same config; dwarves 1.22-2.1 → 1.23-1.1, gcc11 11.2.1-1 → 11.3-1: one of them, or all, changed types"},
		{"dwarves, and the source", Made{Config: config(), Source: source, Packages: env("")}, Made{Config: config(), Source: Source{Hash: "kernel-srchash-2"}, Packages: env("dwarves=1.23-1.1")}, "types",
			"source changed, same config; dwarves 1.22-2.1 → 1.23-1.1"},
		{"packages that begin like those that can", Made{Config: config(), Source: source, Packages: env("lldpd=1-1 cppunit=1-1 gcc11-devel=1-1")}, Made{Config: config(), Source: source, Packages: env("lldpd=2-1 cppunit=2-1 gcc11-devel=2-1")}, "types",
			"same source, same config, same compiler and pahole; look at what differs in the build root, and at pahole 1.22, which may write another order each time"},
		{"one that is gone", Made{Config: config(), Source: source, Packages: env("pahole=1-1")}, Made{Config: config(), Source: source, Packages: env("")}, "types",
			"same source, same config; pahole 1-1 is gone, which changed types"},
		{"the same build root", Made{Config: config(), Source: source, Packages: env("")}, Made{Config: config(), Source: source, Packages: env("")}, "types",
			"same source, same config, same compiler and pahole; same packages in the build root: look at pahole 1.22, which may write another order each time"},
		{"libbpf", Made{Config: config(), Source: source, Packages: env("libbpf1=1.4-1")}, Made{Config: config(), Source: source, Packages: env("libbpf1=1.5-1")}, "types",
			"same source, same config; libbpf1 1.4-1 → 1.5-1 changed types"},
		{"by config alone", Made{Config: config()}, Made{Config: config("CONFIG_PAHOLE_VERSION", "123")}, "types", "same config; pahole 1.22 → 1.23; not known of both: source, linker"},
		{"a config that does not name pahole", Made{Config: kernel.Config{"CONFIG_SMP": "y"}}, Made{Config: config("CONFIG_PAHOLE_VERSION", "123")}, "types", "same config; not known of both: source, compiler, linker, pahole"},
		{"an option", Made{Config: config(), Source: source}, Made{Config: config("CONFIG_X", "y"), Source: Source{Hash: "kernel-srchash-2"}}, "types",
			"source changed, config changed (CONFIG_X y is new), same compiler and pahole; not known of both: linker"},
		{"not set and not offered", Made{Config: config("CONFIG_X", "n"), Source: source}, Made{Config: config("CONFIG_Y", "n"), Source: source}, "types",
			"same source, same config, same compiler and pahole; look at what differs in the build root, and at pahole 1.22, which may write another order each time; not known of both: linker"},
		{"set no more", Made{Config: config("CONFIG_X", "m"), Source: source}, Made{Config: config("CONFIG_X", "n"), Source: source}, "types",
			"same source, config changed (CONFIG_X m is gone), same compiler and pahole; not known of both: linker"},
		{"what a tool can do is no option", Made{Config: config("CONFIG_CC_HAS_INT128", "y")}, Made{Config: config()}, "types", "same config, same compiler and pahole; not known of both: source, linker"},
		{"nothing at all", Made{Config: config(), Source: source, Banner: banner("gcc")}, Made{Config: config(), Source: source, Banner: banner("gcc")}, "",
			"same source, same config, same compiler, linker and pahole"},
		{"nothing at all, and yet", Made{Config: config(), Source: source, Banner: banner("gcc")}, Made{Config: config(), Source: source, Banner: banner("gcc")}, "the order of types",
			"same source, same config, same compiler, linker and pahole; look at what differs in the build root, and at pahole 1.22, which may write another order each time"},
		{"banner alone", Made{Banner: banner("gcc 11.2.1")}, Made{Banner: banner("gcc 11.3.0")}, "types", "compiler gcc 11.2.1 → gcc 11.3.0; not known of both: source, config, pahole"},
		{"banner knows the revision", Made{Config: config(), Source: source, Banner: banner("gcc 11.2.1 [revision a]")}, Made{Config: config(), Source: source, Banner: banner("gcc 11.2.1 [revision b]")}, "types",
			"same source, same config; compiler gcc 11.2.1 [revision a] → gcc 11.2.1 [revision b] changed types"},
		{".comment alone, in any order", Made{Source: source, Compilers: []string{"GCC: 12", "GCC: 11"}}, Made{Source: source, Compilers: []string{"GCC: 11", "GCC: 12"}}, "",
			"same source, same compiler; not known of both: config, linker, pahole"},
		{".comment alone", Made{Source: source, Compilers: []string{"GCC: 11"}}, Made{Source: source, Compilers: []string{"GCC: 12"}}, "types",
			"same source; compiler GCC: 11 → GCC: 12; not known of both: config, linker, pahole"},
		{"one compiler, told once", Made{Config: config(), Banner: banner("gcc 11"), Compilers: []string{"GCC: 11"}},
			Made{Config: config("CONFIG_CC_VERSION_TEXT", "gcc 12"), Banner: banner("gcc 12"), Compilers: []string{"GCC: 12"}}, "types",
			"same config; compiler gcc (SUSE Linux) 11.2.1 → gcc 12; not known of both: source"},
		{"source known by different things", Made{Source: Source{Hash: "h"}}, Made{Source: Source{Revision: "r"}}, "types", "not known of both: source, config, compiler, linker, pahole"},
		{"commit the same, files not", Made{Source: Source{Hash: "h", Revision: "r1"}}, Made{Source: Source{Hash: "h", Revision: "r2"}}, "", "source changed; not known of both: config, compiler, linker, pahole"},
		{"one source package", Made{Source: Source{Package: "p"}}, Made{Source: Source{Package: "p"}}, "", "same source; not known of both: config, compiler, linker, pahole"},
		{"a source package made again", Made{Source: Source{Package: "p"}}, Made{Source: Source{Package: "q"}}, "", "not known of both: source, config, compiler, linker, pahole"},
	} {
		if got := Rebuilt(tc.old, tc.new, tc.effect, "", nil).Sentence; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	pahole := func(version string) Made {
		return Made{Config: config("CONFIG_PAHOLE_VERSION", version), Source: source, Packages: env("")}
	}
	for _, tc := range []struct{ version, cause, want string }{
		{"130", "", "same packages in the build root: look at names, numbers and dates in the build, and at the order of objects in the link"},
		{"130", "the line is longer", "the line is longer"},
		{"122", "the line is longer", "the line is longer"},
	} {
		if got := Rebuilt(pahole(tc.version), pahole(tc.version), "types", tc.cause, nil).Sentence; got != "same source, same config, same compiler and pahole; "+tc.want {
			t.Errorf("%s, %q: %q", tc.version, tc.cause, got)
		}
	}
	if got := Rebuilt(pahole("122"), pahole("130"), "the order of types", "looks like jobs", nil).Sentence; strings.Contains(got, "jobs") {
		t.Errorf("another pahole did it: %q", got)
	}
	r := Rebuilt(Made{Packages: env(""), Host: "a", Built: time.Unix(1, 0), Source: source, Banner: kernel.Banner{Version: "#1"}},
		Made{Packages: env("zlib=1-1 gcc11=11.3-1 dwarves=1.23-1"), Host: "b", Built: time.Unix(2, 0), Source: Source{Revision: "r2"}, Banner: kernel.Banner{Version: "#2"}}, "", "", nil)
	var order []string
	for _, d := range append(r.Packages, r.Other...) {
		order = append(order, d.What)
	}
	if got := strings.Join(order, " "); got != "dwarves gcc11 zlib source revision build host built banner" {
		t.Errorf("%q", got)
	}
}
