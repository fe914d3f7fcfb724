// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/obs-btf-guard/obs-btf-guard/internal/distill"
	"github.com/urfave/cli/v2"
)

// TestSayDistilled: a tree whose modules are compressed already is no screen for each of them.
func TestSayDistilled(t *testing.T) {
	r := &distill.Report{}
	for i := range 4230 {
		r.Files = append(r.Files, distill.File{Path: fmt.Sprintf("m%d.ko.xz", i), Outcome: distill.Left, Err: errors.New("is compressed")})
	}
	r.Files = append(r.Files, distill.File{Path: "big.ko", Outcome: distill.Left, Err: errors.New("would grow")})
	var out bytes.Buffer
	c := cli.NewContext(&cli.App{Writer: &out}, nil, nil)
	if err := sayDistilled(c, r); err != exitStatus(exitFail) {
		t.Errorf("%v", err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{"left   big.ko: would grow", "left   4,222 more: is compressed",
		"0 distilled, 0 had a .BTF.base, 0 without BTF, 4,231 left as they were, 0 failed"}
	if len(lines) != 11 || strings.Join(lines[8:], "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", lines)
	}
}
