package main

import "hash/maphash"

// likeness is a way to say how alike functions are: by how many strings of a length they share, those apart that more than
// so many functions have.
type likeness struct{ length, owners int }

// likenesses are those that are tried: which of them is best differs from module to module.
var likenesses = []likeness{{8, 80}, {8, 120}, {9, 80}, {9, 120}, {9, 200}, {10, 120}}

// windowSize is less than the window of deflate, in which it finds what is alike.
const windowSize = 31 << 10

// ordering is an order of byte strings in the making.
type ordering struct {
	bodies [][]byte
	has    [][]uint64         // the strings of each body that others have, too
	owners map[uint64][]int32 // the bodies that have a string
	window map[uint64]int     // how often a string is in the window
	score  []int              // how many strings a body has that are in the window
	done   []bool
}

// bySimilarity puts byte strings into an order in which each is like those before it, within the window of deflate.
func bySimilarity(bodies [][]byte, l likeness) (order []int) {
	o := newOrdering(bodies, l)
	for size, oldest := 0, 0; len(order) < len(bodies); {
		next := o.next()
		o.done[next] = true
		order = append(order, next)
		o.change(next, 1)
		for size += len(bodies[next]); size > windowSize && oldest < len(order)-1; oldest++ {
			o.change(order[oldest], -1)
			size -= len(bodies[order[oldest]])
		}
	}
	return order
}

func newOrdering(bodies [][]byte, l likeness) *ordering {
	o := &ordering{
		bodies: bodies, has: make([][]uint64, len(bodies)), owners: map[uint64][]int32{}, window: map[uint64]int{},
		score: make([]int, len(bodies)), done: make([]bool, len(bodies)),
	}
	seed := maphash.MakeSeed()
	for i, b := range bodies {
		seen := map[uint64]bool{}
		for at := 0; at+l.length <= len(b); at++ {
			if h := maphash.Bytes(seed, b[at:at+l.length]); !seen[h] {
				seen[h] = true
				o.owners[h] = append(o.owners[h], int32(i))
				o.has[i] = append(o.has[i], h)
			}
		}
	}
	for i, has := range o.has {
		shared := has[:0]
		for _, h := range has {
			if n := len(o.owners[h]); n > 1 && n <= l.owners {
				shared = append(shared, h)
			}
		}
		o.has[i] = shared
	}
	return o
}

// next finds the body that shares most, for its length, with what is in the window. It is the first one if none shares a string.
func (o *ordering) next() int {
	best, most := -1, 0.0
	for i, b := range o.bodies {
		if o.done[i] {
			continue
		}
		// A few hundred bytes more than there are: else the shortest, which share little, would come first.
		if s := float64(o.score[i]) / float64(len(b)+300); best < 0 || s > most {
			best, most = i, s
		}
	}
	return best
}

// change takes a body into the window, or out of it.
func (o *ordering) change(i, by int) {
	for _, h := range o.has[i] {
		was := o.window[h]
		o.window[h] += by
		if (was == 0) != (was+by == 0) {
			for _, owner := range o.owners[h] {
				o.score[owner] += by
			}
		}
	}
}
