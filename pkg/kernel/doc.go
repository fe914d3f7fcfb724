// SPDX-License-Identifier: Apache-2.0

// Package kernel takes a kernel image or a kernel module out of any wrapping
// and returns what is needed to check its BTF.
//
// Two functions do most of it: [OpenImage] reads a vmlinux, plain, compressed
// or inside a boot image, and [Loader.Open] reads a module, plain or
// compressed. Both look at the bytes only, never at the name. [ClassifyPath] and
// [ReleaseFromPath] go by the name, to pick the few files that matter of the
// thousands in a package.
//
// Nothing read is trusted: every offset and size is checked against what is
// really there before memory is asked for, and decompression ends at
// [MaxUnpacked]. Nothing is written to disk.
//
// The bytes of a .BTF section are returned unchecked. The packages that read BTF
// decide whether they make sense.
package kernel
