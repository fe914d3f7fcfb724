// SPDX-License-Identifier: Apache-2.0

package oscrc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hello is "hello" as osc obfuscates it: base64 of bzip2.
const hello = "QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA="

// revealed is a Host whose password can be compared.
type revealed struct {
	Host
	Word string
}

// lay writes files into a home directory.
func lay(t *testing.T, files map[string]string) (home string) {
	t.Helper()
	home = t.TempDir()
	for name, text := range files {
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// variables is an environment: NAME=value, ~ is the home directory.
func variables(home string, settings ...string) func(string) string {
	env := map[string]string{}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		env[name] = strings.ReplaceAll(value, "~", home)
	}
	return func(name string) string { return env[name] }
}

const api = "https://api.example.org"

// TestHost holds what was compared with osc 1.x itself: 80 files and environments
// given to both.
func TestHost(t *testing.T) {
	const head = "[general]\napiurl = " + api + "\n[" + api + "]\n"
	plain := Host{URL: api, User: "u", SSLCertCheck: true}
	with := func(f func(*Host)) Host { h := plain; f(&h); return h }
	other := Host{URL: "https://b.example.org/x", User: "v", SSLCertCheck: true}
	const two = head + "user=u\npass=p\naliases=a-1, a2\n[https://b.example.org/x/]\nuser=v\npass=q\naliases=b\n"
	for _, tc := range []struct {
		name string
		text string
		env  string
		api  string
		want Host
		word string
	}{
		{"plain", head + "user=u\npass=p\n", "", "", plain, "p"},
		{"no password", head + "user=u\n", "", "", plain, ""},
		{"blanks, colon, capitals", head + "USER : u\nPass =  p q \n", "", "", plain, "p q"},
		{"delimiters in the value", head + "user=u\npass=p=q:r\n", "", "", plain, "p=q:r"},
		{"quotes stay", head + "user=u\npass=\"p\"\n", "", "", plain, `"p"`},
		{"no interpolation", head + "user=u\npass=%(x)s%%\n", "", "", plain, "%(x)s%%"},
		{"comments", "# c\n" + head + "; c\nuser=u ; note\n\nREM pass=x\npass=p #q;r\n", "", "", plain, "p #q;r"},
		{"remark is no rem", head + "remark=1\nuser=u\npass=p\n", "", "", plain, "p"},
		{"continued", head + "user=u\npass=p\n\n# c\n  # more\n", "", "", plain, "p\n# more"},
		{"line ends of Windows", strings.ReplaceAll(head+"user=u\npass=p\n", "\n", "\r\n"), "", "", plain, "p"},
		{"obfuscated", head + "user=u\npass=x\npassx=" + hello + "\n", "", "", plain, "hello"},
		{"obfuscated by class", head + "user=u\npass=" + hello + "\ncredentials_mgr_class=" + obfuscatedClass + "\n", "", "", plain, "hello"},
		{"plain by class", head + "user=u\npass=p\npassx=" + hello + "\ncredentials_mgr_class=" + plainClass + "\n", "", "", plain, "p"},
		{"section without scheme", "[api.example.org/]\nuser=u\npass=p\n[general]\napiurl=api.example.org\n", "", "", plain, "p"},
		{"switches", head + "user=u\npass=p\nallow_http=yes\nsslcertck=OFF\n", "", "", with(func(h *Host) { h.AllowHTTP, h.SSLCertCheck = true, false }), "p"},
		{"certificates", head + "user=u\npass=p\ncafile=/ca\ncapath=/cas\n", "", "", with(func(h *Host) { h.CAFile, h.CAPath = "/ca", "/cas" }), "p"},
		{"key by path", head + "user=u\nsshkey=/k\n", "", "", with(func(h *Host) { h.SSHKey = "/k" }), ""},
		{"key by fingerprint", head + "user=u\nsshkey=SHA256:ab/cd\n", "", "", with(func(h *Host) { h.SSHKey = "SHA256:ab/cd" }), ""},
		{"key of all", strings.Replace(head, "apiurl", "sshkey=/g\napiurl", 1) + "user=u\n", "", "", with(func(h *Host) { h.SSHKey = "/g" }), ""},
		{"key before keyring", head + "user=u\nsshkey=/k\ncredentials_mgr_class=x.Keyring\n", "", "", with(func(h *Host) { h.SSHKey = "/k" }), ""},
		{"by alias", two, "", "b", other, "q"},
		{"by URL", two, "", "https://b.example.org/x/", other, "q"},
		{"by URL without scheme", two, "", "b.example.org/x", other, "q"},
		{"OSC_APIURL", two, "OSC_APIURL=b", "", other, "q"},
		{"OSC_USERNAME, OSC_PASSWORD", two, "OSC_USERNAME=e OSC_PASSWORD=f", "", with(func(h *Host) { h.User = "e" }), "f"},
		{"OSC_CREDENTIALS_MGR_CLASS", head + "user=u\npass=p\ncredentials_mgr_class=x.Keyring\n", "OSC_CREDENTIALS_MGR_CLASS=" + plainClass, "", plain, "p"},
		{"OSC_SSHKEY", two, "OSC_SSHKEY=/k", "", with(func(h *Host) { h.SSHKey = "/k" }), "p"},
		{"OSC_HOST by alias", two, "OSC_HOST_A_1_USERNAME=e OSC_HOST_A2_PASSWORD=f OSC_HOST_A2_ALLOW_HTTP=1", "", with(func(h *Host) { h.User, h.AllowHTTP = "e", true }), "f"},
		{"OSC_HOST of another", two, "OSC_HOST_B_PASSWORD=f", "", plain, "p"},
		{"unknown API", two, "", "https://c.example.org", Host{URL: "https://c.example.org", SSLCertCheck: true}, ""},
		{"no file", "", "OSC_APIURL=" + api + " OSC_USERNAME=u OSC_PASSWORD=p", "", plain, "p"},
		{"a configuration that names none", "[general]\n", "", "", Host{URL: DefaultURL, SSLCertCheck: true}, ""},
		{"no configuration, and a URL", "", "", "https://c.example.org", Host{URL: "https://c.example.org", SSLCertCheck: true}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := map[string]string{}
			if tc.text != "" {
				files[".config/osc/oscrc"] = tc.text
			}
			home := lay(t, files)
			c, err := Load(variables(home, strings.Fields(tc.env)...), home)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Host(tc.api)
			if err != nil {
				t.Fatal(err)
			}
			word := got.Password.Reveal()
			got.Password = Secret{}
			if diff := cmp.Diff(revealed{tc.want, tc.word}, revealed{got, word}, cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
			if len(c.Warnings) > 0 {
				t.Errorf("warnings: %q", c.Warnings)
			}
		})
	}
}

// TestRefused gives what cannot be taken; no error may show a password.
func TestRefused(t *testing.T) {
	const head = "[" + api + "]\nuser=u\n"
	for _, tc := range []struct{ name, text, api, want string }{
		{"keyring", head + "credentials_mgr_class=osc.credentials.KeyringCredentialsManager:keyring.backends.SecretService.Keyring\n", api,
			"osc keeps no password in its configuration (it is with keyring.backends.SecretService.Keyring, which only osc can ask): set OSC_PASSWORD or sshkey, or use a trigger token"},
		{"asked for", head + "credentials_mgr_class=" + transientClass + "\n", api, "asks for one each time): set OSC_PASSWORD"},
		{"not obfuscated", head + "passx=hidden!\n", api, "not obfuscated as osc does it"},
		{"not compressed", head + "passx=aGlkZGVu\n", api, "not obfuscated as osc does it"},
		{"no truth", head + "allow_http=maybe\n", api, `allow_http is "maybe", neither 1 nor 0`},
		{"alias of two", head + "aliases=s\n[https://b.example.org]\naliases=s\n", "s", "alias s is that of https://api.example.org and https://b.example.org"},
		{"password in the section", "[https://u:hidden@b.example.org]\n", "", "section [...]: a user or password in a URL is not taken"},
		{"password in the argument", head, "https://u:hidden@b.example.org", "a user or password in a URL is not taken"},
		{"no host", "[https://]\n", "", "section [https://]: URL without a host"},
		{"outside", "pass=hidden\n", "", "line 1: not in a section"},
		{"no option", head + "hidden\n", "", "line 3: neither [section] nor name=value"},
		{"unfinished section", head + "[hidden\n", "", "line 3: neither [section]"},
		{"indented", "[" + api + "]\n  pass=hidden\n", "", "line 2: indented, but there is no option"},
		{"option twice", head + "pass=hidden\nPass=hidden\n", "", "line 4: option pass stands twice"},
		{"section twice", head + head, "", "line 3: section [https://api.example.org] stands twice"},
		{"large", head + strings.Repeat("#", maxFile), "", "larger than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			home := lay(t, map[string]string{".oscrc": tc.text})
			c, err := Load(variables(home), home)
			if err == nil {
				_, err = c.Host(tc.api)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// TestNoPassword: all but the password is there for who has a trigger token.
func TestNoPassword(t *testing.T) {
	home := lay(t, map[string]string{".oscrc": "[" + api + "]\nuser=u\ncafile=~/ca\ncredentials_mgr_class=x.Keyring\n"})
	c, err := Load(variables(home), home)
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Host(api)
	if !errors.Is(err, ErrNoPassword) || h.User != "u" || h.CAFile != filepath.Join(home, "ca") {
		t.Errorf("host %v, error %v", h, err)
	}
}

func TestPlaces(t *testing.T) {
	here := func(name string) string { return "[general]\napiurl=https://" + name + "\n" }
	for _, tc := range []struct {
		name  string
		files []string
		env   string
		want  string // host of the API: the file's name
		warns bool
	}{
		{"XDG default", []string{".config/osc/oscrc"}, "", ".config/osc/oscrc", false},
		{"home", []string{".oscrc"}, "", ".oscrc", false},
		{"both", []string{".oscrc", ".config/osc/oscrc"}, "", ".config/osc/oscrc", true},
		{"XDG_CONFIG_HOME", []string{"xdg/osc/oscrc", ".config/osc/oscrc"}, "XDG_CONFIG_HOME=~/xdg", "xdg/osc/oscrc", false},
		{"OSC_CONFIG", []string{"mine", ".oscrc", ".config/osc/oscrc"}, "OSC_CONFIG=~/mine", "mine", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := map[string]string{}
			for _, f := range tc.files {
				files[f] = here(strings.ReplaceAll(f, "/", "-"))
			}
			home := lay(t, files)
			c, err := Load(variables(home, strings.Fields(tc.env)...), home)
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(home, tc.want); c.Path != want || c.APIURL != "https://"+strings.ReplaceAll(tc.want, "/", "-") {
				t.Errorf("read %s, API %s, want %s", c.Path, c.APIURL, want)
			}
			if (len(c.Warnings) > 0) != tc.warns {
				t.Errorf("warnings: %q", c.Warnings)
			}
		})
	}
	home := t.TempDir()
	c, err := Load(variables(home, "OSC_USERNAME=u OSC_PASSWORD=p"), home)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := c.Host(""); !errors.Is(err, ErrNoAPI) || h != (Host{}) {
		t.Errorf("nothing at all: %+v, %v", h, err)
	}
	if _, err := Load(variables(home, "OSC_CONFIG=~/none"), home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OSC_CONFIG that is not there: %v", err)
	}
	if c, err := Load(variables(home, "OSC_CONFIG=/dev/null"), home); err != nil || c.APIURL != DefaultURL {
		t.Errorf("/dev/null: %v", err)
	}
}

func TestMode(t *testing.T) {
	for _, tc := range []struct {
		name  string
		text  string
		mode  os.FileMode
		warns bool
	}{
		{"own", "[a.b]\npass=x\n", 0o600, false},
		{"read by others", "[a.b]\npass=x\n", 0o644, true},
		{"obfuscated", "[a.b]\npassx=x\n", 0o640, true},
		{"without password", "[a.b]\nuser=x\npass=\n", 0o644, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			home := lay(t, map[string]string{".oscrc": tc.text})
			if err := os.Chmod(filepath.Join(home, ".oscrc"), tc.mode); err != nil {
				t.Fatal(err)
			}
			c, err := Load(variables(home), home)
			if err != nil {
				t.Fatal(err)
			}
			if (len(c.Warnings) > 0) != tc.warns {
				t.Errorf("warnings: %q", c.Warnings)
			}
		})
	}
}

// FuzzParse: nothing makes the reader panic, and no error quotes a value.
func FuzzParse(f *testing.F) {
	f.Add("[general]\napiurl = x\n  y\n[https://a]\npass: z ; c\n")
	f.Add("rem\n[]\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := parse(text)
		if err != nil && sections != nil {
			t.Error("sections and an error")
		}
	})
}
