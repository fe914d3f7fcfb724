// SPDX-License-Identifier: Apache-2.0

// Package kernel takes a kernel image or a kernel module out of any wrapping
// and hands over what the judgement of its BTF needs.
//
// Two functions do most of it: [OpenImage] reads a vmlinux, plain, compressed
// or inside a boot image, and [Loader.Open] reads a module, plain or
// compressed. Both look at the bytes only, never at the name. Where a name has
// to speak, because a package holds thousands of files and most are of no
// interest, there are [ClassifyPath] and [ReleaseFromPath].
//
// Nothing read is trusted: every offset and size is checked against what is
// really there before memory is asked for, and decompression ends at
// [MaxUnpacked]. Nothing is written to disk.
//
// The bytes of a .BTF section are handed over as they stand. Whether they make
// sense is for the packages that read BTF to say.
package kernel
