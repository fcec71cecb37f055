package sequence

import (
	"cmp"
	"slices"
	"strings"
)

// oracle is the definition, as simple as it can be written: the tree of FugueMax (Weidner and Kleppmann, "The Art of
// the Fugue"), and for each event the set of all events that it has seen. It knows nothing of trackers, runs or
// critical versions, and takes O(n²).
type oracle struct {
	events []oracleEvent
	nodes  map[int]*oracleNode // by the event that inserted or moved; −1 is the root
}

type oracleEvent struct {
	dot     Dot
	past    map[int]bool // with itself
	kind    kind
	element int // the event that inserted what it is about
	content string
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

// visible is the places, as the events that inserted or moved, of the elements that stand in a set of events.
func (o *oracle) visible(past map[int]bool) (places []int) {
	removed, in := map[int]bool{}, map[int]int{}
	for e := range past {
		ev := &o.events[e]
		switch ev.kind {
		case remove:
			removed[ev.element] = true
		case insert, move:
			if other, ok := in[ev.element]; !ok || other < e {
				in[ev.element] = e // events are numbered in the total order
			}
		}
	}
	for _, n := range o.order() {
		if element := o.events[n.event].element; past[n.event] && !removed[element] && in[element] == n.event {
			places = append(places, n.event)
		}
	}
	return places
}

// contents is what the elements hold that stand in a set of events.
func (o *oracle) contents(past map[int]bool) []string {
	var s []string
	for _, place := range o.visible(past) {
		element := o.events[place].element
		newest := element
		for e := range past {
			if o.events[e].kind == replace && o.events[e].element == element {
				newest = max(newest, e)
			}
		}
		s = append(s, o.events[newest].content)
	}
	return s
}

func (o *oracle) text(past map[int]bool) string { return strings.Join(o.contents(past), "") }

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
	edit := ListEdit{Pos: op.Pos, Removed: op.Removed}
	for _, r := range op.Text {
		edit.Elements = append(edit.Elements, []byte(string(r)))
	}
	return o.edit(parents, ListOp{op.Dot, edit})
}

// edit is splice for an edit of a list.
func (o *oracle) edit(parents []int, op ListOp) (last int) {
	dot := op.Dot
	add := func(k kind, element int, content string) {
		past := o.union(parents)
		last = len(o.events)
		past[last] = true
		o.events = append(o.events, oracleEvent{dot, past, k, element, content})
		parents = []int{last}
		dot.Seq++
	}
	// put adds an event that gives an element a place, so that it is at pos among those in shown.
	put := func(k kind, element int, content string, shown []int, pos int) {
		left := -1
		if pos > 0 {
			left = shown[pos-1]
		}
		past := o.union(parents)
		add(k, element, content)
		o.insert(past, left, last)
	}
	shown := o.visible(o.union(parents))
	switch op.Kind {
	case ListMove:
		place := shown[op.Pos]
		put(move, o.events[place].element, "", slices.Delete(shown, op.Pos, op.Pos+1), op.To)
	case ListReplace:
		add(replace, o.events[shown[op.Pos]].element, string(op.Elements[0]))
	default:
		for i := range op.Removed {
			add(remove, o.events[shown[op.Pos+i]].element, "")
		}
		for i, e := range op.Elements {
			put(insert, len(o.events), string(e), o.visible(o.union(parents)), op.Pos+i)
		}
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
