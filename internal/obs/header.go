// SPDX-License-Identifier: Apache-2.0

package obs

import (
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// Header is what OBS says about a package's header. It names the source package
// without the version, which is that of the packages of a kernel.
func Header(i api.FileInfo) *rpm.Package {
	return &rpm.Package{
		Name: i.Name, Epoch: i.Epoch, Version: i.Version, Release: i.Release, Arch: i.Arch,
		SourceRPM: i.Source + "-" + i.Version + "-" + i.Release + ".src.rpm",
		Provides:  dependencies(i.Provides), Requires: dependencies(i.Requires), Recommends: dependencies(i.Recommends),
	}
}

// dependencies takes those without a version, or with "name = version", apart. Others are
// nothing but names.
func dependencies(list []string) []rpm.Dependency {
	var out []rpm.Dependency
	for _, s := range list {
		d := rpm.Dependency{}
		if d.Name, d.Version, _ = strings.Cut(s, " = "); d.Version != "" {
			d.Flags = rpm.SenseEqual
		}
		out = append(out, d)
	}
	return out
}
