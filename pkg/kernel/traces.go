// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/obs-btf-guard/obs-btf-guard/internal/decompress"
)

// extent is size bytes at offset of a file.
type extent struct{ offset, size uint64 }

const (
	// maxBanner is the most bytes of a banner. Real ones have some 250.
	maxBanner = 1024

	// maxConfig is the most bytes an unpacked configuration may have. Real
	// ones have some 300 kB.
	maxConfig = 8 << 20

	// maxTraces is the most bytes searched for banner and configuration. It
	// keeps section headers that all point at the same bytes from costing
	// more than the file is large.
	maxTraces = MaxUnpacked
)

// readTraces looks for banner, vermagic, built-in configuration and the texts that
// were asked for in parts of src. What is not found stays unknown; only a failed
// read is an error.
func (o *opener) readTraces(src source, parts []extent) (err error) {
	if len(o.texts) > 0 {
		if o.image.Texts, err = readTexts(src, parts, o.texts); err != nil {
			return err
		}
	}
	searched := uint64(0)
	for _, part := range parts {
		if searched += part.size; searched > maxTraces {
			return nil
		}
		if !numbered(o.image.Banner) {
			if err := o.findBanner(src, part); err != nil {
				return err
			}
		}
		if !o.configSeen {
			if err := o.findConfig(src, part); err != nil {
				return err
			}
		}
		if o.image.Release != "" && o.image.Vermagic == "" {
			if err := o.findVermagic(src, part); err != nil {
				return err
			}
		}
		if numbered(o.image.Banner) && o.configSeen && o.image.Vermagic != "" {
			return nil
		}
	}
	return nil
}

const bannerStart = "Linux version "

// findBanner looks for linux_banner (init/version-timestamp.c):
//
//	Linux version 6.1.0-53-amd64 (builder@host) (gcc-12 ...) #1 SMP ...
//
// The same words also begin format strings, with %s where the release belongs.
// Since 6.1 there is a second banner that lacks the number of the build, "# SMP"
// (init/version.c, a stand-in for the first link): it serves if it is the only
// one.
func (o *opener) findBanner(src source, part extent) error {
	for text, err := range src.find("kernel banner", bannerStart, part, maxBanner) {
		if err != nil {
			return err
		}
		banner, release, ok := parseBanner(text)
		if !ok || o.image.Banner != "" && !numbered(banner) {
			continue
		}
		o.image.Banner, o.image.Release = banner, release
		if numbered(banner) {
			return nil
		}
	}
	return nil
}

// numbered says whether a banner has the number of the build, "#1".
func numbered(banner string) bool {
	return banner != "" && !strings.Contains(banner, ") # ")
}

// parseBanner takes the banner and its kernelrelease from the start of text: a
// line of printable characters, the release a word that starts with a digit and
// is followed by the builder's name in parentheses.
func parseBanner(text []byte) (banner, release string, ok bool) {
	end := bytes.IndexAny(text, "\n\x00")
	if end < 0 || !isPrintable(text[:end]) {
		return "", "", false
	}
	banner = string(text[:end])
	release, builder, _ := strings.Cut(banner[len(bannerStart):], " ")
	if release == "" || release[0] < '0' || '9' < release[0] || !strings.HasPrefix(builder, "(") {
		return "", "", false
	}
	return banner, release, true
}

func isPrintable(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// maxVermagic is the most bytes of a vermagic; real ones have some 60.
const maxVermagic = 256

// findVermagic looks for the kernel's own vermagic (VERMAGIC_STRING in
// include/linux/vermagic.h): the kernelrelease and words such as SMP and mod_unload,
// a space behind each.
func (o *opener) findVermagic(src source, part extent) error {
	for text, err := range src.find("vermagic", o.image.Release+" ", part, maxVermagic) {
		if err != nil {
			return err
		}
		if text, _, ended := bytes.Cut(text, []byte{0}); ended && isVermagic(string(text)) {
			o.image.Vermagic = string(text)
			return nil
		}
	}
	return nil
}

// isVermagic tells a vermagic from the banner and other strings that begin with a
// kernelrelease.
func isVermagic(s string) bool {
	words := strings.Split(s, " ")
	if len(words) < 3 || words[len(words)-1] != "" {
		return false
	}
	for _, w := range words[1 : len(words)-1] {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.+", r))
		}) {
			return false
		}
	}
	return true
}

const (
	configStart = "IKCFG_ST" // followed by gzip, kernel/configs.c
	configEnd   = "IKCFG_ED"
)

// findConfig looks for the configuration that CONFIG_IKCONFIG builds in. One
// that does not unpack is as unknown as one that is not there; only the first
// is tried, so that a file full of them costs no more than one.
func (o *opener) findConfig(src source, part extent) error {
	for packed, err := range src.find("built-in config", configStart, part, uint64(len(configStart))+maxConfig) {
		if err != nil {
			return err
		}
		packed = packed[len(configStart):]
		if decompress.Detect(packed) != decompress.Gzip {
			continue
		}
		o.configSeen = true
		length := bytes.Index(packed, []byte(configEnd))
		if length < 0 {
			return nil
		}
		text, err := o.decoder.Append(nil, decompress.Gzip, packed[:length], maxConfig)
		if err == nil {
			o.image.Config = ParseConfig(text)
		}
		return nil
	}
	return nil
}
