// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

const noDigest = "0000000000000000000000000000000000000000000000000000000000000000"

// headers are lies in an RPM's lead, signature header and header.
func (c *Corpus) headers() {
	const kind = "header"
	lie := func(name string, p Package) {
		c.pkg(kind, name, p, "check --no-db $DIR", "stamp $DIR", "audit --no-db $DIR", "fingerprint $DIR/"+ours)
	}
	intro := func(name string, at int, v uint32) { lie(name, Package{Header: patch32(at, v)}) }
	index := func(name string, entry, field int, v uint32) { lie(name, Package{Header: patchEntry(entry, field, v)}) }
	tags := func(name string, f func([]entry) []entry) { lie(name, Package{Tags: f}) }
	signature := func(name string, f func([]entry) []entry) { lie(name, Package{Signature: f}) }
	lead := func(name string, at int, s string) {
		lie(name, Package{After: func(pkg []byte, _ int) []byte { return patch(at, s)(pkg) }})
	}

	intro("no tags", introTags, 0)
	intro("65535 tags", introTags, 0xffff)
	intro("4 billion tags", introTags, 0xffffffff)
	intro("no data", introData, 0)
	intro("256 MiB of data, not there", introData, 0x0fffffff)
	intro("4 GiB of data", introData, 0xffffffff)
	lie("magic", Package{Header: patch(0, "\x8e\xad\xe8\x02")})

	index("region of strings", 0, fieldType, 6)
	index("region of 15 bytes", 0, fieldCount, 15)
	index("region far away", 0, fieldOffset, 0x7fffffff)
	index("region at the begin", 0, fieldOffset, 0)
	index("region missing", 0, fieldTag, 61)
	index("region of a signature", 0, fieldTag, regionSignature)
	lie("trailer of one entry", Package{Header: patch32(-8, 0xfffffff0)})
	lie("trailer backwards", Package{Header: patch32(-8, 16)})
	lie("trailer smallest int", Package{Header: patch32(-8, 0x80000000)})
	index("offset negative", 3, fieldOffset, 0xffffffff)
	index("offset overlaps", 5, fieldOffset, 0)
	index("count 0", 5, fieldCount, 0)
	index("count 4 billion", 5, fieldCount, 0xffffffff)
	index("type 0", 5, fieldType, 0)
	index("type 10", 5, fieldType, 10)
	index("type 4 billion", 5, fieldType, 0xffffffff)
	index("tag twice", 2, fieldTag, tagName)
	index("tag 0", 2, fieldTag, 0)
	index("tag 4 billion", 2, fieldTag, 0xffffffff)

	tags("name missing", without(tagName))
	tags("version missing", without(tagVersion))
	tags("architecture missing", without(tagArch))
	tags("name empty", set(text(tagName, "")))
	tags("name a number", set(words(tagName, 7)))
	tags("names too few", set(texts(tagBaseNames, "a")))
	tags("folder 99 of 2", set(words(tagDirIndexes, 0, 1, 99)))
	tags("folder 4 billion", set(words(tagDirIndexes, 0, 1, 0xffffffff)))
	tags("modes too few", set(shorts(tagModes, 1)))
	tags("sizes too few", set(words(tagSizes, 1)))
	tags("sizes 4 GiB", set(words(tagSizes, 0xffffffff, 0xffffffff, 0xffffffff)))
	tags("sizes of two kinds", set(longs(tagLongSizes, 1, 2, 3)))
	tags("sizes 2^64", func(list []entry) []entry {
		return set(longs(tagLongSizes, 1<<64-1, 1<<64-1, 1<<64-1))(without(tagSizes)(list))
	})
	tags("path leads up", set(texts(tagDirNames, modules+"../../../etc/", modules+"kernel/drivers/hid/", modules)))
	tags("format 6 without its digests", set(words(tagFormat, 6)))
	tags("format 7", set(words(tagFormat, 7)))
	tags("payload of delta RPM", set(text(tagPayloadFormat, "drpm")))
	tags("two payload digests", set(texts(tagPayloadDigest, noDigest, noDigest)))
	tags("payload digest MD5", set(words(tagDigestAlgo, 1)))
	tags("payload digest algorithm 4 billion", set(words(tagDigestAlgo, 0xffffffff)))
	tags("provides of three lengths", set(texts(tagProvides, "a", "b"), words(tagProvideFlags, 1), texts(tagProvideVers, "1", "2")))
	tags("token is none", provides("kernel-btf(default:sha256:zz)"))
	tags("token with escapes", provides("kernel-btf(\x1b[31m\nX:sha256:"+noDigest+")"))
	tags("100,000 tokens", func(list []entry) []entry {
		return provides(numbered(100000, "kernel-btf(default:sha256:%064x)")...)(list)
	})
	tags("a million provides", func(list []entry) []entry { return provides(numbered(0xfffff, "a")...)(list) })
	tags("240,000 provides", func(list []entry) []entry { return provides(numbered(240000, "a")...)(list) })
	tags("39 MiB of one tag", func(list []entry) []entry { return set(raw(5116, make([]byte, 39<<20)))(list) })
	tags("200 MiB of one tag", func(list []entry) []entry { return set(raw(5116, make([]byte, 200<<20)))(list) })

	signature("SHA-256 wrong", set(text(sigSHA, noDigest)))
	signature("SHA-256 a number", set(words(sigSHA, 1)))
	signature("MD5 of one byte", func(list []entry) []entry { return set(raw(sigMD5, []byte("1")))(without(sigSHA)(list)) })
	signature("no digest at all", func([]entry) []entry { return []entry{words(sigSize, 5)} })
	signature("size wrong", set(words(sigSize, 5)))
	lie("signature of 33 tags", Package{SigHeader: patch32(introTags, 33)})
	lie("signature of 64 MiB, not there", Package{SigHeader: patch32(introData, 64<<20)})
	lie("signature tag twice", Package{SigHeader: patchEntry(2, fieldTag, sigSHA)})
	lead("lead magic", 0, "\x00")
	lead("lead version 9", 4, "\x09")
	lead("lead signature type 0", 78, "\x00\x00")

	// Names that cost more than they are long.
	c.pkg(kind, "300,000 names in a long folder", manyFiles(300000, longFolder(), 0o40755), "check --no-db $DIR", "stamp $DIR")
	c.pkg(kind, "a million names in a long folder", manyFiles(0xfffff, longFolder(), 0o40755), "check --no-db $DIR")
	c.pkg(kind, "a million short names", manyFiles(0xfffff, modules+"source/", 0o40755), "check --no-db $DIR")
	c.pkg(kind, "a million modules without content", manyFiles(0xfffff, modules+"kernel/", 0o100644), "check --no-db $DIR")
	c.pkg(kind, "200,000 kernelreleases", Package{Files: []File{}, Tags: func(list []entry) []entry {
		const n = 200000
		rows := make([]uint32, n)
		for i := range rows {
			rows[i] = uint32(i)
		}
		return set(append(fileTags(n, 0o100644), words(tagDirIndexes, rows...),
			texts(tagBaseNames, numbered(n, "a.ko")...), texts(tagDirNames, numbered(n, "/lib/modules/%d/kernel/")...))...)(list)
	}}, "check --no-db $DIR")
}

