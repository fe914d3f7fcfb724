// SPDX-License-Identifier: Apache-2.0

package obs

import "github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"

// SchedulerArch is the name that OBS has for the architecture of a package: its
// schedulers build packages of several architectures (the @archs of Build::Rpm
// and the Hostarch of configurations know i686 under i586, armv7hl under armv7l).
func SchedulerArch(rpm string) string {
	switch kernel.PackageArch(rpm) {
	case "i686":
		return "i586"
	case "armv6hl":
		return "armv6l"
	case "armv7hl":
		return "armv7l"
	case "ppc64":
		return "ppc64"
	}
	return rpm
}
