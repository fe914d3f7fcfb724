// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/obs-btf-guard/obs-btf-guard/internal/cache"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/guard"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/kernel"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/rpm"
)

// What was read of a package is kept by the digest of its header, which has the digest of
// the payload: the same package holds the same. A package of which something could not be
// read is not kept.

// Parts of an entry of the cache.
const (
	keptModules = 1 // paths and modules, each with its length in front
	keptTable   = 2 // the .BTF of an image, in the order of keptPackage.Images, which comes after
	keptRest    = 3 // a keptPackage, by gob
	keptFound   = 4 // what [guard.Judge] found, alone in its entry
)

// maxRest is the most bytes of an entry beside its modules: several kernels with their
// tables.
const maxRest = 2 * cache.MaxPart

// partSize is how many bytes of modules make a part.
const partSize = 512 << 10

// keptPackage is what a package holds beside its modules.
type keptPackage struct {
	Header   *guard.Package   // what its header says
	Provides []rpm.Dependency // those of symbols
	Modules  int
	Images   []keptImage
	Configs  map[string]kernel.Config
	Symvers  map[string]symvers
}

// keptImage is an openedImage without its table and its ELF.
type keptImage struct {
	kernel.Facts
	Paths     []string
	Big       bool // Order
	HasBTF    bool
	Ksymtab   []string
	Compilers []string
}

func keptOf(o openedImage) keptImage {
	i := o.image
	return keptImage{i.Facts, o.paths, i.Order == binary.BigEndian, i.BTF != nil, o.ksymtab, o.compilers}
}

func (k keptImage) opened(table []byte) openedImage {
	order := binary.ByteOrder(binary.LittleEndian)
	if k.Big {
		order = binary.BigEndian
	}
	return openedImage{k.Paths, &kernel.Image{Facts: k.Facts, Order: order, BTF: table}, k.Ksymtab, k.Compilers}
}

// keeping writes the entry of one package. A nil one keeps nothing.
type keeping struct {
	writer  *cache.Writer
	pending sync.WaitGroup // modules on their way
	failed  atomic.Bool    // something of the package could not be read, or kept

	mu      sync.Mutex
	part    []byte
	modules int
	spare   [][]byte
}

// keyOf is the key of a package in the cache, "" for one that is not kept.
func (c *collector) keyOf(p *rpm.Reader) string {
	if c.sources.Cache == nil || !p.Pinned() {
		return ""
	}
	return p.Package.HeaderDigest
}

// keep begins to keep a package, if the whole of it is read.
func (c *collector) keep(key string, origin guard.Origin) *keeping {
	if key == "" || c.sources.basesOnly || kernelsOnly(origin) {
		return nil
	}
	w, err := c.sources.Cache.Create(key)
	if err != nil {
		return nil
	}
	return &keeping{writer: w}
}

// expect says that a module will come; arrived that it has.
func (k *keeping) expect() {
	if k != nil {
		k.pending.Add(1)
	}
}

func (k *keeping) arrived() {
	if k != nil {
		k.pending.Done()
	}
}

func (k *keeping) fail() {
	if k != nil {
		k.failed.Store(true)
	}
}

// add keeps a module, if all of it was read.
func (k *keeping) add(of *guard.Module, m *kernel.Module, whole bool) {
	if k == nil || k.failed.Load() {
		return
	}
	if !whole {
		k.fail()
		return
	}
	path := of.Path
	k.mu.Lock()
	if k.part == nil {
		k.part = make([]byte, 0, partSize+partSize/4)
	}
	begin := len(k.part)
	k.part = append(binary.AppendUvarint(append(k.part, 0, 0, 0, 0), uint64(len(path))), path...)
	k.part, _ = m.AppendBinary(k.part)
	if n := len(k.part) - begin - 4; n <= cache.MaxPart {
		binary.LittleEndian.PutUint32(k.part[begin:], uint32(n))
	}
	k.modules++
	var full []byte
	if len(k.part) >= partSize {
		full, k.part = k.part, nil
		if n := len(k.spare); n > 0 {
			k.part, k.spare = k.spare[n-1], k.spare[:n-1]
		}
	}
	k.mu.Unlock()
	if full == nil {
		return
	}
	if k.writer.Add(keptModules, full) != nil {
		k.fail()
	}
	if cap(full) <= 2*partSize {
		k.mu.Lock()
		k.spare = append(k.spare, full[:0])
		k.mu.Unlock()
	}
}

