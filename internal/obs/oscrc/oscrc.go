// SPDX-License-Identifier: Apache-2.0

// Package oscrc finds and reads the configuration of osc, the command line
// client of the Open Build Service: which API is talked to, as whom, and with
// which password or ssh key. [Load] reads it, [Config.Host] answers.
//
// File and environment mean what they mean to osc (osc/conf.py and
// osc/credentials.py). Nothing is written, and no keyring is asked.
package oscrc

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultURL is the API that osc talks to where its configuration names no other.
const DefaultURL = "https://api.opensuse.org"

// ErrNoAPI: there is no configuration of osc, and nobody named an API. Then none is asked.
var ErrNoAPI = errors.New("no API of OBS is named: give --apiurl URL, set OSC_APIURL, or configure osc (https://api.opensuse.org is that of build.opensuse.org)")

// maxFile bounds a configuration file.
const maxFile = 1 << 20

// Config is osc's configuration.
type Config struct {
	Path     string   // the file that was read, "" if there is none
	APIURL   string   // the API that is meant where none is named, "" without a configuration
	Warnings []string // for a person, without secrets

	getenv  func(string) string
	home    string
	general map[string]string
	hosts   map[string]host // by sanitized URL
}

// host is what the file says of an API.
type host struct {
	aliases []string // non-empty
	options map[string]string
}

// Host is an API and how to talk to it.
type Host struct {
	URL          string // without a slash at its end
	User         string
	Password     Secret // empty if there is none
	SSHKey       string // path of a key file, or fingerprint of a key in the agent ("SHA256:..."); "" if none is named
	AllowHTTP    bool   // plain http is wanted
	SSLCertCheck bool   // false: osc would not verify the server's certificate
	CAFile       string // "" for the system's
	CAPath       string // likewise
}

// Load reads the configuration that $OSC_CONFIG names, else
// $XDG_CONFIG_HOME/osc/oscrc, else ~/.oscrc. getenv is os.Getenv; a variable that
// is empty counts as not set. home is the user's home directory.
//
// No file is no error unless OSC_CONFIG names it: OSC_APIURL, OSC_USERNAME and
// OSC_PASSWORD say enough. The syntax is checked here; values are checked when
// [Config.Host] needs them.
func Load(getenv func(string) string, home string) (*Config, error) {
	c := &Config{getenv: getenv, home: home, hosts: map[string]host{}}
	if err := c.read(); err != nil {
		return nil, err
	}
	var err error
	api := cmp.Or(getenv("OSC_APIURL"), c.general["apiurl"])
	if api == "" && c.Path != "" {
		api = DefaultURL
	}
	if api == "" {
		return c, nil
	}
	c.APIURL, err = c.resolve(api)
	if err != nil {
		return nil, c.where(err)
	}
	return c, nil
}

