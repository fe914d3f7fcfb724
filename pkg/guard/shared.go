// SPDX-License-Identifier: Apache-2.0

package guard

import "sync"

// memo makes what several pairs share, once for each key, however many ask for it at the
// same time. The zero memo is ready for use.
type memo[K comparable, V any] struct {
	mu   sync.Mutex
	made map[K]func() V
}

// get is what is made for the key.
func (m *memo[K, V]) get(k K, make func() V) V {
	m.mu.Lock()
	once, ok := m.made[k]
	if !ok {
		if m.made == nil {
			m.made = map[K]func() V{}
		}
		once = sync.OnceValue(make)
		m.made[k] = once
	}
	m.mu.Unlock()
	return once()
}

// disjoint are groups of numbers, each of them at first alone. The first of a group
// stands for it.
type disjoint []int // the way to the first

func newDisjoint(n int) disjoint {
	d := make(disjoint, n)
	for i := range d {
		d[i] = i
	}
	return d
}

func (d disjoint) first(i int) int {
	for d[i] != i {
		d[i] = d[d[i]]
		i = d[i]
	}
	return i
}

func (d disjoint) join(i, j int) {
	x, y := d.first(i), d.first(j)
	d[max(x, y)] = min(x, y)
}
