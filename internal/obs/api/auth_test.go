// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBasic: the password is sent when it is asked for, then without being asked.
func TestBasic(t *testing.T) {
	s := plain(t, asksBasic(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			ok(w)
			return
		}
		w.Write([]byte(reason))
	}))
	c, _ := client(t, s, basic)
	for range 2 {
		if err := c.Rebuild(context.Background(), kernel); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Reason(context.Background(), kernel); err != nil {
			t.Fatal(err)
		}
	}
	var sent []bool
	for _, head := range s.heads {
		sent = append(sent, head.Get("Authorization") != "")
	}
	if diff := cmp.Diff([]bool{false, true, true, true, true}, sent); diff != "" {
		t.Error(diff)
	}
	for _, verb := range []string{"%v", "%+v"} {
		if shown := fmt.Sprintf(verb, c); strings.Contains(shown, "dTpoaWRkZW4=") {
			t.Errorf("the client shows the password: %s", shown)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		asks   []string
		change func(*Options)
		want   string
		times  int
	}{
		{"wrong password", []string{`Basic realm="x"`}, func(o *Options) { o.User, o.Password = "u", word("wrong") }, "401 denied: Authentication required (OBS says)", 2},
		{"nobody", []string{`Basic realm="x"`}, nil, "no user is configured for this API", 1},
		{"no password", []string{`Basic realm="x"`}, func(o *Options) { o.User = "u" }, "no password is known for user u, and the API takes no ssh key", 1},
		{"another scheme", []string{"Negotiate", `Bearer realm="x"`}, basic, `the API asks for "bearer, negotiate", of which only Basic and Signature are known here`, 1},
		{"no scheme", nil, basic, `the API does not say how to log in; check its address`, 1},
		{"signature without realm", []string{"Signature"}, func(o *Options) { o.User, o.SSHKey = "u", "/none" }, "a signature without a realm", 1},
		{"no key", []string{`Signature realm="x"`}, func(o *Options) { o.User, o.SSHKey = "u", "/none" }, "ssh-keygen: exit status", 1},
		{"no ssh-keygen", []string{`Signature realm="x"`}, func(o *Options) { o.User, o.SSHKey = "u", "/none" }, "signing needs ssh-keygen of OpenSSH, which is not installed", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			switch tc.name {
			case "no ssh-keygen":
				t.Setenv("PATH", t.TempDir())
			case "no key":
				needs(t, "ssh-keygen")
			}
			s := plain(t, func(w http.ResponseWriter, r *http.Request) {
				for _, a := range tc.asks {
					w.Header().Add("WWW-Authenticate", a)
				}
				answer(w, 401, "denied", "Authentication required")
			})
			c, _ := client(t, s, tc.change)
			_, err := c.Reason(context.Background(), kernel)
			wantError(t, err, "_reason: 401 denied", tc.want)
			if s.times() != tc.times {
				t.Errorf("asked %d times, want %d", s.times(), tc.times)
			}
		})
	}
}

