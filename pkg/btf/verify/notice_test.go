// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestNotice holds the log of a refusal as dmesg has it: the old format to 5.16,
// the newer one, and what a kernel that allows mismatches keeps to itself since
// 6.3.
func TestNotice(t *testing.T) {
	const failed = "failed to validate module [mod_name] BTF: -22"
	const once = "Kernel module BTF mismatch detected, BTF debug info may be unavailable for some modules"
	base := newBase().Table(t)
	typed := newBase().Split()
	typed.Typedef("", 5)
	member := newBase().Split()
	member.Record(0, 0x04000001, 8, 4, 34, 64)
	entry := newBase().Split()
	entry.Record(1, 0x0f000001, 8, 0, 0, 4)
	plain := newBase().Split()
	plain.Record(2322721, 0x02000000, 1)
	good := newBase().Split()
	silent := newBase().Split()
	silent.Const(77)

	typedLines := []string{"BPF: [4] TYPEDEF (anon) ", "BPF: type_id=5", "BPF:  ", "BPF: Invalid name", "BPF: "}
	memberLines := []string{"BPF: \t type_id=34 bits_offset=64", "BPF:  ", "BPF: Invalid name", "BPF: "}
	entryLines := []string{"BPF: \t type_id=0 offset=0 size=4", "BPF:  ", "BPF: Invalid type_id", "BPF: "}
	plainLine := "BPF: [4] Invalid name_offset:2322721"
	tests := []struct {
		name          string
		version       string
		data          []byte
		allow         verify.Allow
		shown, hidden []string
	}{
		{"5.11 type", "5.11.11", typed.Bytes(), verify.AllowNo,
			[]string{"BPF:[4] TYPEDEF (anon) ", "BPF:type_id=5", "BPF: ", "BPF:Invalid name", "BPF:", "", failed}, nil},
		{"5.16 name", "5.16", plain.Bytes(), verify.AllowUnknown, []string{"BPF:[4] Invalid name_offset:2322721", failed}, nil},
		{"5.17 type", "5.17", typed.Bytes(), verify.AllowNo, append(slices.Clone(typedLines), failed), nil},
		{"6.1 allows", "6.1", typed.Bytes(), verify.AllowYes, append(slices.Clone(typedLines), failed), nil},
		{"6.12 refuses", "6.12", member.Bytes(), verify.AllowNo, append(slices.Clone(memberLines), failed), nil},
		{"6.12 unknown", "6.12", typed.Bytes(), verify.AllowUnknown, append(slices.Clone(typedLines), failed), nil},
		{"6.3 allows, type", "6.3", typed.Bytes(), verify.AllowYes, []string{once}, typedLines},
		{"6.12 allows, member", "6.12", member.Bytes(), verify.AllowYes, []string{once}, memberLines},
		{"6.12 allows, entry", "6.12", entry.Bytes(), verify.AllowYes, append(slices.Clone(entryLines), once), nil},
		{"6.12 allows, name", "6.12", plain.Bytes(), verify.AllowYes, []string{plainLine, once}, nil},
		{"6.12 without a word", "6.12", silent.Bytes(), verify.AllowNo, []string{failed}, nil},
		{"accepted", "6.12", good.Bytes(), verify.AllowYes, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rules(t, tt.version)
			shown, hidden := r.Notice("mod_name", verify.Module(tt.data, base, r), tt.allow)
			if !slices.Equal(shown, tt.shown) || !slices.Equal(hidden, tt.hidden) {
				t.Errorf("shown  %q\n  want %q\nhidden %q\n  want %q", shown, tt.shown, hidden, tt.hidden)
			}
		})
	}
}

// TestAllow holds that only a kernel known to allow mismatches loads the module
// all the same.
func TestAllow(t *testing.T) {
	for a, want := range map[verify.Allow]bool{verify.AllowUnknown: false, verify.AllowNo: false, verify.AllowYes: true} {
		if a.Loads() != want {
			t.Errorf("%d: %v", a, a.Loads())
		}
	}
}
