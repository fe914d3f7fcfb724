// SPDX-License-Identifier: Apache-2.0

// Package prose writes text for people: on a terminal, in a build log, in a list.
// Much of what is written comes out of packages that anybody may have made, and
// cannot do more here than be read.
package prose

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
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

// Width is where paragraphs wrap, in columns.
const Width = 96

// Wrap breaks s behind a prefix into lines for a terminal. Further lines are indented
// as far as the prefix.
func Wrap(prefix, s string) (lines []string) {
	indent := strings.Repeat(" ", len(prefix))
	line := prefix
	for i, word := range strings.Fields(s) {
		if i > 0 && len(line)+1+len(word) > Width {
			lines = append(lines, line)
			line = indent
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// A Styled string may hold escape sequences. All others are made [Printable] by a
// [Writer].
type Styled string

// Writer writes lines for people. Errors are kept until Flush.
type Writer struct {
	w     *bufio.Writer
	color bool
}

// NewWriter returns a writer that uses colors if told to.
func NewWriter(w io.Writer, color bool) *Writer { return &Writer{bufio.NewWriter(w), color} }

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
	for _, line := range Wrap(prefix, s) {
		w.Line("%s", line)
	}
}

// Headline writes a blank line and a headline, wrapped behind its first word or words.
func (w *Writer) Headline(prefix, s string) {
	w.Line("")
	for _, line := range Wrap(prefix, s) {
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