func TestChallenges(t *testing.T) {
	type params = map[string]string
	for _, tc := range []struct {
		name    string
		headers []string
		want    map[string]params
	}{
		{"none", nil, map[string]params{}},
		{"as OBS sends them", []string{`Signature realm="Use your developer account",headers="(created)"`, `Basic realm=x`},
			map[string]params{"signature": {"realm": "Use your developer account", "headers": "(created)"}, "basic": {"realm": "x"}}},
		{"in one line", []string{`Basic realm="a, b=c", charset = "UTF-8", Negotiate, SIGNATURE Realm="q\"u"`},
			map[string]params{"basic": {"realm": "a, b=c", "charset": "UTF-8"}, "negotiate": {}, "signature": {"realm": `q"u`}}},
		{"unfinished", []string{`Basic realm="a`, `,,=" Signature realm=`, `x="`},
			map[string]params{"basic": {"realm": "a"}, "signature": {"realm": ""}, "x": {}}},
		{"token68", []string{"Negotiate YII="}, map[string]params{"negotiate": {"yii": ""}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, challenges(tc.headers)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Signature realm="Use your developer account",headers="(created)", Basic realm=x`)
	f.Fuzz(func(t *testing.T, s string) { challenges([]string{s}) })
}

func needs(t *testing.T, tool string) {
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s of OpenSSH is not installed", tool)
	}
}

func runs(t *testing.T, stdin string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return string(out)
}

// TestSignature signs with real keys, and lets ssh-keygen verify what the server
// got.
func TestSignature(t *testing.T) {
	needs(t, "ssh-keygen")
	const realm = "Use your developer account"
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	runs(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("ed25519"))
	runs(t, "", "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", file("rsa"))
	public := func(name string) string {
		text, err := os.ReadFile(file(name + ".pub"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	fingerprint := strings.Fields(runs(t, "", "ssh-keygen", "-l", "-f", file("rsa.pub")))[1]
	agent := func(t *testing.T) {
		needs(t, "ssh-agent")
		needs(t, "ssh-add")
		// The socket is elsewhere: its path must be short.
		sock, err := os.MkdirTemp("", "agent")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(sock) })
		a := exec.Command("ssh-agent", "-D", "-a", filepath.Join(sock, "s"))
		out, err := a.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Process.Kill(); a.Wait() })
		out.Read(make([]byte, 1)) // it listens by the time it prints
		t.Setenv("SSH_AUTH_SOCK", filepath.Join(sock, "s"))
		runs(t, "", "ssh-add", "-q", file("ed25519"))
		runs(t, "", "ssh-add", "-q", file("rsa"))
	}
	hint := func(t *testing.T) {
		runs(t, "", "ssh-keygen", "-q", "-c", "-C", "me obs=127.0.0.1", "-f", file("rsa"))
		agent(t)
	}
	home := func(t *testing.T) {
		folder := t.TempDir()
		t.Setenv("HOME", folder)
		if err := os.Mkdir(filepath.Join(folder, ".ssh"), 0o700); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file("rsa"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, ".ssh", "id_rsa"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		before func(*testing.T)
		key    string
		by     string // the key that must have signed
	}{
		{"private key", nil, file("ed25519"), "ed25519"},
		{"public key beside it", nil, file("rsa.pub"), "rsa"},
		{"fingerprint", agent, fingerprint, "rsa"},
		{"first of the agent", agent, "", "ed25519"},
		{"hint in the comment", hint, "", "rsa"},
		{"home", home, "", "rsa"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("SSH_AUTH_SOCK", "")
			if tc.before != nil {
				tc.before(t)
			}
			form := regexp.MustCompile(`^Signature keyId="u",algorithm="ssh",headers="\(created\)",created=(\d+),signature="([A-Za-z0-9+/=]+)"$`)
			s := plain(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := r.Cookie("session"); err == nil {
					w.Write([]byte(reason))
					return
				}
				m := form.FindStringSubmatch(r.Header.Get("Authorization"))
				if m == nil {
					w.Header().Add("WWW-Authenticate", `Signature realm="`+realm+`",headers="(created)"`)
					w.Header().Add("WWW-Authenticate", `Basic realm="`+realm+`"`)
					answer(w, 401, "authentication_required", "Authentication required")
					return
				}
				blob, err := base64.StdEncoding.DecodeString(m[2])
				if err != nil {
					t.Error(err)
				}
				var armored bytes.Buffer
				pem.Encode(&armored, &pem.Block{Type: "SSH SIGNATURE", Bytes: blob})
				os.WriteFile(file("sig"), armored.Bytes(), 0o600)
				os.WriteFile(file("allowed"), []byte("u "+public(tc.by)), 0o600)
				runs(t, "(created): "+m[1], "ssh-keygen", "-Y", "verify", "-f", file("allowed"), "-I", "u", "-n", realm, "-s", file("sig"))
				if m[1] != fmt.Sprint(noon.Unix()) {
					t.Errorf("created %s", m[1])
				}
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "x", Path: "/"})
				w.Write([]byte(reason))
			})
			c, _ := client(t, s, func(o *Options) { o.User, o.SSHKey = "u", tc.key })
			for range 2 {
				if _, err := c.Reason(context.Background(), kernel); err != nil {
					t.Fatal(err)
				}
			}
			if s.times() != 3 { // refused, signed, with the session
				t.Errorf("asked %d times", s.times())
			}
		})
	}
	t.Run("unknown fingerprint", func(t *testing.T) {
		agent(t)
		s := plain(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("WWW-Authenticate", `Signature realm="x"`)
			answer(w, 401, "denied", "")
		})
		c, _ := client(t, s, func(o *Options) { o.User, o.SSHKey = "u", "SHA256:none" })
		_, err := c.Reason(context.Background(), kernel)
		wantError(t, err, "the ssh agent has no key SHA256:none")
	})
}
