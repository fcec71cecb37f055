package sequence

import (
	"cmp"
	"math/bits"

	"github.com/kdelta/kdelta/internal/order"
)

// plan is the events of a log as stretches, cut behind every event that others begin after, and what comes after what among
// them. So the parents of a stretch are last events of stretches.
type plan struct {
	stretches         []span // ascending, without a gap
	parents, children relation
	reach             []reach
}

// relation has to each stretch others: those of i are all[first[i]:first[i+1]].
type relation struct{ first, all []uint32 }

func (r *relation) of(i uint32) []uint32 { return r.all[r.first[i]:r.first[i+1]] }

// inverse is to each stretch those that have it in a relation.
func (r *relation) inverse() relation {
	n := len(r.first) - 1
	inv := relation{make([]uint32, n+2), make([]uint32, len(r.all))}
	for _, i := range r.all {
		inv.first[i+2]++
	}
	for i := range n {
		inv.first[i+2] += inv.first[i+1]
	}
	for i := range uint32(n) { // first[k+1] is where the next one of k goes, and where its last one is, first[k+1] starts
		for _, k := range r.of(i) {
			inv.all[inv.first[k+1]] = i
			inv.first[k+1]++
		}
	}
	inv.first = inv.first[:n+1]
	return inv
}

// reach is about what is on a stretch and after it: a bit for each of 256 parts of the log that any of it is in, so that
// what is reached on several ways counts once.
type reach [4]uint64

func (r *reach) size() (n int) {
	for _, bitmap := range r {
		n += bits.OnesCount64(bitmap)
	}
	return n
}

func newPlan(l *Log) *plan {
	p := &plan{stretches: l.stretches()}
	p.link(&l.graph)
	if len(p.stretches) > 1 { // else there is nothing to choose
		p.measure(l)
	}
	return p
}

// stretches is the entries of a graph, cut behind every event that is a parent.
func (g *graph) stretches() []span {
	begins := make([]uint64, g.next/64+1) // a bit for each event that begins one
	for _, e := range g.entries {
		begins[e.lv/64] |= 1 << (e.lv % 64)
	}
	for _, p := range g.parents {
		begins[(p+1)/64] |= 1 << ((p + 1) % 64)
	}
	begins[g.next/64] |= 1 << (g.next % 64)
	stretches := make([]span, 0, len(g.entries)+len(g.parents))
	lv := uint32(0)
	for i, word := range begins {
		for ; word != 0; word &= word - 1 {
			if next := uint32(i*64 + bits.TrailingZeros64(word)); next > lv {
				stretches = append(stretches, span{lv, next - lv})
				lv = next
			}
		}
	}
	return stretches
}

// ending is the stretch that ends with an event, before one that comes after it.
func (p *plan) ending(lv, before uint32) uint32 {
	step := uint32(1) // mostly it is not far away
	low, high := before-step, before
	for low > 0 && p.stretches[low].lv > lv {
		step *= 2
		low, high = low-min(low, step), low
	}
	for high-low > 1 {
		if mid := low + (high-low)/2; p.stretches[mid].lv <= lv {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// link finds what comes after what.
func (p *plan) link(g *graph) {
	p.parents = relation{make([]uint32, 1, len(p.stretches)+1), make([]uint32, 0, len(p.stretches)+len(g.parents))}
	entry := 0
	for i := range uint32(len(p.stretches)) {
		if entry < len(g.entries) && g.entries[entry].lv == p.stretches[i].lv {
			for _, lv := range g.entryParents(entry) {
				p.parents.all = append(p.parents.all, p.ending(lv, i))
			}
			entry++
		} else {
			p.parents.all = append(p.parents.all, i-1)
		}
		p.parents.first = append(p.parents.first, uint32(len(p.parents.all)))
	}
	p.children = p.parents.inverse()
}

// goesOn reports whether a stretch has the event before it as its only parent, and begins at lv.
func (p *plan) goesOn(i, lv uint32) bool {
	parents := p.parents.of(i)
	return p.stretches[i].lv == lv && len(parents) == 1 && parents[0] == i-1
}

// measure finds what is reached from each stretch.
func (p *plan) measure(l *Log) {
	p.reach = make([]reach, len(p.stretches))
	part := len(l.runs)/(64*len(reach{})) + 1 // runs for each bit
	run := len(l.runs) - 1
	for i := len(p.stretches) - 1; i >= 0; i-- {
		s, r := p.stretches[i], &p.reach[i]
		for ; ; run-- {
			k := run / part
			r[k/64] |= 1 << (k % 64)
			if l.runs[run].lv <= s.lv {
				break
			}
		}
		if l.runs[run].lv == s.lv {
			run--
		}
		for _, child := range p.children.of(uint32(i)) {
			for k, bitmap := range p.reach[child] {
				r[k] |= bitmap
			}
		}
	}
}

// order is the stretches as a walker goes through them best: parents first, one branch on as far as it can before the next
// one begins, and of branches that begin at one event the smallest first. To go from one branch to another, what lies between
// them is undone and done again, and what has come before has to be in the tracker: the less that is, the better.
func (p *plan) order() []uint32 {
	missing := make([]uint32, len(p.stretches)) // parents that have not come yet
	var ready []uint32                          // those of the last branching last, the smallest of them at the end
	for i := range missing {
		if missing[i] = uint32(len(p.parents.of(uint32(i)))); missing[i] == 0 {
			ready = append(ready, uint32(i))
		}
	}
	smallestLast := func(some []uint32) {
		if len(some) > 1 {
			order.Sort(some, func(a, b uint32) int { return cmp.Or(p.reach[b].size()-p.reach[a].size(), int(b)-int(a)) })
		}
	}
	smallestLast(ready)
	out := make([]uint32, 0, len(p.stretches))
	for len(ready) > 0 {
		last := len(ready) - 1
		i := ready[last]
		ready = ready[:last]
		out = append(out, i)
		for _, child := range p.children.of(i) {
			if missing[child]--; missing[child] == 0 {
				ready = append(ready, child)
			}
		}
		smallestLast(ready[last:])
	}
	return out
}
