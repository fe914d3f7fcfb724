// SPDX-License-Identifier: Apache-2.0

package verify

import "fmt"

// Allow says whether the kernel was built with
// CONFIG_MODULE_ALLOW_BTF_MISMATCH.
type Allow uint8

// Unknown is read as no: the option's default, and before 5.18 the only way.
const (
	AllowUnknown Allow = iota
	AllowNo
	AllowYes
)

// mismatchOnce is said for the first refused module after boot, and for no
// other.
const mismatchOnce = "Kernel module BTF mismatch detected, BTF debug info may be unavailable for some modules"

// Notice gives the whole log of a module's refusal as dmesg shows it: the
// verifier's lines and the module loader's (btf_module_notify). hidden holds
// what a kernel that allows mismatches keeps to itself since 6.3. module is the
// internal name, with underscores. Both are nil for an accepted table.
func (r Rules) Notice(module string, res Result, allow Allow) (shown, hidden []string) {
	if res.Accepted() {
		return nil, nil
	}
	quiet := r.QuietAllow && allow == AllowYes
	for _, l := range res.Lines {
		text := l.Text[:min(len(l.Text), r.LineMax)]
		if quiet && l.Typed {
			hidden = append(hidden, text)
		} else {
			shown = append(shown, text)
		}
	}
	if quiet {
		return append(shown, mismatchOnce), hidden
	}
	return append(shown, fmt.Sprintf("failed to validate module [%s] BTF: %d", module, res.Errno)), nil
}

// Loads reports whether a module with a refused table is loaded all the same,
// only without BTF.
func (a Allow) Loads() bool { return a == AllowYes }
