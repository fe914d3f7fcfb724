// SPDX-License-Identifier: Apache-2.0

package repeat

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/obs-btf-guard/obs-btf-guard/internal/btftest"
	"github.com/obs-btf-guard/obs-btf-guard/pkg/btf"
)

// writeKernel writes int, struct list { struct list *next; struct device *owner; },
// struct device { int state; struct list list; struct driver *driver; }, struct driver
// as a forward declaration and union word: into a base, or once more into a table.
func writeKernel(w *btftest.Writer, integer btf.TypeID, state string) {
	first := w.NextID()
	list, device, driver := first, first+1, first+2
	w.Struct("list", 16, btftest.Member{Name: "next", Type: first + 3}, btftest.Member{Name: "owner", Type: first + 4, Offset: 64})
	w.Struct("device", 32, btftest.Member{Name: state, Type: integer}, btftest.Member{Name: "list", Type: list, Offset: 64},
		btftest.Member{Name: "driver", Type: first + 5, Offset: 192})
	w.Fwd("driver", false)
	w.Ptr(list)
	w.Ptr(device)
	w.Ptr(driver)
	w.Union("word", 4, btftest.Member{Name: "whole", Type: integer})
}

func kernel() *btftest.Writer {
	w := btftest.New()
	writeKernel(w, w.Int("int", 4, 1, 32), "state")
	return w
}

// TestIn lists what tables repeat of a base.
func TestIn(t *testing.T) {
	for _, tc := range []struct {
		name  string
		write func(w *btftest.Writer)
		want  []string
		types int
		bytes int
	}{
		{"nothing", func(w *btftest.Writer) { w.Struct("own", 4, btftest.Member{Name: "device", Type: 1}) }, nil, 0, 0},
		{"all of it", func(w *btftest.Writer) { writeKernel(w, 1, "state") }, []string{"list", "device", "word"}, 7, 36 + 48 + 12 + 3*12 + 24},
		{"all of it, with an int of its own", func(w *btftest.Writer) { writeKernel(w, w.Int("int", 4, 1, 32), "state") },
			[]string{"list", "device", "word"}, 8, 36 + 48 + 12 + 3*12 + 24 + 16},
		{"another device, to which list leads", func(w *btftest.Writer) { writeKernel(w, 1, "power") }, []string{"word"}, 1, 24},
		{"one twice", func(w *btftest.Writer) {
			w.Union("word", 4, btftest.Member{Name: "whole", Type: 1})
			w.Union("word", 4, btftest.Member{Name: "whole", Type: 1})
		}, []string{"word"}, 2, 48},
		{"the driver that the vmlinux only declares", func(w *btftest.Writer) { w.Struct("driver", 4, btftest.Member{Name: "a", Type: 1}) }, nil, 0, 0},
		{"a list that leads to a driver of its own", func(w *btftest.Writer) {
			first := w.NextID()
			w.Struct("device", 32, btftest.Member{Name: "state", Type: 1}, btftest.Member{Name: "list", Type: 2, Offset: 64},
				btftest.Member{Name: "driver", Type: first + 1, Offset: 192})
			w.Ptr(first + 2)
			w.Struct("driver", 4, btftest.Member{Name: "a", Type: 1})
		}, []string{"device"}, 3, 48 + 12 + 24},
		{"another size", func(w *btftest.Writer) { w.Union("word", 8, btftest.Member{Name: "whole", Type: 1}) }, nil, 0, 0},
		{"another offset", func(w *btftest.Writer) { w.Union("word", 4, btftest.Member{Name: "whole", Type: 1, Offset: 8}) }, nil, 0, 0},
		{"another member", func(w *btftest.Writer) { w.Union("word", 4, btftest.Member{Name: "half", Type: 1}) }, nil, 0, 0},
		{"another kind", func(w *btftest.Writer) { w.Struct("word", 4, btftest.Member{Name: "whole", Type: 1}) }, nil, 0, 0},
		{"a member of another type", func(w *btftest.Writer) { w.Union("word", 4, btftest.Member{Name: "whole", Type: 4}) }, nil, 0, 0},
		{"a member past the end", func(w *btftest.Writer) { w.Union("word", 4, btftest.Member{Name: "whole", Type: 4711}) }, nil, 0, 0},
		{"another int", func(w *btftest.Writer) {
			w.Union("word", 4, btftest.Member{Name: "whole", Type: w.Int("int", 4, 0, 32) + 1})
			w.Int("int", 4, 0, 32)
		}, nil, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := kernel()
			base := w.Table(t)
			own := w.Split()
			tc.write(own)
			table, err := btf.Parse(own.Bytes(), base)
			if err != nil {
				t.Fatal(err)
			}
			got := NewBase(base).In(table)
			if d := cmp.Diff(tc.want, got.Names); d != "" || got.Types != tc.types || got.Bytes != tc.bytes {
				t.Errorf("%d types, %d bytes, want %d and %d; names (-want +got):\n%s", got.Types, got.Bytes, tc.types, tc.bytes, d)
			}
		})
	}
}

// TestBounded looks for structs of which there are thousands of one name.
func TestBounded(t *testing.T) {
	w := btftest.New()
	for i := range 500 {
		w.Struct("s", 8, btftest.Member{Name: fmt.Sprint("base", i)})
	}
	base := w.Table(t)
	own := w.Split()
	for i := range 500 {
		own.Struct("s", 8, btftest.Member{Name: fmt.Sprint("own", i)})
	}
	table, err := btf.Parse(own.Bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	const steps = 5000
	c := &comparison{own: table, base: base, state: map[pair]bool{}, budget: steps}
	if got := NewBase(base).find(c); len(got.Structs) > 0 || len(c.state) > steps {
		t.Errorf("%d structs, %d pairs looked at", len(got.Structs), len(c.state))
	}
}
