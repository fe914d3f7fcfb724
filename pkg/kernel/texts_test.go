// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadTexts finds texts wherever they lie, in memory or not, and says
// nothing where it did not see all.
func TestReadTexts(t *testing.T) {
	asked := []string{"Invalid btf_info:%x", "\x013BPF: %s%s", "not there"}
	padding := strings.Repeat("x", textWindow-5)
	data := []byte(padding + asked[0] + padding + asked[1] + "not here either: not ther")
	want := map[string]bool{asked[0]: true, asked[1]: true, asked[2]: false}
	onDisk, err := fromReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	whole := []extent{{0, uint64(len(data))}}
	for name, src := range map[string]source{"in memory": inMemory(data), "on disk": onDisk} {
		got, err := readTexts(src, whole, asked)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
	}
	// A text that ends where a part does, and one that would go over the gap.
	at := uint64(len(padding))
	parts := []extent{{at, uint64(len(asked[0]))}, {at * 2, 40}}
	if got, err := readTexts(inMemory(data), parts, asked); !got[asked[0]] || !got[asked[1]] || err != nil {
		t.Errorf("in parts: %v, %v", got, err)
	}
	if got, err := readTexts(inMemory(data), []extent{{0, at + 4}, {at + 4, 15}}, asked); got[asked[0]] || err != nil {
		t.Errorf("over a gap: %v, %v", got, err)
	}
	if got, err := readTexts(inMemory(data), []extent{whole[0], {0, 8}}, asked); got != nil || err != nil {
		t.Errorf("the same twice: %v, %v", got, err)
	}
	if _, err := readTexts(inMemory(data), []extent{{8, uint64(len(data))}}, asked); err == nil {
		t.Error("past the end: no error")
	}
}
