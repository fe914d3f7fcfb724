// SPDX-License-Identifier: Apache-2.0

package guard

// KernelID names a kernel that modules are for. Arch is as kernel.PackageArch has
// it.
type KernelID struct{ Release, Arch string }