// longFolder is as long as a path may be, nearly.
func longFolder() string { return modules + strings.Repeat(strings.Repeat("d", 200)+"/", 19) }

// numbered writes the numbers below n into a format, one after the other.
func numbered(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = format
		if strings.Contains(format, "%") {
			out[i] = fmt.Sprintf(format, i)
		}
	}
	return out
}

// manyFiles is a package that says it has n files in one folder, and has none.
func manyFiles(n int, folder string, mode uint16) Package {
	names := "%x"
	if mode&0o170000 == 0o100000 {
		names = "%x.ko"
	}
	return Package{Files: []File{}, Tags: func(list []entry) []entry {
		return set(append(fileTags(n, mode), words(tagDirIndexes, make([]uint32, n)...),
			texts(tagBaseNames, numbered(n, names)...), texts(tagDirNames, folder))...)(list)
	}}
}

// fileTags are sizes, modes and links of n empty files.
func fileTags(n int, mode uint16) []entry {
	return []entry{
		words(tagSizes, make([]uint32, n)...),
		shorts(tagModes, slices.Repeat([]uint16{mode}, n)...),
		texts(tagLinks, make([]string, n)...),
	}
}

// truncated are packages that end too early, at each border and beside it.
func (c *Corpus) truncated() {
	const kind = "truncated"
	cut := func(name string, at func(pkg []byte, header int) int) {
		c.pkg(kind, name, Package{After: func(pkg []byte, header int) []byte { return pkg[:at(pkg, header)] }},
			"check --no-db $DIR", "explain $DIR/"+ours+" $DIR/"+ours, "stamp --verify $DIR")
	}
	fixed := func(name string, n int) { cut(name, func([]byte, int) int { return n }) }
	payload := func(pkg []byte, header int) int {
		be := binary.BigEndian
		return header + 16 + int(be.Uint32(pkg[header+introTags:]))*16 + int(be.Uint32(pkg[header+introData:]))
	}
	c.file(kind, "nothing", ours, func() []byte { return nil }, "check --no-db $DIR", "fingerprint $DIR/"+ours)
	c.file(kind, "one byte", ours, func() []byte { return []byte{0xed} }, "check --no-db $DIR", "fingerprint $DIR/"+ours)
	fixed("in the lead", 95)
	fixed("after the lead", 96)
	fixed("in the signature's intro", 104)
	fixed("in the signature's index", 120)
	cut("in the signature's data", func(_ []byte, h int) int { return h - 9 })
	cut("in the signature's padding", func(_ []byte, h int) int { return h - 1 })
	cut("after the signature", func(_ []byte, h int) int { return h })
	cut("in the header's intro", func(_ []byte, h int) int { return h + 8 })
	cut("in the header's index", func(_ []byte, h int) int { return h + 200 })
	cut("in the header's data", func(p []byte, h int) int { return payload(p, h) - 100 })
	cut("before the payload", payload)
	cut("after one byte of payload", func(p []byte, h int) int { return payload(p, h) + 1 })
	cut("in the middle of the payload", func(p []byte, h int) int { return (payload(p, h) + len(p)) / 2 })
	cut("before the last byte", func(p []byte, _ int) int { return len(p) - 1 })
	// Nobody reads the payload of a package without kernels and modules.
	stranger := func(name string, after func(p []byte, _ int) []byte) {
		c.pkg(kind, name, Package{Name: "vim", Files: []File{{Path: "/usr/bin/vim", Content: []byte("vim")}}, After: after},
			"check --no-db $DIR", "audit --no-db $DIR", "stamp $DIR")
	}
	stranger("cut, and nothing in it that matters", func(p []byte, _ int) []byte { return p[:len(p)-1] })
	stranger("longer, and nothing in it that matters", func(p []byte, _ int) []byte { return append(p, 0) })
	c.pkg(kind, "one byte more", Package{After: func(p []byte, _ int) []byte { return append(p, 0) }})
	c.pkg(kind, "twice", Package{After: func(p []byte, _ int) []byte { return append(p, p...) }})
}