// end completes the entry of a package that was read to its end, or gives it up.
func (k *keeping) end(r *packageReader, header *rpm.Package, whole bool) {
	if k == nil {
		return
	}
	k.pending.Wait()
	if !whole || k.failed.Load() || len(k.part) > 0 && k.writer.Add(keptModules, k.part) != nil {
		k.writer.Abort()
		return
	}
	described, err := describe(header) // as the header has it, whoever asked for it
	if err != nil {
		k.writer.Abort()
		return
	}
	rest := keptPackage{Header: described, Modules: k.modules, Configs: r.configs, Symvers: r.symvers}
	for _, d := range header.Provides {
		if _, _, _, ok := kernel.ParseKsym(d.Name, d.Version); ok {
			rest.Provides = append(rest.Provides, d)
		}
	}
	for _, i := range r.images {
		rest.Images = append(rest.Images, keptOf(i))
		if i.image.BTF != nil && k.writer.Add(keptTable, i.image.BTF) != nil {
			k.writer.Abort()
			return
		}
	}
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(rest) != nil || k.writer.Add(keptRest, b.Bytes()) != nil {
		k.writer.Abort()
		return
	}
	_ = k.writer.Commit()
}

// recall takes over what was kept of a package, once its payload is seen to be the one
// that was read. It reports whether it has all of it; else nothing was taken over.
func (r *packageReader) recall(p *rpm.Reader, key string) bool {
	if key == "" {
		return false
	}
	entry := r.sources.Cache.Open(key)
	if entry == nil {
		return false
	}
	defer entry.Close()
	verified := make(chan error, 1)
	go func() { verified <- p.Verify() }()
	k, err := r.unpackKept(entry, key)
	switch damaged := <-verified; {
	case damaged != nil, r.ctx.Err() != nil:
		return false // what is wrong is said when it is read
	case err != nil:
		r.sources.Cache.Drop(key)
		return false
	}
	r.takeOver(k)
	return true
}

// readRemembered takes over what is kept of a package that is not here.
func (c *collector) readRemembered(p Remembered) {
	if err := c.takeRemembered(p); err != nil && c.ctx.Err() == nil {
		c.problem(p.Path, guard.New, err)
	}
}

func (c *collector) takeRemembered(p Remembered) error {
	entry := c.sources.Cache.Open(p.Digest)
	if entry == nil {
		return ErrForgotten
	}
	defer entry.Close()
	r := newPackageReader(c, nil, &guard.Package{Origin: guard.New}, 0)
	k, err := r.unpackKept(entry, p.Digest)
	switch {
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case err != nil:
		c.sources.Cache.Drop(p.Digest)
		return fmt.Errorf("%w: %w", ErrForgotten, err)
	}
	*r.pkg = *k.rest.Header
	r.pkg.Sealed = true // nothing else is kept
	c.addPackage(file{path: p.Path, argument: p.Path, origin: guard.New}, r.pkg)
	r.takeOver(k)
	r.addBases(k.rest.Provides)
	return nil
}

// takeOver takes over what was kept.
func (r *packageReader) takeOver(k *unpacked) {
	maps.Copy(r.configs, k.rest.Configs)
	maps.Copy(r.symvers, k.rest.Symvers)
	r.images = append(r.images, k.images...)
	for _, m := range k.modules {
		r.sources.Progress.module()
		if err := r.account(m); err != nil {
			r.unread([]*guard.Module{m}, err)
			continue
		}
		r.addModule(m)
	}
}

// judged keeps small things that were found, each in an entry of its own with the digest
// of its key in front.
type judged struct{ dir *cache.Dir }

// judgedName is no header digest, which packages go by.
func judgedName(digest [sha256.Size]byte) string { return "judged-" + hex.EncodeToString(digest[:]) }

// Get implements [guard.Memory].
func (j judged) Get(key []byte) []byte {
	digest := sha256.Sum256(key)
	entry := j.dir.Open(judgedName(digest))
	if entry == nil {
		return nil
	}
	defer entry.Close()
	part, err := entry.Next()
	if err != nil || part.Kind != keptFound {
		return nil
	}
	var u cache.Unpacker
	defer u.Close()
	kept, err := u.Unpack(part)
	value, ok := bytes.CutPrefix(kept, digest[:])
	if err != nil || !ok {
		return nil
	}
	return value
}

