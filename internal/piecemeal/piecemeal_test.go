// SPDX-License-Identifier: Apache-2.0

package piecemeal

import (
	"strings"
	"testing"
)

// TestReader reads the fields of an object that are asked for and passes over the rest, however large,
// but holds no value that is.
func TestReader(t *testing.T) {
	const most = 1 << 10
	large := strings.Repeat(`"x",`, most)
	for _, tc := range []struct{ name, text, want, err string }{
		{"a list", `{"list": ["a", "b"]}`, "ab", ""},
		{"null", `{"list": null}`, "", ""},
		{"something large between", `{"other": [` + large + `{"a": [1, null]}], "list": ["a"]}`, "a", ""},
		{"an element that is too large", `{"list": ["` + strings.Repeat("x", 4*most) + `"]}`, "", "list: a value of more than 1024 bytes"},
		{"too many", `{"list": ["a", "b", "c", "d"]}`, "", "list: more than 3"},
		{"no list", `{"list": 1}`, "", "list: not a list"},
		{"no object", `[]`, "", "not a JSON object"},
		{"nothing", ``, "", "not a JSON object"},
		{"cut off", `{"list": ["a"`, "", "cut short; download or build the file again"},
		{"cut off behind it", `{"list": ["a"]`, "", "cut short; download or build the file again"},
		{"cut off while passing over", `{"other": [[`, "", "cut short; download or build the file again"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			p := NewReader(strings.NewReader(tc.text), most)
			err := p.Object(func(key string) error {
				if key != "list" {
					return p.Skip()
				}
				return p.List(3, func() error {
					var s string
					err := p.Decode(&s)
					got += s
					return err
				})
			})
			if tc.err == "" && (err != nil || got != tc.want) || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
