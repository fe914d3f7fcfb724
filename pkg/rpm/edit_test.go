// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

const token = "kernel-btf(default:sha256:00ff)"

var addToken = Edit{Add: []Relation{
	{Provides, plain(token)}, {Requires, plain(token)}, {Recommends, plain(token)},
}}

// isToken is what stamp --remove would ask.
func isToken(r Relation) bool { return strings.HasPrefix(r.Name, "kernel-btf(") }

// rewriteBytes is Rewrite in memory.
func rewriteBytes(pkg []byte, e Edit) ([]byte, Change, error) {
	in := bytes.NewReader(pkg)
	h, err := readHeader(in)
	if err != nil {
		return nil, Change{}, err
	}
	w, err := e.plan(h, pkg[:leadSize], int64(in.Len()))
	if err != nil || w.change.Empty() {
		return pkg, Change{}, err
	}
	var out memory
	if err := w.write(context.Background(), &out, in); err != nil {
		return nil, Change{}, err
	}
	return out, w.change, nil
}

// memory is a file to write to.
type memory []byte

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if more := int(at) + len(p) - len(*m); more > 0 {
		*m = append(*m, make([]byte, more)...)
	}
	return copy((*m)[at:], p), nil
}

// parts splits a package: fields of signature header and header, payload.
func parts(t testing.TB, pkg []byte) (signature, header fieldList, payload []byte) {
	t.Helper()
	in := bytes.NewReader(pkg)
	h, err := readHeader(in)
	if err != nil {
		t.Fatal(err)
	}
	return h.sig.fields(), h.blob.fields(), pkg[len(pkg)-in.Len():]
}

// without returns the list without some tags.
func (l fieldList) without(tags ...tag) fieldList {
	return slices.DeleteFunc(slices.Clone(l), func(f field) bool { return slices.Contains(tags, f.tag) })
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sameFields(a, b fieldList) bool {
	return slices.EqualFunc(a, b, func(a, b field) bool {
		return a.tag == b.tag && a.typ == b.typ && a.count == b.count && bytes.Equal(a.data, b.data)
	})
}

var dependencyTags = []tag{
	tagProvideName, tagProvideFlags, tagProvideVer, tagRequireName, tagRequireFlags, tagRequireVer,
	tagRecommendName, tagRecommendFlag, tagRecommendVer, tagDependsDict,
}

var dependingSignatureTags = []tag{sigSHA1, sigSHA256, sigSHA3, sigMD5, sigSize, sigLongSize}

// rewritten edits a package and checks what holds for every edit.
func rewritten(t testing.TB, pkg []byte, e Edit) ([]byte, Change) {
	t.Helper()
	before := bytes.Clone(pkg)
	out, change, err := rewriteBytes(pkg, e)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pkg, before) {
		t.Error("the old package was written to")
	}
	if _, _, err := readAll(out); err != nil {
		t.Fatalf("the new package: %v", err)
	}
	oldSig, oldHeader, oldPayload := parts(t, pkg)
	newSig, newHeader, newPayload := parts(t, out)
	if !bytes.Equal(oldPayload, newPayload) || !bytes.Equal(pkg[:leadSize], out[:leadSize]) {
		t.Error("payload or lead changed")
	}
	if !sameFields(oldHeader.without(dependencyTags...), newHeader.without(dependencyTags...)) {
		t.Error("other tags of the header changed")
	}
	if !sameFields(oldSig.without(dependingSignatureTags...), newSig.without(dependingSignatureTags...)) && len(change.Signatures) == 0 {
		t.Error("other tags of the signature header changed")
	}
	if again, change, err := rewriteBytes(out, e); err != nil || !change.Empty() || !bytes.Equal(again, out) {
		t.Errorf("a second time: %v, %v", change, err)
	}
	return out, change
}

// TestEditSamples adds to every binary package of the repository, takes it away
// again, and has the old package back byte for byte.
func TestEditSamples(t *testing.T) {
	all := map[string][]byte{
		"v6":                       testPackage{v6: true, stripped: true, compressor: "zstd"}.bytes(t),
		"without any dependencies": testPackage{}.bytes(t),
		"without files":            testPackage{files: []testFile{}}.bytes(t),
	}
	for _, path := range packages(t) {
		if !strings.Contains(path, "source.rpm") {
			all[path] = readFile(t, path)
		}
	}
	for name, pkg := range all {
		t.Run(name, func(t *testing.T) {
			out, change := rewritten(t, pkg, addToken)
			if !slices.Equal(change.Added, addToken.Add) || change.Dropped != nil || change.Signatures != nil {
				t.Errorf("%+v", change)
			}
			back, change := rewritten(t, out, Edit{Drop: isToken})
			if !slices.Equal(change.Dropped, addToken.Add) || change.Added != nil {
				t.Errorf("%+v", change)
			}
			if !bytes.Equal(back, pkg) {
				t.Error("added and removed, and not the same package")
			}
		})
	}
}

