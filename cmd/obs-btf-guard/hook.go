// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/postbuild"
	"github.com/urfave/cli/v2"
)

func hookCommand() *cli.Command {
	return &cli.Command{
		Name:        "hook",
		Usage:       "check what was built in this OBS build root",
		Description: hookDescription,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "root", EnvVars: []string{"BUILD_ROOT"}, Value: "/", Usage: "the build root `FOLDER`"},
			cacheFlag(),
		},
		OnUsageError: onUsageError,
		Action:       hook,
	}
}

func hook(c *cli.Context) error {
	if c.NArg() > 0 {
		return misuse(c, "takes no arguments, it looks at the build root")
	}
	root, err := obs.Find(c.String("root"), os.Getenv)
	if err != nil {
		return err
	}
	exit, err := postbuild.Check(c.Context, root, packageCache(c), c.App.Version, c.App.Writer)
	if err != nil {
		return err
	}
	return status(exit)
}
