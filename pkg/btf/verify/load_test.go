// SPDX-License-Identifier: Apache-2.0

package verify

import "testing"

func TestMissingModuleBTF(t *testing.T) {
	for version, want := range map[string]struct {
		line  string
		fails bool
	}{
		"5.15.12": {"", false},
		"5.18":    {"missing module BTF, cannot register kfuncs", true},
		"6.1.38":  {"missing module BTF, cannot register kfuncs", true},
		"6.1.192": {"missing module BTF, cannot register kfuncs", false}, // seen in qemu
		"6.4.3":   {"missing module BTF, cannot register kfuncs", true},
		"6.4.4":   {"missing module BTF, cannot register kfuncs", false},
		"6.5":     {"missing module BTF, cannot register kfuncs", false},
		"6.9":     {"missing module BTF, cannot register kfunc", false},
		"6.12":    {"missing module BTF, cannot register kfunc", false},
	} {
		v, err := ParseVersion(version)
		if err != nil {
			t.Fatal(err)
		}
		if line, fails := RulesFor(v).MissingModuleBTF(); line != want.line || fails != want.fails {
			t.Errorf("%s: %q, fails %v; want %q, %v", version, line, fails, want.line, want.fails)
		}
	}
}

func TestWrongModuleSize(t *testing.T) {
	if line := RulesFor(Version{6, 3, 13}).WrongModuleSize("xpad"); line != "" {
		t.Errorf("6.3: %q", line)
	}
	const want = "module xpad: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time"
	if line := RulesFor(Version{6, 4, 0}).WrongModuleSize("xpad"); line != want {
		t.Errorf("6.4: %q", line)
	}
}

func TestWrongVermagic(t *testing.T) {
	const kernel = "6.1.0-56-amd64 SMP preempt mod_unload modversions "
	for _, tt := range []struct {
		name, module, kernel string
		versioned            bool
		want                 string
	}{
		{"equal", kernel, kernel, true, ""},
		{"another release with versions", "6.1.0-55-amd64 SMP preempt mod_unload modversions ", kernel, true, ""},
		{"another release without", "6.1.0-55-amd64 SMP preempt mod_unload modversions ", kernel, false,
			"xpad: version magic '6.1.0-55-amd64 SMP preempt mod_unload modversions ' should be '6.1.0-56-amd64 SMP preempt mod_unload modversions '"},
		{"a kernel without versions", "6.1.30 SMP mod_unload ", "6.1.40 SMP mod_unload ", true,
			"xpad: version magic '6.1.30 SMP mod_unload ' should be '6.1.40 SMP mod_unload '"},
		{"another kind of preemption", "6.1.0-56-amd64 SMP preempt_rt mod_unload modversions ", kernel, true,
			"xpad: version magic '6.1.0-56-amd64 SMP preempt_rt mod_unload modversions ' should be '6.1.0-56-amd64 SMP preempt mod_unload modversions '"},
	} {
		if got := WrongVermagic("xpad", tt.module, tt.kernel, tt.versioned); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
