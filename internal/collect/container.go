// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// container is a file that may hold a kernel or modules and is not looked into: what
// it is, and the command with which its files come out.
type container struct{ what, unpack string }

// containers are known by how they begin, or by the end of their names.
var containers = []struct {
	begins, ends string
	container
}{
	{"ANDROID!", "", container{"an Android boot image", "unpack_bootimg --boot_img FILE --out FOLDER"}},
	{"VNDRBOOT", "", container{"an Android vendor boot image", "unpack_bootimg --boot_img FILE --out FOLDER"}},
	{"070701", "", container{"an initramfs or another cpio archive", "lsinitrd --unpack FILE, or unmkinitramfs FILE FOLDER"}},
	{"070702", "", container{"an initramfs or another cpio archive", "lsinitrd --unpack FILE, or unmkinitramfs FILE FOLDER"}},
	{"", ".apk", container{"an Alpine package", "tar -xzf FILE -C FOLDER"}},
	{"", ".ipk", container{"an OpenWrt package", "tar -xzf FILE -C FOLDER, and its data.tar.gz likewise"}},
	{"", ".pkg.tar.zst", container{"an Arch Linux package", "tar --zstd -xf FILE -C FOLDER"}},
	{"", ".pkg.tar.xz", container{"an Arch Linux package", "tar -xJf FILE -C FOLDER"}},
	{"", ".xbps", container{"a Void Linux package", "tar --zstd -xf FILE -C FOLDER"}},
}

// contained tells a container by its first bytes and its name, nil if it is none that
// is known.
func contained(prefix []byte, name string) *container {
	for _, c := range containers {
		if c.begins != "" && bytes.HasPrefix(prefix, []byte(c.begins)) || c.ends != "" && strings.HasSuffix(name, c.ends) {
			return &c.container
		}
	}
	return nil
}

// inside is how the content of a compressed file begins, nil where that is not known: an
// initramfs is mostly compressed as a whole.
func inside(prefix []byte, r io.Reader) []byte {
	var d decompress.Decoder
	defer d.Close()
	plain, err := d.Reader(decompress.Detect(prefix), r)
	if err != nil {
		return nil
	}
	begin := make([]byte, 16)
	n, _ := io.ReadFull(plain, begin)
	return begin[:n]
}

func (c *container) Error() string {
	return fmt.Sprintf("%s, which is not looked into; unpack it (%s) and give the folder", c.what, c.unpack)
}

// namedAsKernel reports whether a package of another kind than RPM has the name of a
// kernel or of modules, so that somebody may rely on its being checked.
func namedAsKernel(base string) bool {
	return strings.HasPrefix(base, "linux-image-") || strings.HasPrefix(base, "linux-modules-") || strings.HasPrefix(base, "kernel-")
}
