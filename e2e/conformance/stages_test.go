// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package conformance

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// The stages of BPF_BTF_LOAD in the kernel's order. The in-kernel path, which
// package verify predicts, has neither typeSection nor resolving.
const (
	header      = "header"
	strSection  = "strings"
	typeSection = "type section"
	metas       = "metas"
	resolving   = "resolving"
	chains      = "chains"
	accepted    = "accepted"
)

var stages = []string{header, strSection, typeSection, metas, resolving, chains, accepted}

// stageOf tells by the words in which stage of the in-kernel path a table ends.
func stageOf(res verify.Result) string {
	msg := joined(res)
	switch {
	case res.Accepted():
		return accepted
	case strings.HasPrefix(msg, "["), strings.HasPrefix(msg, "\t"):
		return metas
	case msg == "String section is not at the end", msg == "Invalid string section":
		return strSection
	case msg == "", strings.HasPrefix(msg, "Max chain"), strings.HasPrefix(msg, "Type tags"):
		return chains
	}
	return header
}

// resolveMessages end the lines with which the stage of resolving refuses a
// type (btf_check_all_types in kernel/bpf/btf.c).
var resolveMessages = []string{
	"Exceeded max resolving depth:32", "Loop detected", "Invalid type_id", "Invalid index",
	"Invalid elem", "Invalid array of int", "Array size overflows U32_MAX", "Invalid member",
	"bits_offset exceeds U32_MAX", "nr_copy_bits exceeds 128", "Member exceeds struct_size",
	"Invalid member base type", "Invalid member offset", "Invalid member bitfield_size",
	"Member is not byte aligned", "Member is not properly aligned", "Not a VAR kind member",
	"Invalid type", "Invalid size", "Invalid component_idx", "Invalid return type",
}

func isResolveMessage(line string) bool {
	if i := strings.LastIndex(line, " Invalid arg#"); i >= 0 {
		return true
	}
	return slices.ContainsFunc(resolveMessages, func(m string) bool { return strings.HasSuffix(line, " "+m) })
}

// outcome is the stage in which a table ended, and with which errno.
type outcome struct {
	stage string
	errno int
}

// byStage orders outcomes by the kernel's stages, success last.
func byStage(a, b outcome) int {
	place := func(o outcome) int { return slices.Index(stages, o.stage) }
	return cmp.Or(place(a)-place(b), b.errno-a.errno)
}

// compare says in which stage the kernel ended, and what speaks against the
// prediction, "" if nothing does.
func compare(data []byte, order binary.ByteOrder, want verify.Result, errno syscall.Errno, log []byte) (outcome, string) {
	stage := stageOf(want)
	hdr := btf.Header{}
	if stage != header {
		hdr = btf.DecodeHeader(data, order, btf.HeaderSize)
	}
	kernel := fmt.Sprintf("the kernel says %d, %q", -int(errno), lastLine(log))
	exact := func(stage string, wantErrno verify.Errno, msg string) (outcome, string) {
		got := outcome{stage, -int(errno)}
		if int(wantErrno) != got.errno || !endsWith(log, msg) {
			return got, fmt.Sprintf("%s: predicted %d, %q; %s", stage, wantErrno, msg, kernel)
		}
		return got, ""
	}
	switch {
	case stage == header, stage == strSection:
		return exact(stage, want.Errno, joined(want))
	case hdr.TypeOff%4 != 0:
		return exact(typeSection, verify.EINVAL, "Unaligned type_off")
	case hdr.TypeLen == 0:
		return exact(typeSection, verify.EINVAL, "No type found")
	case stage == metas:
		return exact(metas, want.Errno, joined(want))
	}
	// The table is sound as far as metas; what the kernel checks next is not
	// predicted, only recognized.
	table, err := btf.Parse(data, nil)
	if err != nil {
		return outcome{stage, 0}, fmt.Sprintf("cannot be laid out: %v; %s", err, kernel)
	}
	if errno != 0 && pastMetas(log, table.Len()) && isResolveMessage(lastLine(log)) {
		return outcome{resolving, -int(errno)}, ""
	}
	if stage == accepted {
		if errno != 0 {
			return outcome{accepted, -int(errno)}, "predicted to be accepted; " + kernel
		}
		return outcome{accepted, 0}, ""
	}
	return exact(chains, want.Errno, joined(want))
}