func TestEditRefused(t *testing.T) {
	signature := func(e ...testEntry) func([]testEntry) []testEntry {
		return func(sig []testEntry) []testEntry {
			for _, e := range e {
				sig = insert(e)(sig)
			}
			return sig
		}
	}
	for _, tt := range []struct {
		name string
		pkg  testPackage
		err  string
	}{
		{"source package", testPackage{header: remove(tagSourceRPM)}, "kernel-default-2:5.15.12-1.1.src: source package"},
		{"format 7", testPackage{header: func(e []testEntry) []testEntry { return append(e, i32(tagRPMFormat, 7)) }}, "tag 5114 (RPMFORMAT): 7, only 4 and 6 are known"},
		{"unknown tag in the signature header", testPackage{sig: signature(bin(1009, []byte("?")))}, "signature header: tag 1009: not known"},
		{"payload damaged", testPackage{afterwards: func(p []byte, _ int) []byte { p[len(p)-200] ^= 1; return p }}, "payload: payload digest is "},
		{"payload cut", testPackage{afterwards: func(p []byte, _ int) []byte { return p[:len(p)-1] }}, "payload: cut short, "},
		{"bytes behind the payload", testPackage{afterwards: func(p []byte, _ int) []byte { return append(p, 0) }}, "payload: too long: header and payload have "},
		{"header damaged", testPackage{afterwards: func(p []byte, h int) []byte { p[h+introSize+22*entrySize] ^= 1; return p }}, "header: "},
		{"MD5 wrong", testPackage{sig: func(s []testEntry) []testEntry { return replace(bin(sigMD5, make([]byte, 16)))(s) }}, "payload: MD5 of header and payload is "},
		{"DEPENDSDICT beyond", testPackage{header: insert(i32(tagDependsDict, 'P'<<24|1))}, "tag 1145 (DEPENDSDICT): entry 0 points to Provides 1 of 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := rewriteBytes(tt.pkg.bytes(t), addToken)
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// TestFileDependencies drops and adds where files have dependencies of their own.
func TestFileDependencies(t *testing.T) {
	p, r := uint32('P')<<24, uint32('R')<<24
	suggests := uint32('s')<<24 | 99 // a kind that is not looked at
	pkg := testPackage{
		files: []testFile{{path: "/a"}, {path: "/b"}, {path: "/c"}, {path: "/d"}},
		header: func(e []testEntry) []testEntry {
			for _, x := range []testEntry{
				strs(tagProvideName, "b", "kernel-btf(old)", "m"), i32(tagProvideFlags, 0, SenseFindProvides, SenseFindProvides), strs(tagProvideVer, "", "", ""),
				strs(tagRequireName, "libc"), i32(tagRequireFlags, SenseFindRequires), strs(tagRequireVer, ""),
				i32(tagFileDependsX, 0, 1, 0, 4), i32(tagFileDependsN, 1, 3, 0, 1),
				i32(tagDependsDict, p|1, p|2, r, suggests, p|1),
			} {
				e = insert(x)(e)
			}
			return e
		},
	}.bytes(t)
	edit := Edit{Add: []Relation{{Provides, plain("a")}, {Requires, plain(token)}}, Drop: isToken}
	out, change, err := rewriteBytes(pkg, edit)
	if err != nil {
		t.Fatal(err)
	}
	if len(change.Added) != 2 || len(change.Dropped) != 1 {
		t.Errorf("%+v", change)
	}
	h, err := readHeader(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []testEntry{
		strs(tagProvideName, "a", "b", "m"),
		strs(tagRequireName, token, "libc"),
		i32(tagDependsDict, p|2, r|1, suggests),
		i32(tagFileDependsX, 0, 0, 0, 0),
		i32(tagFileDependsN, 0, 3, 0, 0),
	} {
		if _, got := h.blob.find(want.tag); !bytes.Equal(got, want.data) {
			t.Errorf("tag %v: %q, want %q", want.tag, got, want.data)
		}
	}
}

func TestSignatureHeader(t *testing.T) {
	room := func(n int) testEntry { return bin(sigReservedSpace, make([]byte, n)) }
	unsigned := testPackage{sig: func(s []testEntry) []testEntry {
		return append(slices.Clone(s), room(4128))
	}}
	// As rpmsign does: 300 bytes of signature and 16 of index out of the room.
	signed := testPackage{sig: func(s []testEntry) []testEntry {
		s = append([]testEntry{bin(sigRSA, make([]byte, 300))}, s...)
		return append(s, room(4128-316))
	}}
	// Without room, with all other kinds, and with what stays.
	full := testPackage{sig: func(s []testEntry) []testEntry {
		s = slices.Concat([]testEntry{bin(sigDSA, []byte("D")), bin(sigRSA, []byte("R"))}, s[:1], []testEntry{
			strs(sigFiles, "030204"), i32(sigFilesLen, 3), strs(sigVerity, "AAAA"), i32(sigVerityAlgo, 1), strs(sigOpenPGP, "T1BHUA==", "T1BHUA=="),
		}, s[1:])
		return append(insert(bin(sigPGP, []byte("P")))(s), bin(sigGPG, []byte("G")), i32(sigPayloadSize, 5))
	}}

	want, change := rewritten(t, unsigned.bytes(t), addToken)
	if change.Signatures != nil {
		t.Errorf("dropped %v", change.Signatures)
	}
	got, change := rewritten(t, signed.bytes(t), addToken)
	if !slices.Equal(change.Signatures, []string{"RSA"}) {
		t.Errorf("dropped %v", change.Signatures)
	}
	if !bytes.Equal(got, want) {
		t.Error("signed and rewritten is not as if it had never been signed")
	}
	got, change = rewritten(t, full.bytes(t), addToken)
	if !slices.Equal(change.Signatures, []string{"DSA", "RSA", "OPENPGP", "PGP", "GPG"}) {
		t.Errorf("dropped %v", change.Signatures)
	}
	sig, _, _ := parts(t, got)
	var tags []tag
	for _, f := range sig {
		tags = append(tags, f.tag)
	}
	if !slices.Equal(tags, []tag{sigSHA256, sigFiles, sigFilesLen, sigVerity, sigVerityAlgo, sigSize, sigMD5, sigPayloadSize}) {
		t.Errorf("tags %v", tags)
	}
}

// TestSignatureHeaderV6 does the same with a real package of format 6, to which
// it gives the two signatures that such a package can have.
func TestSignatureHeaderV6(t *testing.T) {
	pkg := readFile(t, "testdata/v6.rpm")
	sig, header, payload := parts(t, pkg)
	size := len(sig.marshal(signatureKind))
	for _, f := range []field{stringArray(sigOpenPGP, []string{"AAAA", "BBBB"}), {sigRSA, typeBin, 5, []byte("after")}} {
		sig.set(f)
	}
	room := size - len(sig.marshal(signatureKind)) // less than 0
	at, _ := sig.search(sigReserved)
	left := sig[at].data[:len(sig[at].data)+room]
	sig.set(field{sigReserved, typeBin, uint32(len(left)), left})

	signed := slices.Concat(pkg[:leadSize], pad8(sig.marshal(signatureKind)), header.marshal(headerKind), payload)
	if len(signed) != len(pkg) {
		t.Fatalf("signed: %d bytes, were %d", len(signed), len(pkg))
	}
	want, _ := rewritten(t, pkg, addToken)
	got, change := rewritten(t, signed, addToken)
	if !slices.Equal(change.Signatures, []string{"RSA", "OPENPGP"}) {
		t.Errorf("dropped %v", change.Signatures)
	}
	if !bytes.Equal(got, want) {
		t.Error("signed and rewritten is not as if it had never been signed")
	}
}

// TestSignatureOutsideRegion has a tag that a signing program appended: it is
// kept, or dropped, like the others, and in the region afterwards.
func TestSignatureOutsideRegion(t *testing.T) {
	pkg := testPackage{
		sig: func(s []testEntry) []testEntry {
			return append(s, i32(sigPayloadSize, 5), bin(sigReservedSpace, make([]byte, 32)))
		},
		sigRaw: func(b []byte) []byte {
			h, err := readBlob(bytes.NewReader(pad8(b)), signatureKind)
			if err != nil {
				t.Fatal(err)
			}
			fields := h.fields()
			inside := fields.marshal(signatureKind)
			// One more row and its data behind the trailer.
			rows, data := len(fields)+1, len(inside)-introSize-(len(fields)+1)*entrySize
			out := slices.Clone(inside[:introSize+rows*entrySize])
			out = appendRow(out, sigRSA, typeBin, uint32(data), 3)
			out = append(append(out, inside[introSize+rows*entrySize:]...), "RSA"...)
			return patchIntro(1, uint32(data+3))(patchIntro(0, uint32(rows+1))(out))
		},
	}.bytes(t)
	out, change := rewritten(t, pkg, addToken)
	if !slices.Equal(change.Signatures, []string{"RSA"}) {
		t.Errorf("dropped %v", change.Signatures)
	}
	h, err := readHeader(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.sig.rewritable(signatureKind); err != nil {
		t.Error(err)
	}
}

func pad8(b []byte) []byte { return append(slices.Clone(b), make([]byte, -len(b)&7)...) }

// TestSizeLimit has a payload so long that SIZE cannot say it.
func TestSizeLimit(t *testing.T) {
	h, err := readHeader(bytes.NewReader(testPackage{}.bytes(t)))
	if err != nil {
		t.Fatal(err)
	}
	main := h.blob.raw
	if _, _, err := newSignature(h.sig, main, math.MaxUint32-1-int64(len(main))); err != nil {
		t.Error(err)
	}
	if _, _, err := newSignature(h.sig, main, math.MaxUint32-int64(len(main))); err == nil || !strings.Contains(err.Error(), "it holds less than 4 GiB") {
		t.Errorf("error %v", err)
	}
}
