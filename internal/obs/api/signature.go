// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// signTimeout is what a person has to type a passphrase or to touch a key.
const signTimeout = 2 * time.Minute

// sign makes the header of OBS' signature authentication, which osc's
// SignatureAuthHandler makes as well: an ssh signature over the time, in the
// namespace that is the challenge's realm.
//
// ssh-keygen makes the signature. It knows every kind of key, agents, and how to
// ask for a passphrase.
func (c *Client) sign(ctx context.Context, realm string) (string, error) {
	if realm == "" {
		return "", errors.New("the API asks for a signature without a realm to make it for")
	}
	dir, err := os.MkdirTemp("", "obs-btf-guard-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	key, err := c.key(ctx, dir)
	if err != nil {
		return "", err
	}
	created := c.o.Now().Unix()
	data := filepath.Join(dir, "data")
	if err := os.WriteFile(data, fmt.Appendf(nil, "(created): %d", created), 0o600); err != nil {
		return "", err
	}
	if _, err := run(ctx, "ssh-keygen", "-Y", "sign", "-f", key, "-n", realm, "-q", data); err != nil {
		return "", err
	}
	armored, err := os.ReadFile(data + ".sig")
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(armored)
	if block == nil || block.Type != "SSH SIGNATURE" {
		return "", errors.New("ssh-keygen made no signature")
	}
	return fmt.Sprintf(`Signature keyId="%s",algorithm="ssh",headers="(created)",created=%d,signature="%s"`,
		c.o.User, created, base64.StdEncoding.EncodeToString(block.Bytes)), nil
}

// key gives the file of the key to sign with. ssh-keygen takes a public key for
// its private one in the agent, so that a key of the agent is put into dir.
func (c *Client) key(ctx context.Context, dir string) (string, error) {
	fingerprint := c.o.SSHKey
	if fingerprint != "" && !strings.HasPrefix(fingerprint, "SHA256:") {
		return c.o.SSHKey, nil
	}
	list, err := run(ctx, "ssh-add", "-L") // fails without an agent and with an empty one
	if err != nil && fingerprint != "" {
		return "", fmt.Errorf("key %s: %w", fingerprint, err)
	}
	var chosen string // the one with the fingerprint, or with osc's hint in its comment, or the first
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(fields[1])
		if err != nil {
			continue
		}
		sum := sha256.Sum256(blob)
		switch {
		case fingerprint == "SHA256:"+base64.RawStdEncoding.EncodeToString(sum[:]),
			fingerprint == "" && slices.Contains(fields[2:], "obs="+c.base.Hostname()):
			return writeKey(dir, line)
		case fingerprint == "" && chosen == "":
			chosen = line
		}
	}
	switch {
	case fingerprint != "":
		return "", fmt.Errorf("the ssh agent has no key %s", fingerprint)
	case chosen != "":
		return writeKey(dir, chosen)
	}
	if home, err := os.UserHomeDir(); err == nil {
		for _, name := range []string{"id_ed25519", "id_ed25519_sk", "id_rsa", "id_ecdsa", "id_ecdsa_sk"} {
			if file := filepath.Join(home, ".ssh", name); isFile(file) {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("neither a password nor an ssh key is known for user %s", c.o.User)
}

func writeKey(dir, key string) (string, error) {
	file := filepath.Join(dir, "key.pub")
	return file, os.WriteFile(file, []byte(key), 0o600)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// run runs one of ssh's tools and gives what it prints.
func run(ctx context.Context, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("signing needs %s of OpenSSH, which is not installed", name)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("%s: %w: %s", name, err, words(fault.String()))
	}
	return out.String(), nil
}
