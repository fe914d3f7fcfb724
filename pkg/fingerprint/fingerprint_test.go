// SPDX-License-Identifier: Apache-2.0

package fingerprint_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest/fixture"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/fingerprint"
)

// known is the fingerprint of testdata/tables/le64.base.btf, computed by dd and
// sha256sum.
const (
	knownTypes   = "sha256:f063fa42f6681db5d50d57fa3e5e3666e254d321d9894049be4fa23c23d5c38f"
	knownStrings = "sha256:b7b776d0bd888967ff1034e67784a4ae7651da0ad402bad61f45942971a7e092"
	knownBase    = "sha256:5ff2b1e1af69dcb083b6d8b6279f18c610b691dce477411fe201bc0fbafe792c"
)

// TestKnown holds version 1 of the fingerprint: it may never change.
func TestKnown(t *testing.T) {
	table, err := btf.Parse(fixture.RawTable(t, "le64.base"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := fingerprint.Of(table)
	if f.Types.String() != knownTypes || f.Strings.String() != knownStrings || f.Base.String() != knownBase {
		t.Errorf("types %s\nstrings %s\nbase %s", f.Types, f.Strings, f.Base)
	}
}

// TestOf holds what plays a part and what does not: both sections and the byte
// order do, the header does not.
func TestOf(t *testing.T) {
	write := func(w *btftest.Writer) *btftest.Writer {
		w.Struct("s", 4, btftest.Member{Name: "m", Type: 2})
		w.Int("int", 4, 1, 32)
		return w
	}
	base := fingerprint.Of(write(btftest.New()).Table(t))
	long := write(btftest.New())
	long.HeaderLen, long.Layout = 32, []byte{1, 2, 3, 4}
	if got := fingerprint.Of(long.Table(t)); got != base {
		t.Error("the header or the layout section plays a part")
	}
	moreTypes := write(btftest.New())
	moreTypes.Ptr(1)
	moreStrings := write(btftest.New())
	moreStrings.NewString("x")
	for name, w := range map[string]struct {
		w              *btftest.Writer
		types, strings bool // equal to the base's
	}{
		"another type":       {moreTypes, false, true},
		"another string":     {moreStrings, true, false},
		"another byte order": {write(btftest.NewBigEndian()), false, true},
	} {
		f := fingerprint.Of(w.w.Table(t))
		if f.Base == base.Base || (f.Types == base.Types) != w.types || (f.Strings == base.Strings) != w.strings {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// A module's fingerprint is of what it adds.
	m := write(btftest.New()).Split()
	m.Ptr(1)
	f := fingerprint.Of(m.Table(t))
	if f.Types != sha256.Sum256([]byte{0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0}) || f.Strings != sha256.Sum256(nil) {
		t.Errorf("module: %+v", f)
	}
}

// TestText holds the text form of a digest, and that no other is read.
func TestText(t *testing.T) {
	digest := fingerprint.Digest(sha256.Sum256([]byte("x")))
	want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("x")))
	if digest.String() != want || digest.Short() != want[7:19] {
		t.Errorf("%s, short %s", digest, digest.Short())
	}
	if digest.IsZero() || !(fingerprint.Digest{}).IsZero() {
		t.Error("IsZero")
	}
	got, err := fingerprint.Parse(want)
	if err != nil || got != digest {
		t.Errorf("read back as %v, %v", got, err)
	}
	type doc struct{ Base fingerprint.Digest }
	out, err := json.Marshal(doc{digest})
	if err != nil || string(out) != `{"Base":"`+want+`"}` {
		t.Errorf("JSON %s, %v", out, err)
	}
	var in doc
	if err := json.Unmarshal(out, &in); err != nil || in.Base != digest {
		t.Errorf("JSON read back as %v, %v", in, err)
	}
	for _, s := range []string{
		"", "sha256:", want[7:], want[:70], want + "0", want + "00", " " + want, want + "\n",
		strings.ToUpper(want), "sha256:" + strings.ToUpper(want[7:]), "sha512:" + want[7:], strings.Replace(want, ":", "", 1),
		"sha256:sha256:" + want[14:], "sha256:g" + want[8:],
	} {
		if d, err := fingerprint.Parse(s); err == nil || !d.IsZero() {
			t.Errorf("%q was read as %v", s, d)
		}
	}
	if err := digest.UnmarshalText([]byte("sha256:00")); err == nil || digest.String() != want {
		t.Errorf("a refused text changed the digest to %v, %v", digest, err)
	}
}

// TestToken holds the form of a package's token, that it is read back, and that
// names which only look like one are not.
func TestToken(t *testing.T) {
	digest := fingerprint.Digest(sha256.Sum256([]byte("x")))
	for _, flavor := range []string{"default", "64kb", "rt_debug", "a.b+c-d", "vanilla"} {
		token := fingerprint.Token(flavor, digest)
		if want := "kernel-btf(" + flavor + ":" + digest.String() + ")"; token != want {
			t.Errorf("%s, want %s", token, want)
		}
		if f, d, ok := fingerprint.ParseToken(token); !ok || f != flavor || d != digest {
			t.Errorf("%s read back as %q %v %v", token, f, d, ok)
		}
	}
	for _, s := range []string{
		"", "kernel-btf", "kernel-btf()", "kernel(default)", "ksym(default:" + digest.String() + ")",
		fingerprint.Token("", digest), fingerprint.Token("-x", digest), fingerprint.Token("a b", digest),
		fingerprint.Token("a:b", digest), fingerprint.Token("a(b)", digest), fingerprint.Token("ä", digest),
		fingerprint.Token("default", digest) + " ", " " + fingerprint.Token("default", digest), fingerprint.Token("default", digest) + "\n",
		fingerprint.Token("default", digest) + " = 1", "x" + fingerprint.Token("default", digest),
		strings.ToUpper(fingerprint.Token("default", digest)), strings.Replace(fingerprint.Token("default", digest), "sha256:", "", 1),
		"kernel-btf(default:sha256:00)",
	} {
		if f, d, ok := fingerprint.ParseToken(s); ok || f != "" || !d.IsZero() {
			t.Errorf("%q was read as %q %v", s, f, d)
		}
	}
}

func TestRequirement(t *testing.T) {
	token := fingerprint.Token("default", fingerprint.Digest(sha256.Sum256([]byte("x"))))
	const release = "5.14.21-150400.22-default"
	rich := fingerprint.Requirement(token, release)
	if want := "((" + token + " with kernel-btf(uname-r:" + release + ")) if kernel-btf(uname-r:" + release + "))"; rich != want {
		t.Errorf("%s", rich)
	}
	for _, c := range []struct {
		name, token, release string
		ok                   bool
	}{
		{rich, token, release, true},
		{token, token, "", true},
		{fingerprint.Requirement(token, ""), token, "", true},
		{strings.Replace(rich, "150400.22", "150400.24", 1), "", "", false}, // of two kernelreleases
		{strings.Replace(rich, "sha256", "md5", 1), "", "", false},
		{"(" + rich + " or foo)", "", "", false},
		{fingerprint.ReleaseToken(release), "", "", false},
	} {
		got, r, ok := fingerprint.ParseRequirement(c.name)
		if ok != c.ok || ok && (got != c.token || r != c.release) {
			t.Errorf("%s: %s %s %v", c.name, got, r, ok)
		}
	}
	for name, want := range map[string]bool{rich: true, token: true, fingerprint.ReleaseToken(release): true, "kernel-default": false, "(kernel-btf(x) or y)": true} {
		if fingerprint.IsOurs(name) != want {
			t.Errorf("IsOurs(%s) is not %v", name, want)
		}
	}
	if got := fingerprint.Tokens(slices.Values([]string{rich, token, "glibc"})); !slices.Equal(got, []string{token}) {
		t.Errorf("%v", got)
	}
	named := fingerprint.Named(slices.Values([]string{rich, token, rich, "glibc", fingerprint.Requirement(token, "6.4.0-1-default")}))
	if got := named[token]; len(named) != 1 || !slices.Equal(got, []string{release, "6.4.0-1-default"}) {
		t.Errorf("%v", named)
	}
}
