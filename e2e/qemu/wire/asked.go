// SPDX-License-Identifier: Apache-2.0

package wire

// Asked is what check --running said, or the last word.
type Asked struct {
	Boot   string `json:",omitempty"` // what lies in /boot: "replaced", the kernel of the other build, or "kept"
	User   uint32 `json:",omitempty"` // who asked
	Format string `json:",omitempty"`
	Stdout string `json:",omitempty"`
	Stderr string `json:",omitempty"`
	Exit   int    `json:",omitempty"`

	End
}

// Files of the machine that is asked, beside Modules.
const (
	Guard    = "obs-btf-guard"
	Before   = "modules/list" // names, in the order of loading
	OwnImage = "own-vmlinuz"  // of the kernel that runs
)
