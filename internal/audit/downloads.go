// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"fmt"
	"os"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// downloadsDir makes the folder for downloads when the first is due.
func (a *audit) downloadsDir() (string, error) {
	if a.downloads == "" {
		dir, err := os.MkdirTemp(a.Dir, "obs-btf-guard-")
		if err != nil {
			return "", err
		}
		a.downloads = dir
	}
	return a.downloads, nil
}

func (a *audit) removeDownloads() {
	if a.downloads != "" {
		os.RemoveAll(a.downloads)
	}
}

// Bounds on what a source may ask for.
const (
	// DefaultMaxPackages is how many packages of kernels and modules are looked at.
	DefaultMaxPackages = 50_000

	maxDownloads = 64 << 30 // bytes
)

// full reports whether no more packages are looked at.
func (a *audit) full() bool { return len(a.packages) >= a.mostPackages() }

func (a *audit) mostPackages() int { return cmp.Or(a.MaxPackages, DefaultMaxPackages) }

// tooMany is errPackages with the limit.
func (a *audit) tooMany() error {
	return fmt.Errorf(manyPackages, prose.Number(a.mostPackages()), errPackages)
}

// download counts bytes that are to be downloaded. Bytes that are refused do not count.
func (a *audit) download(size int64) error {
	if size < 0 || size > maxDownloads-a.downloaded {
		return fmt.Errorf(manyBytes, prose.Number(int(size)), prose.Number(maxDownloads))
	}
	a.downloaded += size
	return nil
}
