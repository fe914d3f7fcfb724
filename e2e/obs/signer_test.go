// SPDX-License-Identifier: Apache-2.0

//go:build e2eobs

package obs

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// signer is a project's key, with which OBS signs what a first stage leaves.
type signer struct{ key, cert string }

func newSigner(t *testing.T) signer {
	t.Helper()
	needs(t)
	dir := t.TempDir()
	s := signer{filepath.Join(dir, "key.pem"), filepath.Join(dir, "_projectcert.crt")}
	must(t, "sh", "-ec", `exec openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=home:e2e OBS Project" -keyout "$1" -out "$2" 2>&1`, "sh", s.key, s.cert)
	return s
}

// signed makes the sources of the second stage from the results of the first, as OBS
// does: with a signature for each file in the archive NAME.cpio.rsasign. These are RSA's
// own bytes (raw), as OBS makes them for pesign-obs-integration, or PKCS#7 as it stands
// in a module.
func (s signer) signed(t *testing.T, first root, raw bool) sources {
	t.Helper()
	src := sources{dir: t.TempDir()}
	for _, results := range []string{"RPMS/*/*.rpm", "SRPMS/*.rpm", "OTHER/*"} {
		files, _ := filepath.Glob(first.path("home/abuild/rpmbuild", results))
		src.copy(t, files...)
	}
	src.copy(t, s.cert)
	src.spec = filepath.Join(src.dir, "pesign-repackage.spec")
	sign := `openssl cms -sign -binary -noattr -nocerts -md sha256 -outform DER -inkey "$key" -signer "$cert" -in "$f" -out "$f.sig"`
	if raw {
		sign = `openssl dgst -sha256 -sign "$key" -out "$f.sig" "$f"`
	}
	request := filepath.Join(src.dir, "kernel-default.cpio.rsasign")
	must(t, "sh", "-ec", `key=$1 cert=$2; cd "$3"; cpio -idm --quiet < "$4"
		find . -type f | while read -r f; do `+sign+`; rm "$f"; done
		find . -name '*.sig' | cpio -o -H newc --quiet > "$4.sig"`, "sh", s.key, s.cert, t.TempDir(), request)
	return src
}

// verify checks the signature of a module's bytes with the project's certificate.
func (s signer) verify(t *testing.T, module, signature []byte) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{"module": module, "signature": signature} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "sh", "-ec", `cd "$1"; exec openssl cms -verify -binary -inform DER -in signature -content module -certfile "$2" -CAfile "$2" -purpose any -out /dev/null 2>&1`, "sh", dir, s.cert)
}

// cutSignature parts a module from what was appended to it: PKCS#7, the 12 bytes of
// struct module_signature, whose last four are the length, and a marker
// (include/linux/module_signature.h).
func cutSignature(data []byte) (module, signature []byte) {
	const marker, info = "~Module signature appended~\n", 12
	rest, ok := bytes.CutSuffix(data, []byte(marker))
	if !ok || len(rest) < info {
		return data, nil
	}
	end := len(rest) - info
	start := max(0, end-int(binary.BigEndian.Uint32(rest[len(rest)-4:])))
	return rest[:start], rest[start:end]
}

// addPesign puts the scripts of a folder where pesign-obs-integration has its own, ours
// in their shape or theirs.
func (r root) addPesign(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		to := r.path("usr/lib/rpm/pesign", f.Name())
		if strings.HasPrefix(f.Name(), "brp-") {
			to = r.path("usr/lib/rpm/brp-suse.d", f.Name())
		}
		if f.Type().IsRegular() {
			copyFile(t, filepath.Join(dir, f.Name()), to)
			if err := os.Chmod(to, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// pesign gives the scripts of openSUSE's pesign-obs-integration, from the git repository
// that PESIGN_OBS_INTEGRATION_GIT names.
func pesign(t *testing.T) string {
	t.Helper()
	repository := os.Getenv("PESIGN_OBS_INTEGRATION_GIT")
	if repository == "" {
		t.Skip("PESIGN_OBS_INTEGRATION_GIT names no clone of openSUSE's pesign-obs-integration")
	}
	dir := t.TempDir()
	must(t, "sh", "-ec", `git --git-dir="$1" archive HEAD brp-99-pesign pesign-repackage.spec.in pesign-gen-repackage-spec kernel-sign-file | tar -x -C "$2"`, "sh", repository, dir)
	return dir
}
