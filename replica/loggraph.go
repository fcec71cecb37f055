package replica

import (
	"context"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
)

// The graph of a key has an edge from each version on it to the last ones on it that this one covers. Edges are not
// stored, they are found while the chain of the key is read, newest applied first. Mostly a version covers all that is
// before it on the key, as its link tells, and so does the one before: then that one is all there is beneath it. Where
// replicas wrote at the same time, the graph of all versions is asked what they cover.

// keyNode is a version on a key.
type keyNode struct {
	top
	// all says that it covers all that is before it on the key, shown that the query wants it.
	all, shown bool
	// line and covers are its place in the graph of all versions, known where placed is set.
	placed bool
	line   history.Line
	covers history.Clock
	// below has what is beneath it once found is set.
	found bool
	below []*keyNode
}

// keyGraph finds what is beneath the versions of a key.
type keyGraph struct {
	s *snap
	// open are those of which it is not found yet. byLine are the versions among which it may be, those of each line newest
	// first.
	open   []*keyNode
	byLine map[history.Line][]*keyNode
}

// add takes the next version of the chain.
func (k *keyGraph) add(n *keyNode) error {
	if len(k.open) == 1 && k.open[0].all && n.all {
		k.open[0].found, k.open[0].below = true, []*keyNode{n}
		k.restart(n)
		return nil
	}
	if len(k.open) == 1 {
		if err := k.place(k.open[0]); err != nil {
			return err
		}
	}
	if err := k.place(n); err != nil {
		return err
	}
	k.open = append(k.open, n)
	k.settle(func(m *keyNode) bool { return m != n && (n.all && m.over(n) || m.goesOn(n)) })
	if n.all && len(k.open) == 1 {
		k.restart(n)
	}
	return nil
}

// end says that there are no more versions: what is not found is not there.
func (k *keyGraph) end() { k.settle(func(*keyNode) bool { return true }) }

// restart forgets all but n, which covers what comes and is covered by what came.
func (k *keyGraph) restart(n *keyNode) {
	k.open, k.byLine = append(k.open[:0], n), nil
	if n.placed {
		k.byLine = map[history.Line][]*keyNode{n.line: {n}}
	}
}

// place looks up where a version stands in the graph of all.
func (k *keyGraph) place(n *keyNode) error {
	if n.placed {
		return nil
	}
	err := k.s.graph(func(g *history.Graph) error {
		n.line, _ = g.At(n.lv)
		n.covers, n.placed = g.Clock(n.lv), true
		return nil
	})
	if k.byLine == nil {
		k.byLine = make(map[history.Line][]*keyNode)
	}
	k.byLine[n.line] = append(k.byLine[n.line], n)
	return err
}

// settle finds what is beneath those of which done says that all of it was read.
func (k *keyGraph) settle(done func(*keyNode) bool) {
	k.open = slices.DeleteFunc(k.open, func(m *keyNode) bool {
		if !done(m) {
			return false
		}
		m.found, m.below = true, k.beneath(m)
		return true
	})
}

// beneath are the last versions that n covers, of those that were read: its author's own first, then by descending stamp.
func (k *keyGraph) beneath(n *keyNode) []*keyNode {
	var last []*keyNode
	for line, nodes := range k.byLine {
		upTo := n.covers.Seq(line)
		if line == n.line {
			upTo = n.stamp.Seq - 1
		}
		i, _ := slices.BinarySearchFunc(nodes, upTo, func(m *keyNode, upTo uint64) int {
			if m.stamp.Seq > upTo {
				return -1
			}
			return 1
		})
		if i < len(nodes) {
			last = append(last, nodes[i])
		}
	}
	var below []*keyNode
	for _, m := range last {
		if !slices.ContainsFunc(last, func(over *keyNode) bool { return over != m && over.over(m) }) {
			below = append(below, m)
		}
	}
	order.Sort(below, func(a, b *keyNode) int {
		if own := a.stamp.Author == n.stamp.Author; own != (b.stamp.Author == n.stamp.Author) {
			if own {
				return -1
			}
			return 1
		}
		return b.stamp.Compare(a.stamp)
	})
	return below
}

// over reports whether n covers m, which was applied before.
func (n *keyNode) over(m *keyNode) bool { return n.covers.Covers(m.line, m.stamp.Seq) }

// goesOn reports whether n covers nothing but m, what m covers, and dots of its own line.
func (n *keyNode) goesOn(m *keyNode) bool {
	if n.line != m.line || n.covers.Len() != m.covers.Len() {
		return false
	}
	for mark := range n.covers.Marks() {
		if mark.Line != n.line && m.covers.Seq(mark.Line) != mark.Seq {
			return false
		}
	}
	return true
}

// belowAll are the parents of a version that no other of its parents covers. The other heads of its time do not cover each
// other; of them one may cover the author's previous version.
func (s *snap) belowAll(parents []*stored) (below []Version, err error) {
	below = asVersions(parents)
	if len(parents) < 2 {
		return below, nil
	}
	err = s.graph(func(g *history.Graph) error {
		for _, p := range parents[1:] {
			if g.Covers(p.lv, parents[0].lv) {
				below = below[1:]
				break
			}
		}
		return nil
	})
	return below, err
}

// entry is the version as the log shows it.
func (n *keyNode) entry(s *snap, key string) (LogEntry, error) {
	e := LogEntry{Version: Version{Stamp: n.stamp}, Hidden: true}
	if n.shown {
		var err error
		if e, err = s.entryOnKey(n.lv, key); err != nil {
			return e, err
		}
	}
	for _, m := range n.below {
		e.Below = append(e.Below, Version{Stamp: m.stamp})
	}
	return e, nil
}

// graphOfKey shows the versions on a key with what is beneath each, those that are not wanted too: lines pass through
// them.
func (s *snap) graphOfKey(ctx context.Context, key string, f *logFilter, show func(LogEntry) error) error {
	chain, err := s.chainOf(key)
	if err != nil {
		return err
	}
	graph := keyGraph{s: s}
	var held byStamp
	nodes := make(map[history.LV]*keyNode)
	showDownTo := func(bound *top) error {
		for len(held) > 0 && nodes[held[0].lv].found && (bound == nil || !held[0].stamp.Less(bound.stamp)) {
			n := nodes[held.next().lv]
			delete(nodes, n.lv)
			e, err := n.entry(s, key)
			if err == nil {
				err = show(e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = chain.walk(0, func(v *stored, l link) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		itself, below, err := f.wants(v)
		if err != nil {
			return false, err
		}
		n := &keyNode{top: top{v.lv, v.Stamp()}, all: l.all, shown: itself}
		if err := graph.add(n); err != nil {
			return false, err
		}
		held.add(v)
		nodes[v.lv] = n
		if !l.all {
			return true, nil
		}
		return below, showDownTo(&n.top)
	})
	if err != nil {
		return err
	}
	graph.end()
	return showDownTo(nil)
}
