package sequence

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/internal/order"
)

// graph says what came before what among the events from … next−1 of a document. Events are numbered in the order in
// which they came here, so parents have the smaller numbers.
type graph struct {
	from, next uint32
	entries    []entry
	parents    []uint32 // of all entries, one after the other
	heads      []uint32 // events without children, ascending
	cuts       []cut    // ascending
}

// entry is a stretch of events each of which, but for the first, has the one before as its only parent. It ends where
// the next one starts.
type entry struct {
	lv      uint32
	parents uint32 // where the first event's start; they end where those of the next entry start
}

// cut is a run of critical versions: for each x in from … to, every event from x on has all events before x in its past.
// Who works on what is after x can forget what is before it.
type cut struct{ from, to uint32 }

func newGraph(from uint32, heads []uint32) graph {
	return graph{from: from, next: from, heads: slices.Clone(heads), cuts: []cut{{from, from}}}
}

// add adds n events in a row, the first with the given parents, ascending, and returns the number of the first. If the
// parents are not the heads, base must have found a critical version for them.
func (g *graph) add(n uint32, parents []uint32) uint32 {
	lv := g.next
	linear := slices.Equal(parents, g.heads)
	if linear && g.straight() {
		g.goOn(n)
		return lv
	}
	switch last := len(g.cuts) - 1; {
	case !linear:
		base, i := g.critical(parents)
		g.cuts = g.cuts[:i+1]
		g.cuts[i].to = base
	case g.cuts[last].to == lv:
		g.cuts[last].to = lv + n
	default:
		g.cuts = append(g.cuts, cut{lv, lv + n})
	}
	if len(g.entries) == 0 || len(parents) != 1 || parents[0] != lv-1 {
		g.entries = append(g.entries, entry{lv: lv, parents: uint32(len(g.parents))})
		g.parents = append(g.parents, parents...)
	}
	g.next += n
	if linear {
		g.heads = append(g.heads[:0], g.next-1)
		return lv
	}
	g.heads = slices.DeleteFunc(g.heads, func(h uint32) bool { return slices.Contains(parents, h) })
	g.heads = append(g.heads, g.next-1)
	return lv
}

// straight reports whether the only head is the last event, and everything before it in its past: who has seen all goes on
// in its entry.
func (g *graph) straight() bool {
	return len(g.heads) == 1 && g.cuts[len(g.cuts)-1].to == g.next && len(g.entries) > 0
}

// goOn adds n events in a row to a graph that is straight, by whoever has seen all.
func (g *graph) goOn(n uint32) {
	g.next += n
	g.cuts[len(g.cuts)-1].to, g.heads[0] = g.next, g.next-1
}

// critical is the newest version that is critical, and stays so beside a new event with the given parents, and the
// index of its cut: −1 if it is before from.
func (g *graph) critical(parents []uint32) (base uint32, i int) {
	after := uint32(0) // the number after the greatest parent
	if k := len(parents); k > 0 {
		after = parents[k-1] + 1
	}
	for i = len(g.cuts) - 1; i >= 0; i-- {
		switch c := g.cuts[i]; {
		case c.from > after:
		case c.from == after:
			// All before it is in the event's past only if the parents are just its heads.
			if slices.Equal(parents, g.headsAt(after)) {
				return after, i
			}
		default:
			// The greatest parent has all before it in its past; and if the cut reaches beyond it, it is the only one.
			return min(c.to, after), i
		}
	}
	return 0, -1
}

// headsAt are the heads of a critical version.
func (g *graph) headsAt(x uint32) []uint32 {
	if x == g.next {
		return g.heads
	}
	return g.parentsOf(x)
}

// entryOf is the index of the entry that has an event.
func (g *graph) entryOf(lv uint32) int {
	low, high := 0, len(g.entries) // entries[low].lv ≤ lv < entries[high].lv
	if g.entries[high-1].lv <= lv {
		return high - 1
	}
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); g.entries[mid].lv <= lv {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// entryEnd is the number after the last event of an entry.
func (g *graph) entryEnd(i int) uint32 {
	if i+1 < len(g.entries) {
		return g.entries[i+1].lv
	}
	return g.next
}

// entryParents are the parents of the first event of an entry.
func (g *graph) entryParents(i int) []uint32 {
	end := uint32(len(g.parents))
	if i+1 < len(g.entries) {
		end = g.entries[i+1].parents
	}
	return g.parents[g.entries[i].parents:end:end]
}

// parentsOf are the parents of an event.
func (g *graph) parentsOf(lv uint32) []uint32 {
	i := g.entryOf(lv)
	if g.entries[i].lv == lv {
		return g.entryParents(i)
	}
	return []uint32{lv - 1}
}

// side says in whose past an event is.
type side uint8

const (
	left  side = 1
	right side = 2
	both       = left | right
)

// visit is an event to look at and the sides that have it.
type visit struct {
	lv   uint32
	side side
}

// frontierWalk walks down from two frontiers. Its memory is kept from one walk to the next.
type frontierWalk struct {
	queue []visit // ascending, each event once
	// What only one of the frontiers has in its past, as runs of events, the newest first.
	onlyLeft, onlyRight []span
}

// push adds a visit, if the event is not before base.
func (w *frontierWalk) push(lv, base uint32, s side) {
	if lv < base {
		return
	}
	low, high := 0, len(w.queue) // what is before low is less, what is from high on is greater
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch v := &w.queue[mid]; {
		case v.lv == lv:
			v.side |= s
			return
		case v.lv < lv:
			low = mid + 1
		default:
			high = mid
		}
	}
	w.queue = slices.Insert(w.queue, low, visit{lv, s})
}

