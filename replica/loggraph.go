package replica

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
)

// GraphEntry is a version of a graph.
type GraphEntry struct {
	LogEntry
	// Below are the versions that lines go down to from this one: its parents, without one that another parent covers; in
	// the graph of a key, the last versions on the key that it covers.
	Below []Version
	// Hidden says that the query does not want this version, but lines pass through it: it has nothing but its name and Below.
	Hidden bool
}

// Graph yields what Log does, in the same order and as streaming, with what it takes to draw the graph of versions: where lines go
// from each, and those versions that are not wanted but that lines pass through on their way down. Limit does not count
// these. Where replicas wrote a key at the same time, the graph of that key holds in memory where each of these stands.
func (r *Replica) Graph(ctx context.Context, key string, query ...LogQuery) iter.Seq2[GraphEntry, error] {
	return func(yield func(GraphEntry, error) bool) {
		err := r.view(ctx, func(s *snap) error {
			q, err := only(query)
			if err != nil {
				return err
			}
			filter, err := q.filter(s)
			if err != nil {
				return err
			}
			n := 0
			pass := func(e GraphEntry) error {
				if !e.Hidden {
					n++
				}
				if !yield(e, nil) || n == q.Limit && q.Limit > 0 {
					return errStop
				}
				return nil
			}
			if key != "" {
				return s.graphOfKey(ctx, key, filter, pass)
			}
			return s.graphOfAll(ctx, filter, pass)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(GraphEntry{}, err)
		}
	}
}

// graphOfAll passes the versions with their parents.
func (s *snap) graphOfAll(ctx context.Context, f *logFilter, pass func(GraphEntry) error) error {
	return s.logOfAll(ctx, f, func(v *stored, parents []*stored, wanted bool) error {
		e, err := f.graphEntry(v, parents, "", wanted)
		if err == nil {
			e.Below, err = s.belowAll(parents)
		}
		if err != nil {
			return err
		}
		return pass(e)
	})
}

func (f *logFilter) graphEntry(v *stored, parents []*stored, key string, wanted bool) (e GraphEntry, err error) {
	if !wanted {
		return GraphEntry{LogEntry: LogEntry{Version: Version{Stamp: v.Stamp()}}, Hidden: true}, nil
	}
	e.LogEntry, err = f.s.logEntry(v, parents, key, f.withClock)
	return e, err
}

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

// entry is the version as the graph shows it.
func (n *keyNode) entry(f *logFilter, key string) (GraphEntry, error) {
	v, err := f.s.version(n.lv)
	if err != nil {
		return GraphEntry{}, err
	}
	parents, err := f.s.parentsOf(v)
	if err != nil {
		return GraphEntry{}, err
	}
	e, err := f.graphEntry(v, parents, key, n.shown)
	for _, m := range n.below {
		e.Below = append(e.Below, Version{Stamp: m.stamp})
	}
	return e, err
}

// graphOfKey passes the versions on a key with what is beneath each.
func (s *snap) graphOfKey(ctx context.Context, key string, f *logFilter, pass func(GraphEntry) error) error {
	chain, err := f.chainOf(key)
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
			e, err := n.entry(f, key)
			if err == nil {
				err = pass(e)
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
