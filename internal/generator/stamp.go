// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// stamp tells whether a file is still the one that was looked at. The time of its
// last change cannot be set, as builds that mean to be reproducible do with the
// time of its last modification. "" for a file that is not there.
func stamp(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return fmt.Sprint(st.Dev, " ", st.Ino, " ", st.Size, " ", st.Ctim.Nano())
}

// ownFile reports whether the file belongs to who runs this.
func ownFile(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && int(st.Uid) == os.Geteuid()
}
