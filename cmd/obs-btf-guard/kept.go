// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// cacheFlag is that of the commands that read packages.
func cacheFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-cache", Usage: "read packages anew even if they were read before, and keep nothing of them"}
}

// packageCache keeps what is read of packages. It is nil where that is not wanted,
// where nobody comes again to find it, and where there is no place for it.
func packageCache(c *cli.Context) *cache.Dir {
	if c.Bool("no-cache") || c.Bool("no-db") || passing(os.Getenv, "/") || !ownHome("XDG_CACHE_HOME") {
		return nil
	}
	path, program := cache.DefaultPath(os.Getenv), programDigest()
	if path == "" || program == "" {
		return nil
	}
	return cache.New(path, program)
}

// programDigest is a digest of this program: another one may read and judge
// otherwise. "" where it cannot be read.
func programDigest() string {
	f, err := os.Open("/proc/self/exe") // what its path leads to may be a newer one by now
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// ownHome reports whether what is made below the home directory belongs there: root
// may run with somebody else's. Whoever sets the variable says where it belongs.
func ownHome(variable string) bool {
	if os.Geteuid() != 0 || os.Getenv(variable) != "" {
		return true
	}
	var st unix.Stat_t
	return unix.Stat(os.Getenv("HOME"), &st) == nil && st.Uid == 0
}
