// SPDX-License-Identifier: Apache-2.0

//go:build e2eqemu

package qemu

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// signer signs modules as a distribution does, by the kernel's own sign-file, with a key
// that the machine's firmware knows.
type signer struct {
	program, key, cert string
	code, vars         string // the firmware, and its variables
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/linux-kbuild-*/scripts/sign-file")
	if len(found) == 0 {
		t.Skip("no sign-file: it is in Debian's linux-kbuild")
	}
	dir := t.TempDir()
	s := &signer{program: found[len(found)-1], key: filepath.Join(dir, "key.pem"), cert: filepath.Join(dir, "cert.pem")}
	s.code = "/usr/share/OVMF/OVMF_CODE_4M.fd"
	blank, err := os.ReadFile("/usr/share/OVMF/OVMF_VARS_4M.fd")
	if err != nil {
		t.Skipf("no firmware that can hold a key: %v", err)
	}
	tool(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=e2e", "-keyout", s.key, "-out", s.cert)
	text, err := os.ReadFile(s.cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	s.vars = filepath.Join(dir, "vars")
	if err := os.WriteFile(s.vars, withKey(t, blank, block.Bytes), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// boot has the kernel start from firmware that knows the key, and take no module without
// a signature by it.
func (s *signer) boot() start {
	return start{append: "module.sig_enforce=1", qemu: []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + s.code, "-drive", "if=pflash,unit=1,format=raw,file=" + s.vars,
	}}
}

// sign signs a module in place.
func (s *signer) sign(t *testing.T, path string) {
	t.Helper()
	tool(t, s.program, "sha256", s.key, s.cert, path)
}

// compress has xz pack files as kbuild does.
func compress(t *testing.T, paths ...string) {
	t.Helper()
	cmd := exec.Command("xargs", "-0", "-n", "20", "-P", "2", "xz", "--check=crc32", "--lzma2=dict=1MiB")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\x00"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// withKey adds a certificate to the keys that firmware accepts: the variable "db", in
// the format of EDK II (MdeModulePkg/Include/Guid/VariableFormat.h, authenticated
// variables), with one list of X.509 (UEFI 32.4.1).
func withKey(t *testing.T, vars, cert []byte) []byte {
	t.Helper()
	guid := func(a uint32, b, c uint16, d string) []byte {
		out := binary.LittleEndian.AppendUint32(nil, a)
		return append(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(out, b), c), d...)
	}
	store := bytes.Index(vars, guid(0xaaf32c78, 0x947b, 0x439a, "\xa1\x80\x2e\x14\x4e\xc3\x77\x92"))
	if store < 0 {
		t.Skip("the firmware's variables are of another format")
	}
	u32 := func(values ...uint32) (out []byte) {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint32(out, v)
		}
		return out
	}
	var name []byte
	for _, c := range utf16.Encode([]rune("db\x00")) {
		name = binary.LittleEndian.AppendUint16(name, c)
	}
	owner := make([]byte, 16)
	data := bytes.Join([][]byte{
		guid(0xa5c059a1, 0x94e4, 0x4aa7, "\x87\xb5\xab\x15\x5c\x2b\xf0\x72"), // EFI_CERT_X509_GUID
		u32(uint32(28+16+len(cert)), 0, uint32(16+len(cert))), owner, cert,
	}, nil)
	const startID, added, attributes = 0x55aa, 0x3f, 0x27 // kept, at boot and run time, authenticated by time
	variable := bytes.Join([][]byte{
		{startID & 0xff, startID >> 8, added, 0}, u32(attributes), make([]byte, 8+16+4),
		u32(uint32(len(name)), uint32(len(data))), guid(0xd719b2cb, 0x3d3a, 0x4596, "\xa3\xbc\xda\xd0\x0e\x67\x65\x6f"), name, data,
	}, nil)
	const storeHeader = 28
	out := bytes.Clone(vars)
	copy(out[store+storeHeader:], variable)
	return out
}

// tool runs a program that has to succeed.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}
