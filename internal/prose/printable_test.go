// SPDX-License-Identifier: Apache-2.0

package prose

import (
	"slices"
	"strings"
	"testing"
)

// TestPrintable shows what a terminal would obey, and leaves letters alone.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"ipheth":             "ipheth",
		"größe → 4":          "größe → 4",
		"x\x1b[2J\nok   all": `x\x1b[2J\x0aok   all`,
		"tab\there":          `tab\x09here`,
		"latin\xe9":          `latin\xe9`,
		"right\u202eto left": `right\u{202e}to left`,
		"csi\u009b31m":       `csi\u{9b}31m`,
		"\ufffd is a letter": "\ufffd is a letter",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	const path = "/usr/lib/modules/5.15.12-1-default/kernel/drivers/hid/hid-apple.ko"
	for _, c := range []struct {
		path  string
		width int
		want  string
	}{
		{path, 100, path},
		{path, 40, "/usr/…/kernel/drivers/hid/hid-apple.ko"},
		{path, 30, "/usr/…/hid/hid-apple.ko"},
		{path, 1, "/usr/…/hid-apple.ko"},
		{"./a/b/c.ko", 8, "./…/c.ko"},
		{"c.ko", 1, "c.ko"},
		{"a/c.ko", 1, "a/c.ko"},
	} {
		if got := Shorten(c.path, c.width); got != c.want {
			t.Errorf("%s in %d: %s, want %s", c.path, c.width, got, c.want)
		}
	}
}

// TestShortenApart holds that what tells two paths apart stays, wherever it is.
func TestShortenApart(t *testing.T) {
	const path = "/srv/obs/build/home:somebody/standard/5.15.12-1.3/usr/lib/modules/5.15.12-1-default/vmlinux"
	for _, c := range []struct {
		path, other string
		width       int
		want        string
	}{
		{path, strings.ReplaceAll(path, "1.3", "1.1"), 100, path},
		{path, strings.ReplaceAll(path, "1.3", "1.1"), 40, "/srv/…/5.15.12-1.3/…/vmlinux"},
		{path, strings.ReplaceAll(path, "1.3", "1.1"), 55, "/srv/…/5.15.12-1.3/…/modules/5.15.12-1-default/vmlinux"},
		{path, strings.ReplaceAll(path, "obs", "koji"), 50, "/srv/obs/…/lib/modules/5.15.12-1-default/vmlinux"},
		{path, path + ".debug", 30, "/srv/…/vmlinux"},
		{path, "/srv/obs", 30, "/srv/…/vmlinux"},
		{path, path, 30, "/srv/…/vmlinux"},
		{"a/b/c/d/e", "a/b/x/d/e", 1, "a/…/c/…/e"},
		{"vmlinux", "a/vmlinux", 1, "vmlinux"},
	} {
		if got := ShortenApart(c.path, c.width, []string{c.other}); got != c.want {
			t.Errorf("%s beside %s in %d: %s, want %s", c.path, c.other, c.width, got, c.want)
		}
	}
}

// TestWrap breaks between words and nowhere else.
func TestWrap(t *testing.T) {
	got := wrap("  - ", "one /a/path/that/is/longer/than/the/line → two three", 16)
	want := []string{"  - one", "    /a/path/that/is/longer/than/the/line", "    → two three"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
