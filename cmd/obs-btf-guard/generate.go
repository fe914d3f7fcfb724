// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/urfave/cli/v2"
)

func providesCommand() *cli.Command {
	return &cli.Command{
		Name:         "provides",
		Usage:        "rpmbuild's generator: what a vmlinux provides",
		Description:  generatorDescription,
		Flags:        generatorFlags(),
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return generate(c, "") },
	}
}

func requiresCommand() *cli.Command {
	return &cli.Command{
		Name:        "requires",
		Usage:       "rpmbuild's generator: what modules require",
		Description: generatorDescription,
		Flags: append(generatorFlags(),
			choiceFlag("as", string(generator.Requires), "print the dependencies of this kind: `requires|recommends`"),
			&cli.StringFlag{Name: "strength", Value: string(generator.Auto), Usage: "which kind that is: `auto|requires|recommends|none`; auto goes by the kernel's config",
				Action: oneOf("--strength (%kernel_btf_strength)", "auto", "requires", "recommends", "none")},
			&cli.StringFlag{Name: "base", Usage: "the base that modules were built on whose kernel is neither packaged nor installed: a vmlinux, raw .BTF or RPM `FILE`"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			return generate(c, generator.Strength(c.String("as")))
		},
	}
}

func generatorFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "package", Usage: "`NAME` of the package that the files belong to"},
		&cli.StringFlag{Name: "rpm", Usage: "`VERSION` of rpm, which decides the protocol: from 4.20 on all files come at once"},
		&cli.StringFlag{Name: "root", EnvVars: []string{"RPM_BUILD_ROOT"}, Usage: "the build root `FOLDER`"},
	}
}

// generate answers for the files that standard input names.
func generate(c *cli.Context, as generator.Strength) error {
	var asked []string
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if path := in.Text(); path != "" {
			asked = append(asked, path)
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if len(asked) == 0 {
		return nil
	}
	q := generator.Question{
		Root: c.String("root"), Package: c.String("package"), RPM: c.String("rpm"),
		As: as, Strength: generator.Strength(c.String("strength")),
		Options: generator.Options{Base: c.String("base"), Installed: obs.Installed},
	}
	if q.Root == "" {
		return misuse(c, "no build root: neither --root nor RPM_BUILD_ROOT is set")
	}
	return q.Answer(c.Context, asked, c.App.Writer, c.App.ErrWriter)
}