// Put implements [guard.Memory].
func (j judged) Put(key, value []byte) {
	digest := sha256.Sum256(key)
	w, err := j.dir.Create(judgedName(digest))
	switch {
	case err != nil:
	case w.Add(keptFound, append(digest[:], value...)) != nil:
		w.Abort()
	default:
		_ = w.Commit()
	}
}

// unpacked is what an entry holds.
type unpacked struct {
	modules []*guard.Module
	rest    *keptPackage
	images  []openedImage
}

// complete puts tables into their images.
func (u *unpacked) complete(tables [][]byte) error {
	for _, k := range u.rest.Images {
		var table []byte
		if k.HasBTF && len(tables) == 0 {
			return errKept
		} else if k.HasBTF {
			table, tables = tables[0], tables[1:]
		}
		u.images = append(u.images, k.opened(table))
	}
	if len(tables) > 0 {
		return errKept
	}
	return nil
}

var errKept = errors.New("not what is kept of a package")

// unpackKept reads an entry, on all cores. It has to be that of the package whose header
// has the digest.
func (r *packageReader) unpackKept(entry *cache.Entry, digest string) (*unpacked, error) {
	var (
		mu      sync.Mutex
		out     unpacked
		failed  error
		workers sync.WaitGroup
	)
	parts := make(chan cache.Part)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			var u cache.Unpacker
			defer u.Close()
			for part := range parts {
				data, err := u.Unpack(part)
				var some []*guard.Module
				if err == nil {
					some, err = r.decodeModules(data)
				}
				mu.Lock()
				out.modules = append(out.modules, some...)
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	tables, rest, err := r.unpackRest(entry, parts)
	close(parts)
	workers.Wait()
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	if rest.Header == nil || rest.Header.Digest != digest {
		return nil, errKept
	}
	if out.rest = rest; r.wantsModules() && len(out.modules) != rest.Modules {
		return nil, errKept
	}
	return &out, out.complete(tables)
}

// unpackRest goes through an entry and sends the parts with modules on.
func (r *packageReader) unpackRest(entry *cache.Entry, parts chan<- cache.Part) (tables [][]byte, rest *keptPackage, err error) {
	var u cache.Unpacker
	defer u.Close()
	unpacked := 0 // bytes, of what is no part with modules
	for {
		part, err := entry.Next()
		switch {
		case err == io.EOF && rest != nil:
			return tables, rest, nil
		case err == io.EOF:
			return nil, nil, errKept
		case err != nil:
			return nil, nil, err
		case r.ctx.Err() != nil:
			return nil, nil, r.ctx.Err()
		case part.Kind == keptModules:
			if r.wantsModules() {
				parts <- part
			}
			continue
		}
		data, err := u.Unpack(part)
		if err != nil {
			return nil, nil, err
		}
		if unpacked += len(data); unpacked > maxRest {
			return nil, nil, errKept
		}
		if part.Kind == keptTable {
			tables = append(tables, bytes.Clone(data))
			continue
		}
		rest = new(keptPackage)
		if err := gob.NewDecoder(bytes.NewReader(data)).Decode(rest); err != nil {
			return nil, nil, err
		}
	}
}

// decodeModules reads a part with modules.
func (r *packageReader) decodeModules(data []byte) (out []*guard.Module, err error) {
	for len(data) > 0 {
		if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
			return nil, errKept
		}
		one := data[4 : 4+binary.LittleEndian.Uint32(data)]
		data = data[4+len(one):]
		n, size := binary.Uvarint(one)
		if size <= 0 || n > uint64(len(one)-size) {
			return nil, errKept
		}
		path := string(one[size : size+int(n)])
		opened, err := kernel.DecodeModule(one[size+int(n):])
		if err != nil {
			return nil, err
		}
		opened.BTF, opened.BTFBase = bytes.Clone(opened.BTF), bytes.Clone(opened.BTFBase)
		m := r.module(path)
		if err := m.Describe(opened); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// wantsModules reports whether the modules of the package matter.
func (r *packageReader) wantsModules() bool {
	return !r.sources.basesOnly && !kernelsOnly(r.pkg.Origin)
}

// problem is that of the collector. A package with one is not kept.
func (r *packageReader) problem(path string, origin guard.Origin, err error) {
	r.keeping.fail()
	r.collector.problem(path, origin, err)
}

// module is a module of the package that is yet to be opened.
func (r *packageReader) module(path string) *guard.Module {
	release, _ := kernel.ReleaseFromPath(path)
	return &guard.Module{Package: r.pkg, Path: path, Origin: r.pkg.Origin, Release: release}
}
