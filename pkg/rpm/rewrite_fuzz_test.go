// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sassoftware/go-rpmutils"
)

// FuzzRewrite edits headers whose digests nobody has looked at. What comes out
// has right digests, exactly the dependencies that should be there, and
// everything else as it was.
func FuzzRewrite(f *testing.F) {
	for _, p := range []testPackage{{}, {v6: true, stripped: true}} {
		addHeaders(f, p.bytes(f))
	}
	for _, path := range packages(f) {
		pkg, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		addHeaders(f, pkg)
	}
	f.Fuzz(func(t *testing.T, sig, main []byte, name, version string, drop byte) {
		h := looseHeader(sig, main)
		if h == nil {
			return
		}
		add := Relation{Kind(drop & 1), Dependency{Name: name, Version: version}}
		if version != "" {
			add.Flags = SenseEqual
		}
		edit := Edit{Add: []Relation{add}, Drop: func(r Relation) bool {
			return r.Name != "" && r.Name[len(r.Name)-1] == drop
		}}
		if edit.validate() != nil {
			return
		}
		old, err := newPackage(h)
		if err != nil {
			return
		}
		w, err := edit.plan(h, testLead(), 0)
		if err != nil || w.change.Empty() {
			return
		}
		w.checks = nil // there is no payload
		var out memory
		if err := w.write(context.Background(), &out, strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
		again, err := readHeader(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		got, err := newPackage(again)
		if err != nil {
			t.Fatal(err)
		}
		for kind := range kinds {
			want := expected(edit, Kind(kind), *old.dependencies()[kind])
			have := slices.Clone(*got.dependencies()[kind])
			if slices.IsSortedFunc(*old.dependencies()[kind], compareDependencies) && !slices.IsSortedFunc(have, compareDependencies) {
				t.Errorf("%v: not sorted: %v", Kind(kind), have)
			}
			slices.SortFunc(have, compareDependencies)
			if !slices.Equal(have, want) {
				t.Errorf("%v: %v, want %v", Kind(kind), have, want)
			}
		}
		ignored := append([]tag{tagFileDependsX, tagFileDependsN}, dependencyTags...)
		if !sameFields(h.blob.fields().without(ignored...), again.blob.fields().without(ignored...)) {
			t.Error("other tags changed")
		}
		if err := again.blob.rewritable(headerKind); err != nil {
			t.Error(err)
		}
		if w, err := edit.plan(again, testLead(), 0); err != nil || !w.change.Empty() {
			t.Errorf("a second time: %v, %v", w, err)
		}
	})
}

// expected is what an edit should make of the dependencies of a kind, sorted.
func expected(e Edit, kind Kind, old []Dependency) (want []Dependency) {
	add := e.Add[0]
	found := add.Kind != kind
	for _, d := range old {
		same := add.Kind == kind && add.same(d)
		found = found || same
		if same || !e.Drop(Relation{kind, d}) {
			want = append(want, d)
		}
	}
	if !found {
		want = append(want, add.Dependency)
	}
	slices.SortFunc(want, compareDependencies)
	return want
}

// addHeaders adds the two headers of a package to the corpus.
func addHeaders(f *testing.F, pkg []byte) {
	h, err := readHeader(bytes.NewReader(pkg))
	if err != nil {
		f.Fatal(err)
	}
	if len(pkg) < 64<<10 {
		f.Add(h.sig.raw, h.blob.raw, token, "", byte(')'))
		f.Add(h.sig.raw, h.blob.raw, "sample", "1", byte('h'))
	}
}

func testLead() []byte {
	lead := make([]byte, leadSize)
	copy(lead, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0})
	lead[79] = headerStyleSignature
	return lead
}

// looseHeader is readHeader without looking at digests, nil if there is no header.
func looseHeader(sig, main []byte) *header {
	h := &header{}
	var err error
	if h.sig, err = readBlob(bytes.NewReader(pad8(sig)), signatureKind); err != nil {
		return nil
	}
	if h.blob, err = readBlob(bytes.NewReader(main), headerKind); err != nil {
		return nil
	}
	if h.tags, err = rpmutils.ReadHeader(h.small(testLead())); err != nil {
		return nil
	}
	return h
}
