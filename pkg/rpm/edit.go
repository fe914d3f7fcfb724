// SPDX-License-Identifier: Apache-2.0

package rpm

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An Edit says how the dependencies of a package are to change. Afterwards the
// package has what Add names, each once, and nothing that Drop said yes to.
type Edit struct {
	// Add is not added again where the package has the same already; whether a
	// generator wrote it does not matter for that. Of the flags only the
	// comparison and "found by a generator" may be set.
	Add []Relation

	// Drop, if not nil, says which dependencies to remove. It is asked about
	// each that the package has and Add does not name.
	Drop func(Relation) bool

	// DryRun checks everything, the payload too, and writes nothing.
	DryRun bool
}

// A Change is what an Edit did to a package, or would do. The zero value says
// that there was nothing to do.
type Change struct {
	Added, Dropped []Relation

	// Signatures names the signatures that were removed, since they no longer
	// hold, with rpm's words: "RSA", "DSA", "OPENPGP" (of the header), "PGP",
	// "GPG" (of header and payload).
	Signatures []string
}

// Empty says that the package was already as it should be.
func (c Change) Empty() bool { return len(c.Added)+len(c.Dropped) == 0 }

// A rewriting is the result of an edit of one package: all that will precede the
// payload.
type rewriting struct {
	change Change

	lead      []byte
	signature fieldList // but for the MD5
	header    []byte

	payloadSize int64
	checks      []*payloadCheck // against the old headers
}

// plan works out an edit of the package with header h, whose payload has
// payloadSize bytes. If nothing is to change, the rewriting has only that.
func (e *Edit) plan(h *header, lead []byte, payloadSize int64) (*rewriting, error) {
	if err := h.affordable(); err != nil {
		return nil, err
	}
	p, err := newPackage(h)
	if err != nil {
		return nil, err
	}
	if p.IsSource {
		return nil, fmt.Errorf("%s: source package: its dependencies are those of the build", p.NEVRA())
	}
	w := &rewriting{lead: lead, payloadSize: payloadSize}
	e = e.withFeature(p, h)
	var revisions []*revision
	for i, old := range p.dependencies() {
		r := e.revise(Kind(i), *old)
		revisions = append(revisions, r)
		*old = r.new
		for _, d := range r.added {
			w.change.Added = append(w.change.Added, Relation{r.kind, d})
		}
		for _, d := range r.dropped {
			w.change.Dropped = append(w.change.Dropped, Relation{r.kind, d})
		}
	}
	if w.change.Empty() {
		return w, nil
	}

	if err := h.blob.rewritable(headerKind); err != nil {
		return nil, err
	}
	list := h.blob.fields()
	for _, r := range revisions {
		if r.changed() {
			list.setDependencies(r.kind, r.new)
		}
	}
	if err := moveFileDependencies(h, &list, revisions); err != nil {
		return nil, err
	}
	w.header = list.marshal(headerKind)
	if w.checks, err = everyPayloadCheck(h); err != nil {
		return nil, err
	}
	w.signature, w.change.Signatures, err = newSignature(h.sig, w.header, payloadSize)
	if err != nil {
		return nil, err
	}
	return w, w.verify(p)
}

// affordable refuses a package whose rewriting would take too much memory: it has the
// header three times, the old one, the new one, and the new one read back.
func (h *header) affordable() error {
	if n := len(h.blob.raw); n > maxRewritten {
		return fmt.Errorf("header: %d bytes, at most %d are rewritten", n, maxRewritten)
	}
	for _, k := range kinds {
		if e, _ := h.blob.find(k.name); e != nil && e.count > maxRevised {
			return tagError(k.name, "count %d, at most %d are rewritten", e.count, maxRevised)
		}
	}
	return nil
}

