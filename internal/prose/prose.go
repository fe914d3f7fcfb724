// SPDX-License-Identifier: Apache-2.0

// Package prose writes text for people: on a terminal, in a build log, in a list.
// Much of what is written comes out of packages that anybody may have made, and
// cannot do more here than be read.
package prose

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Number groups digits: 4023 is "4,023".
func Number(n int) string {
	s := strconv.Itoa(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Several counts things: "1 module", "4,023 modules".
func Several(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Number(n) + " " + thing + "s"
}

// LogWidth is where paragraphs wrap that nobody reads on a terminal, in columns.
const LogWidth = 80

// First names the first few of many: "a, b and 1,234 more".
func First(names []string, most int) string {
	s := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		s += " and " + Number(more) + " more"
	}
	return s
}

// Wrap breaks s behind a prefix into lines of at most LogWidth columns, words stay
// whole. Further lines are indented as far as the prefix.
func Wrap(prefix, s string) (lines []string) { return wrap(prefix, s, LogWidth) }

func wrap(prefix, s string, width int) (lines []string) {
	indent := strings.Repeat(" ", columns(prefix))
	line := prefix
	for i, word := range strings.Fields(s) {
		if i > 0 && columns(line)+1+columns(word) > width {
			lines = append(lines, line)
			line = indent
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// columns is how wide a text is, as near as a count of its letters comes.
func columns(s string) int { return utf8.RuneCountInString(s) }

// Shorten leaves out folders in the middle of a path until it has at most so many
// columns: "/usr/…/hid/hid-apple.ko". The first folder and the name stay.
func Shorten(path string, width int) string {
	parts := strings.Split(path, "/")
	if columns(path) <= width || len(parts) < 4 {
		return path
	}
	keep := 1 // in front: what stands before the first slash, and one folder
	if parts[0] == "" {
		keep = 2
	}
	head := strings.Join(parts[:keep], "/") + "/…/"
	for from := keep + 1; from < len(parts); from++ {
		if short := head + strings.Join(parts[from:], "/"); columns(short) <= width || from == len(parts)-1 {
			return short
		}
	}
	return path
}

// ShortenApart shortens a path as [Shorten] does, but leaves in it what tells it from each of
// the others: "/srv/…/5.15.12-1.3/…/vmlinux" beside "/srv/…/5.15.12-1.1/…/vmlinux".
func ShortenApart(path string, width int, others []string) string {
	parts := strings.Split(path, "/")
	if columns(path) <= width || len(parts) < 4 {
		return path
	}
	last := len(parts) - 1
	keep := map[int]bool{0: true, last: true}
	if parts[0] == "" {
		keep[1] = true
	}
	for _, other := range others {
		if at := parting(parts, strings.Split(other, "/")); at >= 0 {
			keep[at] = true
		}
	}
	write := func() string {
		var b strings.Builder
		for i, part := range parts {
			switch {
			case keep[i]:
				b.WriteString(part)
			case keep[i-1]:
				b.WriteString("…")
			default:
				continue
			}
			if i < last {
				b.WriteByte('/')
			}
		}
		return b.String()
	}
	short := write()
	for i := last - 1; i > 0; i-- { // as many folders in front of the name as there is room for
		if keep[i] {
			continue
		}
		keep[i] = true
		longer := write()
		if columns(longer) > width {
			break
		}
		short = longer
	}
	return short
}

// parting is where a path leaves the way of another; -1 if one lies below the other, or they
// are the same.
func parting(path, other []string) int {
	for i := range min(len(path), len(other)) {
		if path[i] != other[i] {
			return i
		}
	}
	return -1
}

// Argument is a word as a shell takes it for one argument.
func Argument(word string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+:,@%^=", c)
	}
	if word != "" && !strings.ContainsFunc(word, func(c rune) bool { return !plain(c) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// A Styled string may hold escape sequences. All others are made [Printable] by a
// [Writer].
type Styled string

// Writer writes lines for people. Errors are kept until Flush.
type Writer struct {
	w     *bufio.Writer
	color bool
	width int

	terminal bool
}

// NewWriter returns a writer that uses colors if color is set. Paragraphs are as wide as the
// terminal behind w, if there is one, and else as LogWidth.
func NewWriter(w io.Writer, color bool) *Writer {
	width, terminal := widthOf(w)
	return &Writer{bufio.NewWriter(w), color, width, terminal}
}

// The widths that are wrapped to: narrower and nothing fits, wider and no eye finds
// the next line.
const (
	leastWidth = 40
	mostWidth  = 110
)

func widthOf(w io.Writer) (width int, terminal bool) {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return terminalWidth(width, os.Getenv("COLUMNS")), true
		}
	}
	return LogWidth, false
}

// terminalWidth is how far lines go on a terminal of so many columns, 0 where it does not
// know, as a serial console. COLUMNS goes first, as in git and ls. What is written to files
// and pipes has [LogWidth] whatever it is: a log is the same whoever wrote it.
func terminalWidth(width int, columns string) int {
	if n, err := strconv.Atoi(columns); err == nil && n > 0 {
		width = n
	}
	if width <= 0 {
		return LogWidth
	}
	return max(leastWidth, min(width, mostWidth))
}

// Room is how many columns are left behind what has been written of a line.
func (w *Writer) Room(used int) int { return max(w.width-used, leastWidth/2) }

// Line writes one line. Its arguments cannot write another.
func (w *Writer) Line(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = Printable(a)
		case Styled:
		case fmt.Stringer:
			args[i] = Printable(a.String())
		}
	}
	fmt.Fprintf(w.w, format+"\n", args...)
}

// Paragraph writes s behind a prefix, wrapped.
func (w *Writer) Paragraph(prefix, s string) {
	for _, line := range wrap(prefix, s, w.width) {
		w.Line("%s", line)
	}
}

// Item writes s behind a lead that may be colored and has so many visible columns. On a
// terminal it is wrapped, and further lines are indented as far; in a log, where people
// search for lines, it stays whole.
func (w *Writer) Item(lead Styled, visible int, s string) {
	if !w.terminal || visible+columns(s) <= w.width {
		w.Line("%s%s", lead, s)
		return
	}
	indent := strings.Repeat(" ", visible)
	for i, line := range wrap(indent, s, w.width) {
		if i > 0 {
			lead = Styled(indent)
		}
		w.Line("%s%s", lead, line[visible:])
	}
}

// Headline writes a blank line and a headline, wrapped behind its first word or words.
func (w *Writer) Headline(prefix, s string) { w.Marked("", "", prefix, s) }

// Marked writes a headline behind a word of a color.
func (w *Writer) Marked(color, word, prefix, s string) {
	w.Line("")
	for i, line := range wrap(word+prefix, s, w.width) {
		if i == 0 && word != "" {
			w.Line("%s%s", w.Paint(color, word), w.Bold(line[len(word):]))
			continue
		}
		w.Line("%s", w.Bold(line))
	}
}

// Section writes a headline and its points, nothing where there is none.
func (w *Writer) Section(headline string, points []string) {
	if len(points) == 0 {
		return
	}
	w.Headline("", headline)
	for _, p := range points {
		w.Paragraph("  - ", p)
	}
}

// Colors of words.
const (
	Green  = "32"
	Yellow = "33"
	Red    = "31"
)

// Paint colors a word.
func (w *Writer) Paint(color, word string) Styled { return w.sgr(color, word) }

// Bold is for headlines.
func (w *Writer) Bold(s string) Styled { return w.sgr("1", s) }

func (w *Writer) sgr(code, s string) Styled {
	s = Printable(s)
	if !w.color {
		return Styled(s)
	}
	return Styled("\x1b[" + code + "m" + s + "\x1b[0m")
}

// Flush writes out what is buffered and returns the first error of all that was
// written.
func (w *Writer) Flush() error { return w.w.Flush() }
