// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf/verify"
)

// TestRulesFor holds when each rule came, by the last version without it and the
// first with it.
func TestRulesFor(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		get           func(r verify.Rules) any
		was, is       any
	}{
		{"DATASEC without entries", "5.11.22", "5.12", func(r verify.Rules) any { return r.EmptySection }, false, true},
		{"FLOAT", "5.12.19", "5.13", func(r verify.Rules) any { return r.MaxKind }, btf.KindDatasec, btf.KindFloat},
		{"five bits of kind", "5.12", "5.13", func(r verify.Rules) any { return r.InfoMask }, uint32(0x8f00ffff), uint32(0x9f00ffff)},
		{"DECL_TAG", "5.15.99", "5.16", func(r verify.Rules) any { return r.MaxKind }, btf.KindFloat, btf.KindDeclTag},
		{"TYPE_TAG", "5.16", "5.17", func(r verify.Rules) any { return r.MaxKind }, btf.KindDeclTag, btf.KindTypeTag},
		{"blank in the log", "5.16", "5.17", func(r verify.Rules) any { return r.SpacedLog }, false, true},
		{"chain walk", "5.18", "5.19", func(r verify.Rules) any { return r.ChainWalk }, false, true},
		{"tag order", "5.18", "5.19", func(r verify.Rules) any { return r.TagOrder }, false, true},
		{"ENUM64", "5.19", "6.0", func(r verify.Rules) any { return r.MaxKind }, btf.KindTypeTag, btf.KindEnum64},
		{"signed ENUM", "5.19", "6.0", func(r verify.Rules) any { return r.EnumFlag }, false, true},
		{"long names", "6.0", "6.1", func(r verify.Rules) any { return r.NameLen }, 128, 512},
		{"quiet", "6.2", "6.3", func(r verify.Rules) any { return r.QuietAllow }, false, true},
		{"dots", "6.3.9", "6.4", func(r verify.Rules) any { return r.Dots }, false, true},
		{"dots in 5.10", "5.10.185", "5.10.186", func(r verify.Rules) any { return r.Dots }, false, true},
		{"dots in 5.15", "5.15.118", "5.15.119", func(r verify.Rules) any { return r.Dots }, false, true},
		{"dots in 6.1", "6.1.35", "6.1.36", func(r verify.Rules) any { return r.Dots }, false, true},
		{"dots in 6.3", "6.3.9", "6.3.10", func(r verify.Rules) any { return r.Dots }, false, true},
		{"no dots in 6.2", "6.2.0", "6.2.99", func(r verify.Rules) any { return r.Dots }, false, false},
		{"section names", "6.8", "6.9", func(r verify.Rules) any { return r.SectionName }, verify.SectionIdentifier, verify.SectionTail},
		{"section names mended", "6.10.9", "6.11", func(r verify.Rules) any { return r.SectionName }, verify.SectionTail, verify.SectionPrintable},
		{"section names mended in 6.10", "6.10.9", "6.10.10", func(r verify.Rules) any { return r.SectionName }, verify.SectionTail, verify.SectionPrintable},
		{".BTF.base", "6.10", "6.11", func(r verify.Rules) any { return r.Distilled }, false, true},
		{"flagged tags", "6.14", "6.15", func(r verify.Rules) any { return r.TagFlag }, false, true},
		{"tag order gone", "7.1.99", "7.2", func(r verify.Rules) any { return r.TagOrder }, true, false},
		{"layout section", "7.0", "7.1", func(r verify.Rules) any { return r.HeaderSize }, uint32(24), uint32(32)},
		{"wide info word", "7.1", "7.2", func(r verify.Rules) any { return r.InfoMask }, uint32(0x9f00ffff), uint32(0)},
	}
	for _, tt := range tests {
		if was, is := tt.get(rules(t, tt.before)), tt.get(rules(t, tt.after)); was != tt.was || is != tt.is {
			t.Errorf("%s: %v in %s, %v in %s; want %v, %v", tt.name, was, tt.before, is, tt.after, tt.was, tt.is)
		}
	}
	if d := cmp.Diff(rules(t, "7.3"), verify.RulesFor(verify.Version{})); d != "" {
		t.Errorf("an unknown version has not the newest rules:\n%s", d)
	}
}
