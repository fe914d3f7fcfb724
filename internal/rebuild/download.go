// SPDX-License-Identifier: Apache-2.0

package rebuild

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/obs-btf-guard/obs-btf-guard/internal/obs/api"
)

// below makes the folder for what a package was built into.
func below(dir string, t api.Target) (string, error) {
	dir = filepath.Join(dir, t.Project, t.Repository, t.Arch, t.Package)
	return dir, os.MkdirAll(dir, 0o755)
}

// sameFile reports whether a file was downloaded before: its size and what OBS
// says of its content are those of b. Without a checksum it is fetched again.
func sameFile(path string, b api.Binary) bool {
	f, err := os.Open(path)
	if err != nil || b.MD5 == "" {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() != b.Size {
		return false
	}
	sum := md5.New() // what OBS has; pkg/rpm looks at the package's own digests
	if _, err := io.Copy(sum, f); err != nil {
		return false
	}
	return hex.EncodeToString(sum.Sum(nil)) == b.MD5
}
