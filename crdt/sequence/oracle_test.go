package sequence

import (
	"cmp"
	"slices"
)

// oracle is the definition, as simple as it can be written: the tree of FugueMax (Weidner and Kleppmann, "The Art of the
// Fugue", algorithm 2), and for each event the set of all events that it has seen. It knows nothing of trackers, runs or
// critical versions, and takes O(n²).
type oracle struct {
	events []oracleEvent
	nodes  map[int]*oracleNode // by the event that inserted it; −1 is the root
}

type oracleEvent struct {
	dot     Dot
	past    map[int]bool // with itself
	target  int          // the event whose element it removes, −1 for an insert
	content rune
}

type oracleNode struct {
	event       int
	rightOrigin int // −1 for the end
	left, right []*oracleNode
}

func newOracle() *oracle {
	return &oracle{nodes: map[int]*oracleNode{-1: {event: -1}}}
}

// order is all nodes but the root, as the tree says.
func (o *oracle) order() (nodes []*oracleNode) {
	var walk func(n *oracleNode)
	walk = func(n *oracleNode) {
		for _, c := range n.left {
			walk(c)
		}
		if n.event >= 0 {
			nodes = append(nodes, n)
		}
		for _, c := range n.right {
			walk(c)
		}
	}
	walk(o.nodes[-1])
	return nodes
}

// visible is the elements, as the events that inserted them, that stand in a set of events.
func (o *oracle) visible(past map[int]bool) (elements []int) {
	removed := map[int]bool{}
	for e := range past {
		if t := o.events[e].target; t >= 0 {
			removed[t] = true
		}
	}
	for _, n := range o.order() {
		if past[n.event] && !removed[n.event] {
			elements = append(elements, n.event)
		}
	}
	return elements
}

func (o *oracle) text(past map[int]bool) string {
	var s []rune
	for _, e := range o.visible(past) {
		s = append(s, o.events[e].content)
	}
	return string(s)
}

// union is what the given events have seen.
func (o *oracle) union(events []int) map[int]bool {
	past := map[int]bool{}
	for _, e := range events {
		for p := range o.events[e].past {
			past[p] = true
		}
	}
	return past
}

// splice adds the events of a splice made by somebody who has seen the given events, and returns the last one.
func (o *oracle) splice(parents []int, op Op) (last int) {
	last = -1
	dot := op.Dot
	add := func(target int, content rune) {
		past := o.union(parents)
		last = len(o.events)
		past[last] = true
		o.events = append(o.events, oracleEvent{dot, past, target, content})
		parents = []int{last}
		dot.Seq++
	}
	for range op.Removed {
		add(o.visible(o.union(parents))[op.Pos], 0)
	}
	pos := op.Pos
	for _, r := range op.Text {
		past := o.union(parents)
		left := -1
		if pos > 0 {
			left = o.visible(past)[pos-1]
		}
		add(-1, r)
		o.insert(past, left, last)
		pos++
	}
	return last
}

// insert adds the node of an event right of the element left; past is what its author has seen.
func (o *oracle) insert(past map[int]bool, left, event int) {
	right := -1
	started := left < 0
	var known []*oracleNode // of the past, removed or not
	for _, n := range o.order() {
		if past[n.event] {
			known = append(known, n)
		}
	}
	for _, n := range known {
		if started {
			right = n.event
			break
		}
		started = n.event == left
	}
	node := &oracleNode{event: event, rightOrigin: right}
	o.nodes[event] = node
	parent := o.nodes[left]
	hasRight := slices.ContainsFunc(parent.right, func(c *oracleNode) bool { return past[c.event] })
	if !hasRight {
		parent.right = append(parent.right, node)
		o.sortRight(parent)
		return
	}
	parent = o.nodes[right]
	parent.left = append(parent.left, node)
	slices.SortFunc(parent.left, func(a, b *oracleNode) int { return o.compare(a.event, b.event) })
}

// sortRight sorts right children: those whose right origins stand more to the right come first, ties by dot.
func (o *oracle) sortRight(parent *oracleNode) {
	place := map[int]int{-1: 1 << 30}
	for i, n := range o.order() {
		place[n.event] = i
	}
	slices.SortFunc(parent.right, func(a, b *oracleNode) int {
		if c := cmp.Compare(place[b.rightOrigin], place[a.rightOrigin]); c != 0 {
			return c
		}
		return o.compare(a.event, b.event)
	})
}

func (o *oracle) compare(a, b int) int {
	x, y := o.events[a].dot, o.events[b].dot
	if c := x.Author.Compare(y.Author); c != 0 {
		return c
	}
	return cmp.Compare(x.Seq, y.Seq)
}
