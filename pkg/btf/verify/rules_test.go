// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
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
		{"section names mended", "6.10", "6.11", func(r verify.Rules) any { return r.SectionName }, verify.SectionTail, verify.SectionPrintable},
		{".BTF.base", "6.10", "6.11", func(r verify.Rules) any { return r.Distilled }, false, true},
		{"flagged tags", "6.14", "6.15", func(r verify.Rules) any { return r.TagFlag }, false, true},
		{"tag order gone", "6.99", "7.0", func(r verify.Rules) any { return r.TagOrder }, true, false},
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

// TestCalibrate holds what a base proves about its kernel, and that nothing is
// taken away.
func TestCalibrate(t *testing.T) {
	old, flag := rules(t, "5.11"), btftest.Info
	tests := []struct {
		name    string
		add     func(w writer)
		widened func(r *verify.Rules)
	}{
		{"nothing", func(w writer) { w.Int("int", 4, 0, 32); w.Var("a.b", 1, 0); w.Datasec(".data", 4) }, func(r *verify.Rules) {}},
		{"FLOAT", func(w writer) { w.Float("float", 4) }, func(r *verify.Rules) { r.MaxKind, r.InfoMask = btf.KindFloat, 0x9f00ffff }},
		{"DECL_TAG", func(w writer) { w.DeclTag("t", 1, -1) }, func(r *verify.Rules) { r.MaxKind, r.InfoMask = btf.KindDeclTag, 0x9f00ffff }},
		{"flagged DECL_TAG", func(w writer) { w.Record(w.String("t"), flag(btf.KindDeclTag, 0, true), 1, 0) },
			func(r *verify.Rules) { r.MaxKind, r.InfoMask, r.TagFlag = btf.KindDeclTag, 0x9f00ffff, true }},
		{"TYPE_TAG", func(w writer) { w.TypeTag("t", 0) }, func(r *verify.Rules) { r.MaxKind, r.InfoMask = btf.KindTypeTag, 0x9f00ffff }},
		{"flagged TYPE_TAG", func(w writer) { w.Record(w.String("t"), flag(btf.KindTypeTag, 0, true), 0) },
			func(r *verify.Rules) { r.MaxKind, r.InfoMask, r.TagFlag = btf.KindTypeTag, 0x9f00ffff, true }},
		{"ENUM64", func(w writer) { w.Enum64("e", 8) },
			func(r *verify.Rules) { r.MaxKind, r.InfoMask, r.EnumFlag = btf.KindEnum64, 0x9f00ffff, true }},
		{"signed ENUM", func(w writer) { w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: -1}) }, func(r *verify.Rules) { r.EnumFlag = true }},
		{"unsigned ENUM", func(w writer) { w.Enum("e", 4, btftest.Enumerator{Name: "v", Value: 1}) }, func(r *verify.Rules) {}},
		{"dotted FUNC", func(w writer) { w.Func("f.isra.0", 1, 0) }, func(r *verify.Rules) { r.Dots = true }},
		{"dotted TYPEDEF, then none", func(w writer) { w.Typedef("t.0", 1); w.Typedef("t", 1) }, func(r *verify.Rules) { r.Dots = true }},
		{"dotted UNION", func(w writer) { w.Union("u.0", 4) }, func(r *verify.Rules) { r.Dots = true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := btftest.New()
			tt.add(w)
			want := old
			tt.widened(&want)
			if d := cmp.Diff(want, old.Calibrate(w.Table(t))); d != "" {
				t.Errorf("5.11 (-want +got):\n%s", d)
			}
			newest := rules(t, "7.3")
			if d := cmp.Diff(newest, newest.Calibrate(w.Table(t))); d != "" {
				t.Errorf("7.3 changed (-want +got):\n%s", d)
			}
		})
	}
}

// TestCalibratedAccepts holds that the kinds a base proves are accepted in a
// module on it.
func TestCalibratedAccepts(t *testing.T) {
	w := btftest.New()
	w.Int("int", 4, 0, 32)
	w.TypeTag("tag", 1)
	w.Enum64("e", 8, btftest.Enumerator{Name: "v", Value: -1})
	base := w.Table(t)
	m := w.Split()
	m.Float("double", 8)
	m.TypeTag("tag", 1)
	m.Enum64("e", 8, btftest.Enumerator{Name: "v", Value: -1})
	if res := verify.Module(m.Bytes(), base, rules(t, "5.11")); res.Accepted() {
		t.Error("5.11 itself accepts it")
	}
	res := verify.Module(m.Bytes(), base, rules(t, "5.11").Calibrate(base))
	if !res.Accepted() {
		t.Errorf("calibrated: %d %+v", res.Errno, res.Lines)
	}
}