// read finds the file and takes its sections apart.
func (c *Config) read() error {
	c.Path = c.expand(c.getenv("OSC_CONFIG"))
	named := c.Path != ""
	if !named {
		c.Path = filepath.Join(cmp.Or(c.getenv("XDG_CONFIG_HOME"), filepath.Join(c.home, ".config")), "osc", "oscrc")
		old := filepath.Join(c.home, ".oscrc")
		if _, err := os.Stat(c.Path); errors.Is(err, fs.ErrNotExist) {
			c.Path = old
		} else if _, err := os.Lstat(old); err == nil {
			c.warn("%s is not read, since there is %s", old, c.Path)
		}
	}
	f, err := os.Open(c.Path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		c.Path = ""
		return nil
	}
	if err != nil {
		return fmt.Errorf("osc's configuration: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return fmt.Errorf("%s: larger than %d bytes", c.Path, maxFile)
	}
	sections, err := parse(string(text))
	if err != nil {
		return c.where(err)
	}
	secrets := false
	for _, s := range sections {
		secrets = secrets || s.options["pass"] != "" || s.options["passx"] != ""
		if s.name == "general" {
			c.general = s.options
			continue
		}
		api, err := sanitize(s.name)
		if err != nil {
			name := s.name
			if strings.Contains(name, "@") {
				name = "..." // may hold a password
			}
			return c.where(fmt.Errorf("section [%s]: %w", printable(name), err))
		}
		c.hosts[api] = host{words(s.options["aliases"]), s.options}
	}
	// osc sets the mode to 0600 by itself and warns where it cannot.
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && secrets {
		c.warn("%s holds a password and has mode %04o: others may read it; chmod 600 it", c.Path, info.Mode().Perm())
	}
	return nil
}

// Host says how to talk to an API, named by its URL or one of its aliases; ""
// means APIURL, or [ErrNoAPI] where that is "". OSC_USERNAME, OSC_PASSWORD and OSC_CREDENTIALS_MGR_CLASS go
// before what the file says of it, whichever API is named, as with osc -A.
//
// The error is an [ErrNoPassword] if all but the password is known and there is
// no ssh key either: Host is then complete but for the password, which a trigger
// token does without. An API of which neither file nor environment say anything
// is no error: it has no user.
func (c *Config) Host(apiurlOrAlias string) (Host, error) {
	api := c.APIURL
	if apiurlOrAlias != "" {
		var err error
		if api, err = c.resolve(apiurlOrAlias); err != nil {
			return Host{}, err
		}
	}
	if api == "" {
		return Host{}, ErrNoAPI
	}
	known := c.hosts[api]
	// The environment goes by the name of the field, the file by the option's.
	get := func(field, option string) string {
		for _, alias := range known.aliases {
			name := "OSC_HOST_" + strings.ToUpper(strings.ReplaceAll(alias, "-", "_")) + "_" + field
			if v := c.getenv(name); v != "" {
				return v
			}
		}
		return known.options[option]
	}
	h := Host{URL: api, User: cmp.Or(c.getenv("OSC_USERNAME"), get("USERNAME", "user"))}
	h.SSHKey = c.key(cmp.Or(get("SSHKEY", "sshkey"), c.getenv("OSC_SSHKEY"), c.general["sshkey"]))
	h.CAFile, h.CAPath = c.expand(get("CAFILE", "cafile")), c.expand(get("CAPATH", "capath"))
	fail := func(err error) (Host, error) { return h, c.where(fmt.Errorf("[%s]: %w", api, err)) }
	var err error
	if h.AllowHTTP, err = truth("allow_http", get("ALLOW_HTTP", "allow_http"), false); err != nil {
		return fail(err)
	}
	if h.SSLCertCheck, err = truth("sslcertck", get("SSLCERTCK", "sslcertck"), true); err != nil {
		return fail(err)
	}
	if env := cmp.Or(c.getenv("OSC_PASSWORD"), get("PASSWORD", "")); env != "" {
		h.Password = NewSecret(env)
		return h, nil
	}
	class := cmp.Or(c.getenv("OSC_CREDENTIALS_MGR_CLASS"), get("CREDENTIALS_MGR_CLASS", "credentials_mgr_class"))
	h.Password, err = password(class, known.options)
	if err != nil && !(h.SSHKey != "" && errors.Is(err, ErrNoPassword)) {
		return fail(err)
	}
	return h, nil
}

// resolve gives the URL that is meant by a URL or an alias. osc takes the last of
// several with one alias.
func (c *Config) resolve(name string) (string, error) {
	var found []string
	for _, api := range slices.Sorted(maps.Keys(c.hosts)) {
		if slices.Contains(c.hosts[api].aliases, name) {
			found = append(found, api)
		}
	}
	switch len(found) {
	case 0:
		return sanitize(name)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("alias %s is that of %s: name one by its URL", name, strings.Join(found, " and "))
}

// sanitize makes a URL one of a kind: with https where it has no scheme, without
// a slash at its end, query and fragment.
func sanitize(api string) (string, error) {
	if !strings.HasPrefix(api, "http://") && !strings.HasPrefix(api, "https://") {
		api = "https://" + api
	}
	u, err := url.Parse(api)
	switch {
	case err != nil:
		return "", errors.New("not a URL") // the error would show it, with what it holds
	case u.User != nil:
		return "", errors.New("a user or password in a URL is not taken: use the options user and pass")
	case u.Host == "":
		return "", errors.New("URL without a host")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// truth reads a switch as osc does.
func truth(option, value string, byDefault bool) (bool, error) {
	switch strings.ToLower(value) {
	case "":
		return byDefault, nil
	case "1", "yes", "true", "on":
		return true, nil
	case "0", "no", "false", "off":
		return false, nil
	}
	return byDefault, fmt.Errorf("%s is %q, neither 1 nor 0", option, value)
}

// words takes a list apart.
func words(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' })
}

// key gives the path of an ssh key: a bare name is one in ~/.ssh. A fingerprint
// stays.
func (c *Config) key(name string) string {
	kind, _, ok := strings.Cut(name, ":")
	if ok && kind != "" && strings.Trim(kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return name
	}
	if name == "" || strings.Contains(name, "/") {
		return c.expand(name)
	}
	return filepath.Join(c.home, ".ssh", name)
}

// expand replaces ~/ by the home directory.
func (c *Config) expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(c.home, rest)
	}
	return path
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// where puts the file before an error.
func (c *Config) where(err error) error {
	if c.Path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", c.Path, err)
}
