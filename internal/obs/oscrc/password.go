// SPDX-License-Identifier: Apache-2.0

package oscrc

import (
	"compress/bzip2"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The classes of osc/credentials.py that keep the password in the file, or
// nowhere.
const (
	plainClass      = "osc.credentials.PlaintextConfigFileCredentialsManager"
	obfuscatedClass = "osc.credentials.ObfuscatedConfigFileCredentialsManager"
	transientClass  = "osc.credentials.TransientCredentialsManager"
)

// maxPassword is far more than any server takes; an obfuscated password is
// compressed and could be of any size.
const maxPassword = 64 << 10

// ErrNoPassword says that osc knows a password, but only osc can get at it: it
// is in a keyring, or is asked for each time.
var ErrNoPassword = errors.New("osc keeps no password in its configuration")

// password reads what credentials_mgr_class says is in the options of a host.
// Without a class, osc takes passx for obfuscated and pass as it stands.
func password(class string, options map[string]string) (Secret, error) {
	plain, obfuscated := options["pass"], options["passx"]
	manager, backend, _ := strings.Cut(class, ":")
	switch {
	case manager == plainClass, manager == "" && obfuscated == "":
		return NewSecret(plain), nil
	case manager == obfuscatedClass, manager == "":
		if obfuscated == "" {
			obfuscated = plain
		}
		return deobfuscate(obfuscated)
	case manager == transientClass:
		return Secret{}, fmt.Errorf("%w (it asks for one each time): set OSC_PASSWORD or sshkey, or use a trigger token", ErrNoPassword)
	}
	where := manager
	if backend != "" {
		where = backend
	}
	return Secret{}, fmt.Errorf("%w (it is with %s, which only osc can ask): set OSC_PASSWORD or sshkey, or use a trigger token", ErrNoPassword, printable(where))
}

// deobfuscate undoes osc's obfuscation: base64 of bzip2.
func deobfuscate(s string) (Secret, error) {
	if s == "" {
		return Secret{}, nil
	}
	s = strings.Join(strings.Fields(s), "")
	text, err := io.ReadAll(io.LimitReader(bzip2.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(s))), maxPassword+1))
	switch {
	case err != nil:
		return Secret{}, fmt.Errorf("password is not obfuscated as osc does it (base64 of bzip2): %w", err)
	case len(text) > maxPassword:
		return Secret{}, fmt.Errorf("password is longer than %d bytes", maxPassword)
	}
	return NewSecret(string(text)), nil
}
