// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/obs-btf-guard/obs-btf-guard/internal/history"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/internal/regular"
	"github.com/urfave/cli/v2"
)

// evidence is what explain was given to say with why a base changed.
func evidence(c *cli.Context) (e history.Evidence, err error) {
	paths := c.StringSlice("buildenv")
	if n := len(paths); n != 0 && n != 2 {
		return e, misuse(c, "--buildenv: %d given, two are needed: that of OLD, then that of NEW", n)
	}
	for _, path := range paths {
		f, err := regular.Open(path)
		if err != nil {
			return e, err
		}
		env, err := api.ReadBuildEnv(f)
		f.Close()
		if err != nil {
			return e, fmt.Errorf("%s: %w", path, err)
		}
		e.Envs = append(e.Envs, history.BuildEnv{Path: path, BuildEnv: env})
	}
	switch {
	case c.Bool("obs"):
		client, err := reader(c)
		if err != nil {
			return e, err
		}
		e.OBS = client
	case c.IsSet("apiurl"):
		return e, misuse(c, "--apiurl says which OBS --obs asks, which is not given")
	}
	return e, nil
}
