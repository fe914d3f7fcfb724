// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/obs-btf-guard/obs-btf-guard/internal/fetch"
)

// ErrUnknownOutcome says that a command was sent, and nothing came back that
// says what became of it. The error that is one wraps the cause as well.
var ErrUnknownOutcome = errors.New("OBS may have taken the command or not, look at the results before repeating it")

// login says how to log in.
const login = "set user and password in osc's configuration, or OSC_USERNAME and OSC_PASSWORD"

// StatusError is an answer other than success.
type StatusError struct {
	Route      string        // "GET /build/home:x/_result?view=status"
	StatusCode int           // of HTTP
	Code       string        // OBS' own, "unknown_package"; "" if it did not say
	Summary    string        // in its words; "" if it did not say
	Details    string        // likewise
	RetryAfter time.Duration // what the server wants to be waited, -1 if it does not say
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %d ", e.Route, e.StatusCode)
	switch {
	case e.Summary == "" && e.Details == "" && e.Code == "" && e.StatusCode != http.StatusUnauthorized: // which is explained behind it
		text = fmt.Sprintf("%s: %d %s (no words of OBS in the answer)", e.Route, e.StatusCode, cmp.Or(http.StatusText(e.StatusCode), "unknown")) + fetch.Advice(e.StatusCode, login)
	case e.Summary == "" && e.Details == "":
		text += cmp.Or(e.Code, http.StatusText(e.StatusCode)) + " (no words of OBS in the answer)"
	default:
		// The backend repeats the number as its code and the summary as details.
		if e.Code != "" && e.Code != fmt.Sprint(e.StatusCode) {
			text += e.Code + ": "
		}
		text += cmp.Or(e.Summary, e.Details)
		if e.Summary != "" && e.Details != "" && !strings.HasSuffix(e.Details, e.Summary) {
			text += ": " + e.Details
		}
		text += " (OBS says)"
	}
	if e.RetryAfter > fetch.MaxWait {
		text += fmt.Sprintf("; it wants to be asked again in %v", e.RetryAfter)
	}
	return text
}

// Passing reports whether the same call may succeed later: the network failed, or
// the server did or was busy (5xx, 429). What OBS refuses and what is no name stays
// as it is. An [ErrUnknownOutcome] is not passing: look before repeating that.
func Passing(err error) bool {
	if errors.Is(err, ErrUnknownOutcome) {
		return false
	}
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.StatusCode >= 500 || e.StatusCode == http.StatusTooManyRequests
	}
	_, ok := errors.AsType[*fetch.Passing](err)
	return ok
}

// NotFound reports whether the server has no such project, repository, package or
// file: an answer of 404.
func NotFound(err error) bool {
	e, ok := errors.AsType[*StatusError](err)
	return ok && e.StatusCode == http.StatusNotFound
}

// status is OBS' answer to commands and to what it refuses.
type status struct {
	XMLName xml.Name `xml:"status"`
	Code    string   `xml:"code,attr"`
	Summary string   `xml:"summary"`
	Details string   `xml:"details"`
}

// maxStatus bounds a status document.
const maxStatus = 64 << 10

// newStatusError reads an answer that is not success.
func newStatusError(route string, resp *http.Response, now time.Time) *StatusError {
	e := &StatusError{Route: route, StatusCode: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now)}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxStatus)) // what there is of it
	var s status
	if xml.Unmarshal(body, &s) == nil {
		e.Code, e.Summary, e.Details = words(s.Code), words(s.Summary), words(s.Details)
	}
	return e
}

// words makes a server's text fit for one line of a terminal.
func words(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || unicode.IsSpace(c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)), " ")
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "..."
	}
	return s
}
