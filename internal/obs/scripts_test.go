// SPDX-License-Identifier: Apache-2.0

package obs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
)

// packaged are paths in packages, and whether they call for a token.
var packaged = map[string]bool{
	"/boot/vmlinux-6.4.0-1-default.gz":                                     true,
	"/boot/vmlinuz-6.5.6-300.fc39.x86_64":                                  true,
	"/boot/Image-6.4.0-1-default":                                          true,
	"/usr/lib/modules/6.4.0-1-default/vmlinux.xz":                          true,
	"/usr/lib/modules/6.4.0-1-default/vmlinux":                             true,
	"/lib/modules/6.5.6-300.fc39.x86_64/vmlinuz":                           true,
	"/usr/lib/modules/6.4.0-1-default/Image":                               true,
	"/usr/lib/modules/6.4.0-1-default/bzImage":                             true,
	"/usr/lib/modules/6.4.0-1-default/zImage":                              true,
	"/usr/lib/modules/6.4.0-1-default/kernel/lib/crc7.ko":                  true,
	"/usr/lib/modules/6.4.0-1-default/updates/xpad.ko.zst":                 true,
	"/lib/modules/5.14.0-427.el9.x86_64/extra/xpad/xpad.ko.xz":             true,
	"/usr/lib/kpatch/5.14.0-427.el9.x86_64/kpatch-5_14_0-427-1-1.ko":       true,
	"/lib/kpatch/5.14.0-427.el9.x86_64/kpatch-5_14_0-427-1-1.ko.xz":        true,
	"/var/lib/kpatch/5.14.0-427.el9.x86_64/kpatch-5_14_0-427-1-1.ko":       true,
	"/usr/lib/modules/6.4.0-1-default/modules.dep":                         false,
	"/usr/lib/modules/6.4.0-1-default/symvers.gz":                          false,
	"/usr/lib/modules/6.4.0-1-default/System.map":                          false,
	"/usr/lib/kpatch/5.14.0-427.el9.x86_64/README":                         false,
	"/boot/config-6.4.0-1-default":                                         false,
	"/usr/share/kocetl/a.ko":                                               false,
	"/usr/bin/kpatch":                                                      false,
	"/usr/src/linux-6.4.0-1-obj/x86_64/default/Module.symvers":             false,
	"/usr/lib/modules/6.4.0-2-default/build/scripts/module.lds.komodo/abc": false,
}

// TestGeneratorPaths compares which files rpmbuild asks the generator about with those
// that the program knows as kernels and modules.
func TestGeneratorPaths(t *testing.T) {
	text, err := os.ReadFile("../../obs/kernel_btf.attr")
	if err != nil {
		t.Fatal(err)
	}
	pattern := func(name string) *regexp.Regexp {
		_, line, ok := strings.Cut(string(text), "\n%__kernel_btf_"+name+" ")
		line, _, _ = strings.Cut(line, "\n")
		if !ok {
			t.Fatalf("no %%__kernel_btf_%s", name)
		}
		return regexp.MustCompilePOSIX(strings.ReplaceAll(line, `\\`, `\`)) // as rpm's macros have it
	}
	asked, excluded := pattern("path"), pattern("exclude_path")
	for path, want := range packaged {
		if got := asked.MatchString(path) && !excluded.MatchString(path); got != want {
			t.Errorf("%s: asked for %v, want %v", path, got, want)
		}
		switch kernel.ClassifyPath(path) {
		case kernel.RoleModule, kernel.RoleVmlinux, kernel.RoleBootImage:
			if !want {
				t.Errorf("%s: the program takes it for a kernel or module", path)
			}
		default:
			if want {
				t.Errorf("%s: the program does not know it", path)
			}
		}
	}
	if link := "/usr/lib/modules/6.4.0-2-default/weak-updates/xpad.ko"; !excluded.MatchString(link) {
		t.Errorf("%s is not left out", link)
	}
}

// TestStampScript runs the script of post_build.d in a build root with one package,
// whose files are named: it stamps packages with kernels or modules and no others.
func TestStampScript(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh here")
	}
	for path, want := range packaged {
		top, bin := t.TempDir(), t.TempDir()
		mark := filepath.Join(bin, "stamped")
		for name, text := range map[string]string{
			// What it asks of a build root, and of rpm.
			"readlink":      `[ "$*" = /.build.packages ] && echo "$TOP"`,
			"rpm":           `[ "$*" = "-qpl $TOP/RPMS/x86_64/a.rpm" ] && printf '%s\n' /usr /usr/share/doc/a "$LISTED"`,
			"obs-btf-guard": `printf '%s\n' "$*" > "$MARK"`,
		} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(filepath.Join(top, "RPMS/x86_64"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, "RPMS/x86_64/a.rpm"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), shell, "../../obs/50-stamp-kernel-btf")
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "TOP=" + top, "LISTED=" + path, "MARK=" + mark}
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v, %s", path, err, out)
		}
		said, _ := os.ReadFile(mark)
		if got := string(said) == "stamp "+top+"/RPMS\n"; got != want {
			t.Errorf("%s: stamped %v, want %v (%q)", path, got, want, said)
		}
	}
}

// TestStampScriptNowhere leaves a machine alone that is no build root.
func TestStampScriptNowhere(t *testing.T) {
	for _, link := range []string{"", "/nowhere"} {
		bin := t.TempDir()
		text := "#!/bin/sh\n" + `[ -n "` + link + `" ] && echo "` + link + "\"\n"
		if err := os.WriteFile(filepath.Join(bin, "readlink"), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "../../obs/50-stamp-kernel-btf")
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%q: %v, %s", link, err, out)
		}
	}
}
