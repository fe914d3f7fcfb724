// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/obs-btf-guard/obs-btf-guard/pkg/btf"

// isLetter is isalpha of the kernel's ctype table, which is Latin-1
// (lib/ctype.c).
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0xc0 && c != 0xd7 && c != 0xf7
}

// isPrint is isprint of the same table.
func isPrint(c byte) bool { return c >= 0x20 && c <= 0x7e || c >= 0xa0 }

// identifier is btf_name_valid_identifier: a C identifier of at most nameLen
// bytes, in which a dot counts as a letter if dots is set.
func identifier(name []byte, dots bool, nameLen int) bool {
	if len(name) == 0 || len(name) > nameLen {
		return false
	}
	may := inName
	if dots {
		may |= dotInName
	}
	if nameBytes[name[0]]&may == 0 {
		return false
	}
	may |= laterInName
	for _, c := range name[1:] {
		if nameBytes[c]&may == 0 {
			return false
		}
	}
	return true
}

// What a byte may be in an identifier.
const (
	inName      uint8 = 1 << iota // anywhere
	laterInName                   // not the first
	dotInName
)

// nameBytes looks up what takes too long to work out for each byte of all names.
var nameBytes = func() (is [256]uint8) {
	for i := range is {
		switch c := byte(i); {
		case isLetter(c), c == '_':
			is[i] = inName
		case c >= '0' && c <= '9':
			is[i] = laterInName
		case c == '.':
			is[i] = dotInName
		}
	}
	return is
}()

// validName reports whether off names a string that is an identifier.
func (p *parser) validName(off uint32) bool {
	name, _ := p.bytes(off, btf.MaxName)
	return identifier(name, p.rules.Dots, p.rules.NameLen)
}

// validVarName is the rule for a VAR, whose name could always have dots.
func (p *parser) validVarName(off uint32) bool {
	name, _ := p.bytes(off, btf.MaxName)
	return identifier(name, true, p.rules.NameLen)
}

// validSectionName is btf_name_valid_section.
func (p *parser) validSectionName(off uint32) bool {
	name, _ := p.bytes(off, btf.MaxName)
	most := p.rules.NameLen
	switch p.rules.SectionName {
	case SectionIdentifier:
		return identifier(name, true, most)
	case SectionTail:
		// The first byte is passed over unseen, and counts. If it ends the name, the
		// next one is read; nobody knows what lies behind the last.
		name, _ = p.bytes(off+1, btf.MaxName)
		most--
	case SectionPrintable:
		if len(name) == 0 {
			return false
		}
	}
	if len(name) > most {
		return false
	}
	for _, c := range name {
		if !isPrint(c) {
			return false
		}
	}
	return true
}
