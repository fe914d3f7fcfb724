// SPDX-License-Identifier: Apache-2.0

package stamp

import (
	"fmt"
	"io"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/internal/prose"
)

// Text lists what was done to each package, or would be.
func (r *Result) Text(w io.Writer) error {
	add, drop := "added  ", "removed"
	switch r.Mode {
	case Verify:
		add, drop = "missing", "wrong  "
	case DryRun:
		add, drop = "to add ", "to remove"
	}
	var text strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintln(&text, prose.Printable(fmt.Sprintf(format, args...)))
	}
	for _, c := range r.Changes {
		if c.Empty() {
			line("%s: right already", c.Package.NEVRA)
			continue
		}
		line("%s:", c.Package.NEVRA)
		for _, d := range c.Added {
			line("  %s %v: %v", add, d.Kind, d.Dependency)
		}
		for _, d := range c.Dropped {
			line("  %s %v: %v", drop, d.Kind, d.Dependency)
		}
		if len(c.Signatures) > 0 && r.Mode != Verify {
			line("  the signatures (%s) no longer hold and are dropped: sign it again", strings.Join(c.Signatures, ", "))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
