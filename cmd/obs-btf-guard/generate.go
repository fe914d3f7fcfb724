// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/generator"
	"github.com/obs-btf-guard/obs-btf-guard/internal/obs"
	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/urfave/cli/v2"
)

func providesCommand() *cli.Command {
	return &cli.Command{
		Name:         "provides",
		Usage:        "rpmbuild's generator: what a vmlinux provides",
		Description:  generatorDescription,
		Flags:        generatorFlags(),
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return generate(c, kernel.RoleVmlinux, "") },
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
			return generate(c, kernel.RoleModule, generator.Strength(c.String("as")))
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

// generate answers for each file of the role that standard input names. What the
// kernels and modules of a build root are is found out once for all of them.
func generate(c *cli.Context, role kernel.Role, as generator.Strength) error {
	var asked []string // as rpm writes them, which is how it wants them back
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
	root := c.String("root")
	if root == "" {
		return misuse(c, "no build root: neither --root nor RPM_BUILD_ROOT is set")
	}
	var wanted, clean []string
	packaged := false
	for _, path := range asked {
		c := filepath.Clean(path)
		r := kernel.ClassifyPath(strings.TrimPrefix(c, filepath.Clean(root)))
		if r == kernel.RoleBootImage { // where there is no vmlinux it serves as one
			r = kernel.RoleVmlinux
		}
		packaged = packaged || r == kernel.RoleVmlinux
		if r == role {
			wanted, clean = append(wanted, path), append(clean, c)
		}
	}
	strength := generator.Strength(c.String("strength"))
	if len(wanted) == 0 || as != "" && strength != generator.Auto && strength != as {
		return nil
	}
	o := generator.Options{Base: c.String("base"), Installed: obs.Installed}
	s, err := generator.Cached(c.Context, filepath.Clean(root), clean, o)
	if err != nil {
		return err
	}
	g := &generation{c: c, multi: multifile(c.String("rpm"))}
	for i, path := range wanted {
		g.answer(path, s.Answers[clean[i]], as, packaged)
	}
	return nil
}

// generation writes the answers of one call.
type generation struct {
	c     *cli.Context
	multi bool
}

func (g *generation) answer(path string, a generator.Answer, as generator.Strength, packaged bool) {
	// requires and recommends are asked about the same files: one of them speaks.
	silent := as == generator.Recommends && generator.Strength(g.c.String("strength")) == generator.Auto
	if a.Say && !silent {
		what := "no dependency on a base"
		switch {
		case a.Token != "":
			what = "a dependency on a base"
		case as == "":
			what = "provides no base"
		}
		fmt.Fprintf(g.c.App.ErrWriter, "obs-btf-guard: %s: %s: %s\n", prose.Printable(path), what, prose.Printable(a.Why))
	}
	token := a.TokenOf(g.c.String("package"))
	if token == "" {
		return
	}
	if as != "" {
		strength := generator.Strength(g.c.String("strength"))
		if strength == generator.Auto {
			strength = a.Strength
		}
		if strength != as || packaged || ownToken(g.c.String("package"), token) {
			return
		}
	}
	if g.multi {
		fmt.Fprintf(g.c.App.Writer, ";%s\n", path)
	}
	release, _ := kernel.ReleaseFromPath(path)
	if as != "" {
		fmt.Fprintln(g.c.App.Writer, fingerprint.Requirement(token, release))
		return
	}
	fmt.Fprintln(g.c.App.Writer, token)
	if release != "" {
		fmt.Fprintln(g.c.App.Writer, fingerprint.ReleaseToken(release))
	}
}

// ownToken reports whether the package is one that ships the vmlinux of that
// flavor, kernel-<flavor> or kernel-<flavor>-base: it does not depend on itself.
func ownToken(name, token string) bool {
	flavor, ok := strings.CutPrefix(strings.TrimSuffix(name, "-base"), "kernel-")
	return ok && strings.HasPrefix(token, "kernel-btf("+flavor+":")
}

// multifile reports whether rpm speaks the protocol in which all files of a
// package come at once and answers stand behind ";path"
// (rpm-dependency-generators(7)).
func multifile(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 4 || major == 4 && minor >= 20
}
