// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Version is a kernel version as upstream counts it.
type Version struct{ Major, Minor, Patch int }

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// IsZero reports whether the version is unknown.
func (v Version) IsZero() bool { return v == Version{} }

// Compare orders versions: negative where v is older than o.
func (v Version) Compare(o Version) int {
	return cmp.Or(cmp.Compare(v.Major, o.Major), cmp.Compare(v.Minor, o.Minor), cmp.Compare(v.Patch, o.Patch))
}

// AtLeast reports whether v is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

var (
	leadingVersion = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

	// Debian keeps 6.1.0 in the kernelrelease for years and names the stable
	// release it really is at the end of the banner: "... Debian 6.1.187-1 (...)".
	debianVersion = regexp.MustCompile(` Debian (\d{1,4}\.\d{1,4}\.\d{1,4})[-~]`)
	// Ubuntu keeps 5.15.0 likewise, and ends the banner with what it is:
	// "... (Ubuntu 5.15.0-119.129-generic 5.15.158)" (CONFIG_VERSION_SIGNATURE).
	ubuntuVersion = regexp.MustCompile(`^Linux version .* \(Ubuntu \S+ (\d{1,4}\.\d{1,4}\.\d{1,4})\)\s*$`)
	bannerRelease = regexp.MustCompile(`^Linux version (\S+)`)
)

// ParseVersion reads the version from "6.1", "5.15.12-1-default" or a whole
// "Linux version ..." banner.
func ParseVersion(s string) (Version, error) {
	for _, where := range []*regexp.Regexp{debianVersion, ubuntuVersion, bannerRelease} {
		if m := where.FindStringSubmatch(s); m != nil {
			s = m[1]
			break
		}
	}
	m := leadingVersion.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%q does not begin with a kernel version such as 6.1.36", s)
	}
	var v Version
	for i, p := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*p, _ = strconv.Atoi(m[i+1]) // digits only, and few; "" gives 0
	}
	return v, nil
}
