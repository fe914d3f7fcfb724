// SPDX-License-Identifier: Apache-2.0

package obs

// SchedulerArch is the name that OBS has for the architecture of a package: its
// schedulers build packages of several architectures (the @archs of Build::Rpm
// and the Hostarch of configurations know i686 under i586, armv7hl under armv7l).
func SchedulerArch(rpm string) string {
	switch rpm {
	case "i386", "i486", "i586", "i686", "athlon":
		return "i586"
	case "armv6hl":
		return "armv6l"
	case "armv7hl", "armv7hnl":
		return "armv7l"
	case "ppc64p7":
		return "ppc64"
	}
	return rpm
}
