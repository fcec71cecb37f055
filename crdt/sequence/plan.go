package sequence

import (
	"cmp"
	"math/bits"
	"slices"

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
type relation struct{ first, all []int32 }

func (r *relation) of(i int32) []int32 { return r.all[r.first[i]:r.first[i+1]] }

// inverse is to each stretch those that have it in a relation.
func (r *relation) inverse() relation {
	n := len(r.first) - 1
	inv := relation{make([]int32, n+2), make([]int32, len(r.all))}
	for _, i := range r.all {
		inv.first[i+2]++
	}
	for i := range n {
		inv.first[i+2] += inv.first[i+1]
	}
	for i := range int32(n) { // first[k+1] is where the next one of k goes, and where its last one is, first[k+1] starts
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
	cuts := make([]uint32, len(g.parents)+1)
	for i, p := range g.parents {
		cuts[i] = p + 1
	}
	cuts[len(g.parents)] = g.next
	slices.Sort(cuts)
	stretches := make([]span, 0, len(g.entries)+len(cuts))
	for i, e := range g.entries {
		for lv, end := e.lv, g.entryEnd(i); lv < end; {
			for cuts[0] <= lv {
				cuts = cuts[1:]
			}
			next := min(cuts[0], end)
			stretches = append(stretches, span{lv, next - lv})
			lv = next
		}
	}
	return stretches
}

// ending is the stretch that ends with an event, before one that comes after it.
func (p *plan) ending(lv uint32, before int32) int32 {
	step := int32(1) // mostly it is not far away
	low, high := before-step, before
	for low > 0 && p.stretches[low].lv > lv {
		step *= 2
		low, high = max(0, low-step), low
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
	p.parents = relation{make([]int32, 1, len(p.stretches)+1), make([]int32, 0, len(p.stretches)+len(g.parents))}
	entry := 0
	for i := range int32(len(p.stretches)) {
		if entry < len(g.entries) && g.entries[entry].lv == p.stretches[i].lv {
			for _, lv := range g.entryParents(entry) {
				p.parents.all = append(p.parents.all, p.ending(lv, i))
			}
			entry++
		} else {
			p.parents.all = append(p.parents.all, i-1)
		}
		p.parents.first = append(p.parents.first, int32(len(p.parents.all)))
	}
	p.children = p.parents.inverse()
}

// goesOn reports whether a stretch has the event before it as its only parent, and begins at lv.
func (p *plan) goesOn(i int32, lv uint32) bool {
	parents := p.parents.of(i)
	return p.stretches[i].lv == lv && len(parents) == 1 && parents[0] == i-1
}

// measure finds what is reached from each stretch.
func (p *plan) measure(l *Log) {
	p.reach = make([]reach, len(p.stretches))
	part := len(l.runs)/(64*len(reach{})) + 1 // runs for each bit
	run := len(l.runs) - 1
	for i, s := range slices.Backward(p.stretches) {
		r := &p.reach[i]
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
		for _, child := range p.children.of(int32(i)) {
			for k, bitmap := range p.reach[child] {
				r[k] |= bitmap
			}
		}
	}
}

// order is the stretches as a walker goes through them best: parents first, one branch on as far as it can before the next
// one begins, and of branches that begin at one event the smallest first. To go from one branch to another, what lies between
// them is undone and done again, and what has come before has to be in the tracker: the less that is, the better.
func (p *plan) order() []int32 {
	missing := make([]int32, len(p.stretches)) // parents that have not come yet
	var ready []int32                          // those of the last branching last, the smallest of them at the end
	for i := range missing {
		if missing[i] = int32(len(p.parents.of(int32(i)))); missing[i] == 0 {
			ready = append(ready, int32(i))
		}
	}
	smallestLast := func(some []int32) {
		if len(some) > 1 {
			order.Sort(some, func(a, b int32) int { return cmp.Or(p.reach[b].size()-p.reach[a].size(), int(b-a)) })
		}
	}
	smallestLast(ready)
	out := make([]int32, 0, len(p.stretches))
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
