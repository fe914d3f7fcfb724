// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/corpus"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

func members(names ...string) (list []btftest.Member) {
	for _, n := range names {
		list = append(list, btftest.Member{Name: n, Type: 1})
	}
	return list
}

func function(w writer, name string, params ...string) {
	var list []btftest.Param
	for _, p := range params {
		list = append(list, btftest.Param{Name: p, Type: 1})
	}
	w.Func(name, w.FuncProto(1, list...), btftest.Static)
}

func functions(w writer, names ...string) {
	for _, n := range names {
		function(w, n)
	}
}

// kindChecks are in every kernel that reads module BTF.
func kindChecks(w writer) {
	functions(w, "btf_int_check_meta", "btf_array_check_meta", "btf_struct_check_meta", "btf_enum_check_meta", "btf_fwd_check_meta",
		"btf_func_check_meta", "btf_func_proto_check_meta", "btf_var_check_meta", "btf_datasec_check_meta")
}

func dynptrKfuncs(w writer) {
	functions(w, "bpf_dynptr_adjust", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly", "bpf_dynptr_size", "bpf_dynptr_clone")
}

// uapi writes an enum that user space sees; names that are "" are left out.
func uapi(w writer, enum string, names ...string) {
	var list []btftest.Enumerator
	for i, n := range names {
		if n != "" {
			list = append(list, btftest.Enumerator{Name: n, Value: int64(i)})
		}
	}
	w.Enum(enum, 4, list...)
}

func named(w writer, structName string, length uint32) {
	w.Struct(structName, length, btftest.Member{Name: "name", Type: w.Array(1, 1, length)})
}

// moved gives r the rules of another release, but for those that are not of the
// BPF code.
func moved(t *testing.T, r *verify.Rules, release string) {
	t.Helper()
	own := *r
	*r = rules(t, release)
	r.NameLen, r.LineMax, r.ModuleSize = own.NameLen, own.LineMax, own.ModuleSize
}

// TestTypeWitnesses checks what single types of a base decide, both ways, and
// that nothing is concluded from what a small base lacks.
func TestTypeWitnesses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		version string
		add     func(w writer)
		want    func(r *verify.Rules) // what is not as the version has it
	}{
		{"nothing", "6.1.0", func(w writer) {}, nil},
		{"nothing, unknown version", "", func(w writer) {}, nil},
		{"32 bytes of header", "7.0", func(w writer) { w.Struct("btf_header", 32) },
			func(r *verify.Rules) { r.Version, r.HeaderSize = verify.Version{Major: 7, Minor: 1}, 32 }},
		{"24 bytes of header", "7.1.3", func(w writer) { w.Struct("btf_header", 24) },
			func(r *verify.Rules) { r.Version, r.HeaderSize = verify.Version{Major: 7, Patch: 999}, 24 }},
		{"two headers that differ", "7.0", func(w writer) { w.Struct("btf_header", 32); w.Struct("btf_header", 24) }, nil},
		{"names of 512 bytes", "5.14", func(w writer) { named(w, "bpf_ksym", 512) }, func(r *verify.Rules) { r.NameLen = 512 }},
		{"names of 128 bytes", "6.1", func(w writer) { named(w, "kallsym_iter", 128) }, func(r *verify.Rules) { r.NameLen = 128 }},
		{"dot_ok after 5.15.119", "5.15.180", func(w writer) { function(w, "__btf_name_valid", "btf", "offset", "dot_ok") }, func(r *verify.Rules) { r.Dots = false }},
		{"dots before 5.15.119", "5.15.100", func(w writer) { function(w, "__btf_name_valid", "btf", "offset") }, func(r *verify.Rules) { r.Dots = true }},
		{"names of 6.8 in a raw table", "", func(w writer) {
			function(w, "__btf_name_valid", "btf", "offset")
			uapi(w, "bpf_cmd", "BPF_MAP_CREATE", "BPF_PROG_BIND_MAP")
		}, func(r *verify.Rules) { moved(t, r, "6.8.999") }},
		{"names of 6.8 in 5.14", "5.14.0-503.el9", func(w writer) {
			function(w, "__btf_name_valid", "btf", "offset")
			uapi(w, "bpf_cmd", "BPF_MAP_CREATE")
		}, func(r *verify.Rules) { r.Dots = true }},
		{"names of 6.9", "6.9.3", func(w writer) {
			function(w, "__btf_name_valid", "btf", "offset")
			uapi(w, "bpf_cmd", "BPF_MAP_CREATE", "BPF_TOKEN_CREATE")
		}, nil},
		{"names of 6.11", "6.11.0", func(w writer) { function(w, "__btf_name_valid", "btf", "offset") }, nil},
		{"names of 6.9 in 5.14", "5.14.0-570.el9", func(w writer) {
			function(w, "__btf_name_valid", "btf", "offset")
			uapi(w, "bpf_cmd", "BPF_MAP_CREATE", "BPF_TOKEN_CREATE")
		}, func(r *verify.Rules) { moved(t, r, "6.9") }},
		{"names of 6.3 in a raw table", "", func(w writer) { function(w, "__btf_name_valid", "btf", "offset", "dot_ok") },
			func(r *verify.Rules) { moved(t, r, "6.3.999"); r.Dots, r.ModuleSize = false, false }},
		{"FLOAT in 5.12", "5.12", func(w writer) { functions(w, "btf_float_check_meta") },
			func(r *verify.Rules) { moved(t, r, "5.13") }},
		{"no FLOAT in 5.14", "5.14", kindChecks, func(r *verify.Rules) {
			moved(t, r, "5.12.999")
		}},
		{"a few checks only", "5.14", func(w writer) { functions(w, "btf_var_check_meta", "btf_int_check_meta") }, nil},
		{"no DECL_TAG in 5.16", "5.16", func(w writer) { kindChecks(w); functions(w, "btf_float_check_meta") },
			func(r *verify.Rules) { moved(t, r, "5.15.999") }},
		{"ENUM64 in 5.14", "5.14.0-503.el9", func(w writer) {
			w.Enum("", 4, btftest.Enumerator{Name: "BTF_KIND_UNKN", Value: 0}, btftest.Enumerator{Name: "BTF_KIND_MAX", Value: 19})
		}, func(r *verify.Rules) { moved(t, r, "6.0") }},
		{"TYPE_TAG in 6.1", "6.1.36", func(w writer) {
			w.Enum("", 4, btftest.Enumerator{Name: "BTF_KIND_MAX", Value: 18})
		}, func(r *verify.Rules) { moved(t, r, "5.19.999") }},
		{"a kind too many", "6.1.36", func(w writer) {
			w.Enum("", 4, btftest.Enumerator{Name: "BTF_KIND_MAX", Value: 99})
		}, nil},
		{"24 bits of vlen", "6.18", func(w writer) { w.Enum("btf_max", 4, btftest.Enumerator{Name: "BTF_MAX_VLEN", Value: 0xffffff}) },
			func(r *verify.Rules) { moved(t, r, "7.2") }},
		{"tag order in 5.14", "5.14", func(w writer) { functions(w, "btf_check_type_tags") }, func(r *verify.Rules) { moved(t, r, "5.19") }},
		{"tag order in 7.3", "7.3", func(w writer) { functions(w, "btf_check_type_tags") }, func(r *verify.Rules) { moved(t, r, "7.1.999") }},
		{"flagged tags in 6.12", "6.12.30", func(w writer) { functions(w, "bpf_dynptr_copy") }, func(r *verify.Rules) { moved(t, r, "6.15") }},
		{"no flagged tags in 6.16", "6.16", dynptrKfuncs, func(r *verify.Rules) { moved(t, r, "6.14.999") }},
		{"one of the kfuncs only", "6.16", func(w writer) { functions(w, "bpf_dynptr_clone") }, nil},
		{"module BTF left out", "6.18", func(w writer) { w.Struct("module", 64, members("state", "name")...) }, func(r *verify.Rules) { r.ModuleBTF = false }},
		{"module BTF in 5.10", "5.10", func(w writer) { w.Struct("module", 64, members("state", "btf_data")...) }, func(r *verify.Rules) { moved(t, r, "5.11") }},
		{"relocation in 6.1", "6.1.99-vendor", func(w writer) { w.Struct("module", 64, members("btf_data", "btf_base_data")...) },
			func(r *verify.Rules) { moved(t, r, "6.11"); r.EmbeddedFix = true }},
		{"relocation in a 6.6 of openEuler", "6.6.0-28.0.0.34.oe2403", func(w writer) {
			w.Struct("module", 64, members("btf_data", "btf_base_data")...)
			uapi(w, "bpf_cmd", "BPF_MAP_CREATE")
		}, func(r *verify.Rules) { r.Distilled, r.EmbeddedFix = true, true }},
		{"no relocation in 6.12", "6.12.5", func(w writer) { w.Struct("module", 64, members("btf_data")...) },
			func(r *verify.Rules) { moved(t, r, "6.10.999") }},
		{"relocation added to an old log", "6.1.99", func(w writer) {
			w.Struct("module", 64, members("btf_data", "btf_base_data")...)
			w.Struct("bpf_verifier_log", 64, members("level")...)
		}, func(r *verify.Rules) { r.Distilled, r.EmbeddedFix = true, true }},
		{"iterators in 5.14", "5.14", func(w writer) { functions(w, "bpf_iter_num_new") }, func(r *verify.Rules) { moved(t, r, "6.4") }},
		{"new log", "5.14", func(w writer) { w.Struct("bpf_verifier_log", 64, members("start_pos")...) }, func(r *verify.Rules) { moved(t, r, "6.4") }},
		{"old log", "6.4.0", func(w writer) { w.Struct("bpf_verifier_log", 64, members("level")...) }, func(r *verify.Rules) { moved(t, r, "6.3.999") }},
		{"old printk", "6.4.0", func(w writer) { w.Struct("printk_info", 64) }, func(r *verify.Rules) { r.LineMax = 989 }},
		{"new printk", "5.14.0", func(w writer) { w.Struct("printk_info", 64); w.Struct("printk_buffers", 64) }, func(r *verify.Rules) { r.LineMax = 1021 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := btftest.New()
			w.Int("int", 4, 1, 32)
			tc.add(w)
			k := verify.Witnesses{Base: w.Table(t)}
			if tc.version != "" {
				k.Version = version(t, tc.version)
			}
			want := verify.RulesFor(k.Version)
			if tc.want != nil {
				tc.want(&want)
			}
			got := k.Read()
			if d := cmp.Diff(want, got.Rules); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, d := range got.Decisions {
				if d.Value == "" || d.By == "" {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// texts gives what an image holds, the header's text always.
func texts(parts ...string) map[string]bool {
	found := map[string]bool{}
	for _, text := range verify.Texts() {
		found[text] = text == "btf_header not found" || slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
	}
	return found
}

// TestTextWitnesses checks what the texts of an image decide.
func TestTextWitnesses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		version string
		texts   map[string]bool
		want    func(r *verify.Rules)
		allow   verify.Allow
	}{
		{"no image", "5.14", nil, nil, verify.AllowNo},
		{"no verifier", "5.14", map[string]bool{}, nil, verify.AllowNo},
		{"5.15", "6.4.0-150600", texts("Invalid btf_info", "BPF:%s", "failed to validate"),
			func(r *verify.Rules) { moved(t, r, "5.16.999") }, verify.AllowNo},
		{"6.1", "6.1.0", texts("Invalid btf_info", "Max chain", "Type tags", "BPF: %s", "failed to validate"), nil, verify.AllowUnknown},
		{"6.8, allowed", "5.14.0-503.el9", texts("Invalid btf_info", "Max chain", "Type tags", "BPF: %s", "mismatch detected"),
			func(r *verify.Rules) { moved(t, r, "6.3") }, verify.AllowYes},
		{"6.8, not allowed", "6.8.1", texts("Invalid btf_info", "Max chain", "Type tags", "BPF: %s", "failed to validate"), nil, verify.AllowNo},
		{"6.12", "6.12.3", texts("Invalid btf_info", "Max chain", "Type tags", "BPF: %s", "mismatch detected", "distilled"), nil, verify.AllowYes},
		{"7.1", "7.2", texts("Invalid btf_info", "Max chain", "Type tags", "BPF: %s", "failed to validate", "distilled"),
			func(r *verify.Rules) { moved(t, r, "7.1.999") }, verify.AllowNo},
		{"7.2", "7.1", texts("Max chain", "BPF: %s", "failed to validate", "distilled"), func(r *verify.Rules) { moved(t, r, "7.2") }, verify.AllowNo},
		{"module BTF left out", "6.8", texts("Invalid btf_info", "Max chain", "Type tags", "BPF: %s"), func(r *verify.Rules) { r.ModuleBTF = false }, verify.AllowUnknown},
		{"the module loader's check", "5.14", texts("Invalid btf_info", "Max chain", "Type tags", "BPF:", "struct module size"),
			func(r *verify.Rules) { moved(t, r, "5.19"); r.ModuleSize = true }, verify.AllowUnknown},
		{"kfuncs of 5.18 and later", "5.14.0-362.el9", map[string]bool{"missing module BTF, cannot register kfuncs": true},
			func(r *verify.Rules) { moved(t, r, "5.18") }, verify.AllowUnknown},
		{"a kfunc, since 6.9", "6.8", map[string]bool{"missing module BTF, cannot register %s": true},
			func(r *verify.Rules) { moved(t, r, "6.9") }, verify.AllowUnknown},
		{"5.14 with parts of 6.3", "5.14", texts("Invalid btf_info", "BPF:%s", "mismatch detected"), func(r *verify.Rules) { r.QuietAllow = true }, verify.AllowYes},
		{"nothing is logged", "6.12", texts("Invalid btf_info", "Max chain", "Type tags"), nil, verify.AllowUnknown},
		{"both ways of the log", "6.12", texts("Invalid btf_info", "Max chain", "Type tags", "BPF:"), nil, verify.AllowUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := version(t, tc.version)
			want := verify.RulesFor(v)
			if tc.want != nil {
				tc.want(&want)
			}
			got := verify.Witnesses{Version: v, Texts: tc.texts}.Read()
			if d := cmp.Diff(want, got.Rules); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got.Allow != tc.allow {
				t.Errorf("mismatches: %v, want %v", got.Allow, tc.allow)
			}
		})
	}
}

// TestTextsOverTypes checks that a text counts more than a type, and both more
// than a version.
func TestTextsOverTypes(t *testing.T) {
	w := btftest.New()
	w.Int("int", 4, 1, 32)
	functions(w, "btf_check_type_tags")
	w.Struct("module", 64, members("btf_data", "btf_base_data")...)
	k := verify.Witnesses{Version: version(t, "5.14"), Base: w.Table(t)}
	if r := k.Read().Rules; !r.TagOrder || !r.Distilled {
		t.Errorf("by types: %+v", r)
	}
	k.Texts = texts("Max chain", "BPF: %s", "failed to validate")
	if r := k.Read().Rules; r.TagOrder || r.Distilled || !r.ChainWalk {
		t.Errorf("by texts: %+v", r)
	}
}

// writeRelease writes what every base of a release has, without the functions that
// compilers may inline.
func writeRelease(w writer, release verify.Version) {
	at := release.AtLeast
	one := func(on bool, yes, no string) string {
		if on {
			return yes
		}
		return no
	}
	size, name, kinds := uint32(24), uint32(128), int64(17)
	if at(7, 1) {
		size = 32
	}
	if at(6, 1) {
		name = 512
	}
	if at(5, 17) {
		kinds++
	}
	if at(6, 0) {
		kinds++
	}
	w.Struct("btf_header", size)
	named(w, "bpf_ksym", name)
	w.Struct("module", 64, members("btf_data", one(at(6, 11), "btf_base_data", "name"))...)
	w.Struct("bpf_verifier_log", 64, members(one(at(6, 4), "start_pos", "level"))...)
	w.Struct("printk_info", 64)
	if at(6, 3) {
		w.Struct("printk_buffers", 64)
	}
	if at(5, 16) {
		w.Enum("", 4, btftest.Enumerator{Name: "BTF_KIND_MAX", Value: kinds})
	}
	if at(7, 2) {
		w.Enum("btf_max", 4, btftest.Enumerator{Name: "BTF_MAX_VLEN", Value: 0xffffff})
	}
	kindChecks(w)
	uapi(w, "bpf_func_id", "BPF_FUNC_unspec", one(at(5, 18), "BPF_FUNC_copy_from_user_task", ""), one(at(5, 19), "BPF_FUNC_kptr_xchg", ""))
	uapi(w, "bpf_cmd", "BPF_MAP_CREATE", one(at(6, 9), "BPF_TOKEN_CREATE", ""))
	for _, f := range []struct {
		minor [2]int
		add   func()
	}{
		{[2]int{5, 13}, func() { functions(w, "btf_float_check_meta") }},
		{[2]int{5, 16}, func() { functions(w, "btf_decl_tag_check_meta") }},
		{[2]int{6, 0}, func() { functions(w, "btf_enum64_check_meta") }},
		{[2]int{6, 2}, func() { functions(w, "bpf_cast_to_kern_ctx", "bpf_rdonly_cast", "bpf_list_pop_front") }},
		{[2]int{6, 3}, func() { functions(w, "bpf_rbtree_first") }},
		{[2]int{6, 4}, func() { functions(w, "bpf_iter_num_new") }},
		{[2]int{6, 5}, func() { dynptrKfuncs(w) }},
		{[2]int{6, 15}, func() { functions(w, "bpf_dynptr_copy") }},
	} {
		if at(f.minor[0], f.minor[1]) {
			f.add()
		}
	}
}

// TestReleases checks that a base of each release gives the rules of that release,
// whatever its kernel calls itself.
func TestReleases(t *testing.T) {
	for _, release := range []string{"5.11", "5.12", "5.13", "5.14", "5.15", "5.16", "5.17", "5.18", "5.19", "6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.8",
		"6.9", "6.10", "6.11", "6.12", "6.14", "6.15", "7.0", "7.1", "7.2", "7.3"} {
		own := version(t, release)
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		writeRelease(w, own)
		base := w.Table(t)
		for _, name := range []string{release, "4.18.0-553.el8", "5.14.0-503.el9", "5.15.0-300.el9uek", "6.1-vendor", "6.4.0-150600", "6.8.0-31-generic", "99.0", ""} {
			k := verify.Witnesses{Base: base}
			if name != "" {
				k.Version = version(t, name)
			}
			got, want := k.Read().Rules, verify.RulesFor(own)
			// No type shows these.
			got.Version, got.ModuleSize, got.EmbeddedFix = want.Version, want.ModuleSize, want.EmbeddedFix
			if !own.AtLeast(6, 4) { // of stable releases
				got.Dots = want.Dots
			}
			if !own.AtLeast(5, 13) {
				got.EmptySection = want.EmptySection
			}
			if want.SectionName == verify.SectionTail { // until 6.10.9
				got.SectionName = max(got.SectionName, verify.SectionTail)
				want.SectionName = got.SectionName
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s as %q (-want +got):\n%s", release, name, d)
			}
		}
	}
}

// TestSettled checks that a raw table tells a rule by the release that its kernel is
// of at least, but only where no later release changed it.
func TestSettled(t *testing.T) {
	for _, tc := range []struct {
		release, rule string
		want          verify.Source
	}{
		{"7.2", "type tags", verify.ByMarker},
		{"7.2", "dots in names", verify.ByMarker},
		{"", "type tags", verify.Assumed},
		{"5.14", "type tags", verify.Assumed}, // not by 5.14, but by 5.19 to 7.1
		{"5.14", "empty sections", verify.ByMarker},
		{"5.14", "dots in names", verify.Assumed},
	} {
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		switch tc.release {
		case "7.2":
			w.Enum("btf_max", 4, btftest.Enumerator{Name: "BTF_MAX_VLEN", Value: 0xffffff})
		case "5.14":
			functions(w, "btf_float_check_meta")
		}
		for _, d := range (verify.Witnesses{Base: w.Table(t)}).Read().Decisions {
			if d.Rule == tc.rule && d.Source != tc.want {
				t.Errorf("%s of a base of %q and later: by %s, %s", d.Rule, tc.release, d.Source, d.By)
			}
		}
	}
}

// TestConflict checks the words for a kernel that is not what it calls itself.
func TestConflict(t *testing.T) {
	k := func(v string, given bool, add func(w writer)) string {
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		add(w)
		return verify.Witnesses{Version: version(t, v), Given: given, Base: w.Table(t)}.Read().Conflict
	}
	dots := func(w writer) { function(w, "__btf_name_valid", "btf", "offset") }
	relocation := func(w writer) { w.Struct("module", 64, members("btf_data", "btf_base_data")...) }
	for _, tc := range []struct{ name, got, want string }{
		{"none", k("6.12", false, relocation), ""},
		{"module BTF left out", k("6.12", false, func(w writer) { w.Struct("module", 64) }), ""},
		{"younger", k("5.14.0-503.el9", false, relocation),
			"this kernel calls itself 5.14.0 and reads BTF as Linux 6.11 does, or later (last kind: ENUM64; "},
		{"older", k("99.0", false, func(w writer) { w.Struct("btf_header", 24) }),
			"this kernel calls itself 99.0.0 and reads BTF as Linux 7.0 does, or earlier ("},
		{"in one thing", k("5.15.100", false, dots),
			"this kernel calls itself 5.15.100 and reads some of BTF otherwise (dots in names: accepted). "},
		{"given", k("6.8", true, relocation), "--kernel says 6.8.0 and this kernel reads BTF as Linux 6.11 does, or later ("},
	} {
		if tc.want == "" && tc.got != "" || !strings.HasPrefix(tc.got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, tc.got, tc.want)
		}
	}
}

// TestOwnNames checks that real kernels are what they call themselves.
func TestOwnNames(t *testing.T) {
	k := corpus.LoadKernels(t)
	for name, base := range k.Bases {
		if c := (verify.Witnesses{Version: version(t, corpus.Stable[name]), Base: base}).Read().Conflict; c != "" {
			t.Errorf("%s: %s", name, c)
		}
	}
}

// BenchmarkRead goes through the types of a whole base.
func BenchmarkRead(b *testing.B) {
	base := corpus.LoadKernels(b).Bases["6.12.117+deb12-amd64"]
	b.SetBytes(int64(len(base.TypeSection())))
	for b.Loop() {
		verify.Witnesses{Base: base}.Read()
	}
}

// TestRebuiltBase checks that a real base with one thing changed gives that rule
// and no other: a 5.15 that has the name rules of before 5.15.119, and one that
// took them early.
func TestRebuiltBase(t *testing.T) {
	for _, k := range corpus.LoadEach(t) {
		if k.Name != "5.15.215" {
			continue
		}
		read := func(v string, base *btf.Table) verify.Reading {
			return verify.Witnesses{Version: version(t, v), Base: base}.Read()
		}
		early := read("5.15.80", k.Base)
		if !early.Rules.Dots || !strings.Contains(early.Conflict, "dots in names: accepted") {
			t.Errorf("dots taken early: %v, %q", early.Rules.Dots, early.Conflict)
		}
		// The function with a prototype whose last parameter is dot_ok.
		w := btftest.New()
		w.Int("int", 4, 1, 32)
		function(w, "__btf_name_valid", "btf", "offset", "dot_ok")
		late := read("5.15.215", w.Table(t))
		if late.Rules.Dots || !strings.Contains(late.Conflict, "dots in names") {
			t.Errorf("dots not taken: %v, %q", late.Rules.Dots, late.Conflict)
		}
		m := btftest.New()
		m.Int("int", 4, 1, 32)
		split := m.Split()
		split.Func("f.isra.0", 1, btftest.Static)
		base := m.Table(t)
		if verify.Module(split.Bytes(), base, late.Rules).Accepted() || !verify.Module(split.Bytes(), base, early.Rules).Accepted() {
			t.Error("a dotted FUNC: accepted by the old rules, or refused by the new")
		}
		return
	}
	t.Skip("no recording of 5.15.215 here")
}
