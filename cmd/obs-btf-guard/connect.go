// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/oscrc"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/internal/rebuild"
	"github.com/urfave/cli/v2"
)

func apiurlFlag() cli.Flag {
	return &cli.StringFlag{Name: "apiurl", Aliases: []string{"A"}, Usage: "`URL` or alias of the API of OBS, instead of the one in osc's configuration"}
}

// connect finds the API of OBS and who we are there, by osc's configuration, the
// environment and --token-file; name is its URL or alias, "" for osc's own choice.
// Nothing is sent.
func connect(c *cli.Context, name string) (server *rebuild.OBS, url string, err error) {
	home, _ := os.UserHomeDir()
	config, err := oscrc.Load(os.Getenv, home)
	if err != nil {
		return nil, "", err
	}
	host, err := config.Host(name)
	token := oscrc.NewSecret(strings.TrimSpace(os.Getenv("OBS_BTF_GUARD_TOKEN")))
	if file := c.String("token-file"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, "", err
		}
		if token = oscrc.NewSecret(strings.TrimSpace(string(text))); token.Empty() {
			return nil, "", fmt.Errorf("%s: no token in it", file)
		}
	}
	if err != nil && (token.Empty() || !errors.Is(err, oscrc.ErrNoPassword)) {
		return nil, "", err
	}
	for _, w := range config.Warnings {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s\n", prose.Printable(w))
	}
	if !host.SSLCertCheck {
		fmt.Fprintf(c.App.ErrWriter, "obs-btf-guard: %s: sslcertck = 0 is not followed, certificates are verified\n", prose.Printable(host.URL))
	}
	options := api.Options{
		URL: host.URL, User: host.User, Password: host.Password, SSHKey: host.SSHKey,
		AllowHTTP: host.AllowHTTP, CAFile: host.CAFile, CAPath: host.CAPath,
		UserAgent: "obs-btf-guard/" + c.App.Version,
	}
	if !token.Empty() {
		options.Token = token
	}
	client, err := api.New(options)
	if err != nil {
		return nil, "", err
	}
	return &rebuild.OBS{Client: client, Blind: !token.Empty() && host.Password.Empty() && host.SSHKey == ""}, host.URL, nil
}

// reader connects to OBS to read there, which a trigger token alone does not permit.
func reader(c *cli.Context) (*api.Client, error) {
	server, _, err := connect(c, c.String("apiurl"))
	if err != nil {
		return nil, err
	}
	if server.Blind {
		return nil, fmt.Errorf("%s: no password and no key, and a trigger token does not let anybody read", server.Client.URL())
	}
	return server.Client, nil
}