func (w *frontierWalk) pop() visit {
	k := len(w.queue) - 1
	v := w.queue[k]
	w.queue = w.queue[:k]
	return v
}

// add notes from … to−1.
func (w *frontierWalk) add(s side, from, to uint32) {
	switch {
	case from == to:
	case s == left:
		w.onlyLeft = append(w.onlyLeft, span{from, to - from})
	case s == right:
		w.onlyRight = append(w.onlyRight, span{from, to - from})
	}
}

// diff finds what only one of two versions has, each given by its heads, among the events from base on, which must be
// here. All before base is taken to be in both.
func (g *graph) diff(w *frontierWalk, a, b []uint32, base uint32) {
	w.queue, w.onlyLeft, w.onlyRight = w.queue[:0], w.onlyLeft[:0], w.onlyRight[:0]
	for _, lv := range a {
		w.push(lv, base, left)
	}
	for _, lv := range b {
		w.push(lv, base, right)
	}
	for w.mixed() {
		v := w.pop()
		i := g.entryOf(v.lv)
		start, end := max(g.entries[i].lv, base), v.lv+1
		for k := len(w.queue) - 1; k >= 0 && w.queue[k].lv >= start; k-- {
			w.add(v.side, w.queue[k].lv+1, end)
			end = w.queue[k].lv + 1
			v.side |= w.queue[k].side
			w.queue = w.queue[:k]
		}
		w.add(v.side, start, end)
		if start == g.entries[i].lv {
			for _, p := range g.entryParents(i) {
				w.push(p, base, v.side)
			}
		}
	}
}

// mixed reports whether what is left to visit is not all in both pasts.
func (w *frontierWalk) mixed() bool {
	for i := range w.queue {
		if w.queue[i].side != both {
			return true
		}
	}
	return false
}

// reduce takes out of ascending events those that are in the past of others.
func (g *graph) reduce(lvs []uint32) []uint32 {
	if len(lvs) < 2 {
		return lvs
	}
	// The left side has the events themselves, the right side what is before one of them.
	var w frontierWalk
	base := lvs[0]
	for _, lv := range lvs {
		w.push(lv, base, left)
	}
	kept := lvs[:0]
	for len(w.queue) > 0 {
		v := w.pop()
		if v.side == left {
			kept = append(kept, v.lv)
		}
		if v.lv < g.from {
			continue // a head of what is not here: another one is not in its past
		}
		i := g.entryOf(v.lv)
		start := g.entries[i].lv
		for k := len(w.queue) - 1; k >= 0 && w.queue[k].lv >= start; k-- {
			w.queue = w.queue[:k]
		}
		for _, p := range g.entryParents(i) {
			w.push(p, base, right)
		}
	}
	slices.Reverse(kept)
	return kept
}

// seen are the heads of what a version has seen, when has tells of each event: if it has one, it has what is before that.
func (g *graph) seen(has func(lv uint32) bool) ([]uint32, error) {
	var w frontierWalk
	for _, h := range g.heads {
		w.push(h, 0, left)
	}
	var found []uint32
	for len(w.queue) > 0 {
		v := w.pop()
		if v.lv < g.from {
			if !has(v.lv) {
				return nil, fault(ErrHistory, "an event forks off before "+strconv.Itoa(int(g.from)))
			}
			found = append(found, v.lv)
			continue
		}
		i := g.entryOf(v.lv)
		// What it has of a chain is the start of it: low is not in, or not of the chain; high is past what may be.
		low, high := g.entries[i].lv, v.lv+1
		if !has(low) {
			high = low // none of it, as mostly where many write at once
		}
		for low < high {
			if mid := high - 1 - (high-1-low)/2; has(mid) {
				low = mid + 1
			} else {
				high = mid
			}
		}
		if low > g.entries[i].lv {
			found = append(found, low-1)
			continue
		}
		for _, p := range g.entryParents(i) {
			w.push(p, 0, left)
		}
	}
	order.Sort(found, cmp.Compare)
	return g.reduce(slices.Compact(found)), nil
}
