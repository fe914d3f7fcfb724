// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package conformance

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// joined undoes the cutting into lines: user space reads the fragments of one
// message behind each other, without prefix.
func joined(res verify.Result) string {
	var b strings.Builder
	for _, l := range res.Lines {
		b.WriteString(strings.TrimPrefix(l.Text, "BPF: "))
	}
	return b.String()
}

// endsWith reports whether the kernel's log ends in a message: whole, behind
// whatever it logged about the types that it took.
func endsWith(log []byte, message string) bool {
	l, m := printable(log), message
	for len(m) > 0 {
		switch {
		case len(l) == 0:
			return false
		case l[len(l)-1] == m[len(m)-1]:
			l, m = l[:len(l)-1], m[:len(m)-1]
		case l[len(l)-1] == '\n': // the end of a fragment
			l = l[:len(l)-1]
		default:
			return false
		}
	}
	return len(l) == 0 || l[len(l)-1] == '\n'
}

// printable writes bytes as the kernel's own log shows them.
func printable(log []byte) string {
	var b strings.Builder
	for _, c := range log {
		if c >= 0x20 && c < 0x7f || c == '\t' || c == '\n' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}

// lastLine is the last line of a log without its newline.
func lastLine(log []byte) string {
	log = bytes.TrimSuffix(log, []byte("\n"))
	return string(log[bytes.LastIndexByte(log, '\n')+1:])
}

// pastMetas reports whether a log shows that all of n types were checked one by
// one: the kernel logged the last one and went on to another.
func pastMetas(log []byte, n int) bool {
	last := fmt.Appendf(nil, "\n[%d] ", n)
	i := bytes.Index(log, last)
	return i >= 0 && bytes.Contains(log[i+len(last):], []byte("\n["))
}
