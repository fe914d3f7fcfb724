// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// log collects what the verifier prints. Inside the kernel every fragment that
// is printed becomes a line of its own (bpf_verifier_vlog in kernel/bpf/log.c):
// what user space would read as "[5] STRUCT x size=4 vlen=1 Invalid name" takes
// five lines of dmesg.
type log struct{ lines []Line }

// maxFragment is BPF_VERIFIER_TMP_LOG_SIZE less the NUL.
const maxFragment = 1023

func (l *log) add(rules Rules, typed bool, fragments ...string) {
	for _, f := range fragments {
		if len(f) > maxFragment {
			f = f[:maxFragment]
		}
		f = escape(f)
		if rules.SpacedLog {
			l.lines = append(l.lines, Line{"BPF: " + strings.TrimSuffix(f, "\n"), typed})
			continue
		}
		// Before 5.17 the newline was always added, even behind another one.
		for s := range strings.SplitSeq("BPF:"+f, "\n") {
			l.lines = append(l.lines, Line{s, typed})
		}
	}
}

// escape writes bytes that are not ASCII as dmesg shows them, \xNN: they come
// from names read in the wrong place (msg_add_ext_text in kernel/printk).
func escape(s string) string {
	clean := func(c byte) bool { return c >= 0x20 && c < 0x7f || c == '\t' || c == '\n' }
	var b strings.Builder
	for i := range len(s) {
		if clean(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		}
	}
	return b.String()
}

// name is what the log prints for a string offset.
func (p *parser) name(off uint32) string {
	if off == 0 {
		return "(anon)"
	}
	name, ok := p.bytes(off, 2*maxFragment)
	if !ok {
		return "(invalid-name-offset)"
	}
	return string(name)
}

// failType is btf_verifier_log_type: the type with its details, then msg.
func (p *parser) failType(t btf.Type, errno Errno, msg string) bool {
	p.errno = errno
	f := []string{fmt.Sprintf("[%d] %v %s ", t.ID, t.Kind(), p.name(t.NameOff))}
	f = append(f, p.details(t)...)
	p.log.add(p.rules, true, append(f, " ", msg, "\n")...)
	return false
}

// failBasic is btf_verifier_log_basic: the type without details, then msg.
func (p *parser) failBasic(t btf.Type, format string, args ...any) bool {
	p.errno = EINVAL
	head := fmt.Sprintf("[%d] %v %s", t.ID, t.Kind(), p.name(t.NameOff))
	p.log.add(p.rules, true, head, " ", fmt.Sprintf(format, args...), "\n")
	return false
}

// failMember is btf_verifier_log_member.
func (p *parser) failMember(m btf.Member, packed bool, format string, args ...any) bool {
	p.errno = EINVAL
	head := fmt.Sprintf("\t%s type_id=%d bits_offset=%d", p.name(m.NameOff), m.Type, m.BitOffset())
	if packed {
		head = fmt.Sprintf("\t%s type_id=%d bitfield_size=%d bits_offset=%d",
			p.name(m.NameOff), m.Type, m.BitfieldSize(), m.BitOffset())
	}
	p.log.add(p.rules, true, head, " ", fmt.Sprintf(format, args...), "\n")
	return false
}

// failEntry is btf_verifier_log_vsi; these lines are never kept quiet.
func (p *parser) failEntry(e btf.Entry, msg string) bool {
	p.errno = EINVAL
	head := fmt.Sprintf("\t type_id=%d offset=%d size=%d", e.Type, e.Offset, e.Size)
	p.log.add(p.rules, false, head, " ", msg, "\n")
	return false
}

// details is each kind's log_details, as the fragments it prints.
func (p *parser) details(t btf.Type) []string {
	one := func(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }
	switch t.Kind() {
	case btf.KindInt:
		d := intData(t.Word(0))
		return one("size=%d bits_offset=%d nr_bits=%d encoding=%s", t.SizeType, d.offset(), d.bits(), d.encodingName())
	case btf.KindArray:
		a := t.Array()
		return one("type_id=%d index_type_id=%d nr_elems=%d", a.Elem, a.Index, a.Len)
	case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindDatasec:
		return one("size=%d vlen=%d", t.SizeType, t.Vlen())
	case btf.KindFwd:
		if t.KindFlag() {
			return one("union")
		}
		return one("struct")
	case btf.KindFuncProto:
		return p.protoDetails(t)
	case btf.KindVar:
		return one("type_id=%d linkage=%d", t.SizeType, t.Word(0))
	case btf.KindFloat:
		return one("size=%d", t.SizeType)
	case btf.KindDeclTag:
		return one("type=%d component_idx=%d", t.SizeType, int32(t.Word(0)))
	}
	return one("type_id=%d", t.SizeType)
}

// protoDetails is btf_func_proto_log.
func (p *parser) protoDetails(t btf.Type) []string {
	f := []string{fmt.Sprintf("return=%d args=(", t.SizeType)}
	n := int(t.Vlen())
	if n == 0 {
		return append(f, "void", ")")
	}
	if n == 1 && t.Param(0).Type == 0 {
		return append(f, "vararg", ")")
	}
	for i := range n {
		a := t.Param(i)
		sep := ", "
		if i == 0 {
			sep = ""
		}
		if i > 0 && i == n-1 && a.Type == 0 {
			f = append(f, ", vararg")
			break
		}
		f = append(f, fmt.Sprintf("%s%d %s", sep, a.Type, p.name(a.NameOff)))
	}
	return append(f, ")")
}

// intData is the word behind an INT's record.
type intData uint32

func (d intData) encoding() uint32 { return uint32(d) >> 24 & 0x0f }
func (d intData) offset() uint32   { return uint32(d) >> 16 & 0xff }
func (d intData) bits() uint32     { return uint32(d) & 0xff }

func (d intData) encodingName() string {
	switch d.encoding() {
	case 0:
		return "(none)"
	case 1:
		return "SIGNED"
	case 2:
		return "CHAR"
	case 4:
		return "BOOL"
	}
	return "UNKN"
}