// withFeature adds or drops what a package requires of rpm if it has rich dependencies.
func (e *Edit) withFeature(p *Package, h *header) *Edit {
	was, is := othersRich(h), othersRich(h)
	for i, old := range p.dependencies() {
		was = was || slices.ContainsFunc(*old, Dependency.isRich)
		is = is || slices.ContainsFunc(e.revise(Kind(i), *old).new, Dependency.isRich)
	}
	out := *e
	switch {
	case is && !was:
		out.Add = append(slices.Clone(e.Add), Relation{Requires, richFeature})
	case was && !is:
		out.Drop = func(r Relation) bool { return r.same(richFeature) || e.Drop != nil && e.Drop(r) }
	}
	return &out
}

// othersRich reports whether a package has rich dependencies of kinds that are not
// edited.
func othersRich(h *header) bool {
	for _, t := range []tag{tagConflictName, tagSuggestName, tagSupplementName, tagEnhanceName} {
		names, _ := h.strs(t)
		if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "(") }) {
			return true
		}
	}
	return false
}

// setDependencies writes the three arrays of a kind, or removes them.
func (l *fieldList) setDependencies(kind Kind, deps []Dependency) {
	names, versions, flags := make([]string, len(deps)), make([]string, len(deps)), make([]uint32, len(deps))
	for i, d := range deps {
		names[i], flags[i], versions[i] = d.Name, d.Flags, d.Version
	}
	k := kinds[kind]
	l.set(stringArray(k.name, names))
	l.set(int32Array(k.flags, flags))
	l.set(stringArray(k.version, versions))
}

// verify reads the new headers back like those of any package, which checks rpm's limits,
// and compares the dependencies with those wanted.
func (w *rewriting) verify(want *Package) error {
	front := w.front()
	h, err := readHeader(&known{io.MultiReader(bytes.NewReader(front), bytes.NewReader(w.header)), int64(len(front) + len(w.header))})
	if err != nil {
		return fmt.Errorf("with the new dependencies: %w", err)
	}
	got, err := newPackage(h)
	if err != nil {
		return fmt.Errorf("with the new dependencies: %w", err)
	}
	for kind, deps := range got.dependencies() {
		if !slices.Equal(*deps, *want.dependencies()[kind]) {
			return fmt.Errorf("with the new dependencies: %v read back otherwise than written", Kind(kind))
		}
	}
	return nil
}

// front is what precedes the header: lead and signature header.
func (w *rewriting) front() []byte {
	signature := w.signature.marshal(signatureKind)
	padding := make([]byte, -len(signature)&7)
	return slices.Concat(w.lead, signature, padding)
}

// write copies the payload from r to out and leaves room for the headers. It checks every
// digest that the old headers have, and only then writes the headers: until then out is
// not a package.
func (w *rewriting) write(ctx context.Context, out io.WriterAt, r io.Reader) error {
	sum := md5.New()
	sum.Write(w.header)
	start := int64(len(w.front()))
	to := []io.Writer{sum, io.NewOffsetWriter(out, start+int64(len(w.header)))}
	for _, c := range w.checks {
		to = append(to, c)
	}
	n, err := io.CopyBuffer(io.MultiWriter(to...), contextReader{ctx, r}, make([]byte, copyBuffer))
	if err != nil {
		return err
	}
	for _, c := range w.checks {
		if err := c.verify(); err != nil {
			return fmt.Errorf("payload: %w", err)
		}
	}
	if n != w.payloadSize {
		return fmt.Errorf("payload: %d bytes, there were %d when reading began", n, w.payloadSize)
	}
	w.signature.setMD5(sum.Sum(nil))
	if _, err := out.WriteAt(w.header, start); err != nil {
		return err
	}
	_, err = out.WriteAt(w.front(), 0)
	return err
}

// copyBuffer is how many bytes of payload are copied at a time.
const copyBuffer = 1 << 20

// A contextReader ends with the context's error. It hides all but Read, so that
// io.CopyBuffer uses its buffer.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// nowhere is what a dry run writes to.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// validate checks what the caller wants to add.
func (e *Edit) validate() error {
	var errs []error
	for _, r := range e.Add {
		errs = append(errs, r.validate())
	}
	return errors.Join(errs...)
}
