package crdt

import (
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// oracle computes the state of a world from the definitions: which ops are covered by which. It knows no order of
// application.
type oracle struct {
	w   *world
	ops []oracleOp
}

type oracleOp struct {
	version, pos int
	op           Op
}

func newOracle(w *world) *oracle {
	o := &oracle{w: w}
	for i := range w.versions {
		for pos, op := range w.versions[i].ops {
			o.ops = append(o.ops, oracleOp{version: i, pos: pos, op: op})
		}
	}
	return o
}

// covers: b covers a if a is in the past of b, or before it in the same version.
func (o *oracle) covers(b, a *oracleOp) bool {
	if a.version == b.version {
		return a.pos < b.pos
	}
	return o.w.versions[b.version].past>>a.version&1 == 1
}

func (o *oracle) stamp(a *oracleOp) clock.Stamp { return o.w.versions[a.version].stamp }

// anyCovering reports whether an op of one of the codes covers a and passes the test.
func (o *oracle) anyCovering(a *oracleOp, test func(b *oracleOp) bool, codes ...Code) bool {
	for i := range o.ops {
		b := &o.ops[i]
		if slices.Contains(codes, b.op.Code) && o.covers(b, a) && test(b) {
			return true
		}
	}
	return false
}

func yes(*oracleOp) bool { return true }

// takeDocuments are the codes of the ops that leave nothing of a document that they cover; likewise the others.
var (
	onLists       = []Code{CodeListSplice, CodeListMove, CodeListReplace}
	takeDocuments = append([]Code{CodeDelete, CodeAdd, CodeSetAdd, CodeSetRemove, CodeTextSplice}, onLists...)
	takeCounters  = append([]Code{CodeDelete, CodePut, CodePatch, CodeSetAdd, CodeSetRemove, CodeTextSplice}, onLists...)
	takeSets      = append([]Code{CodeDelete, CodePut, CodePatch, CodeAdd, CodeTextSplice}, onLists...)
	takeAny       = append([]Code{CodeDelete, CodePut, CodePatch, CodeAdd, CodeSetAdd, CodeSetRemove, CodeTextSplice}, onLists...)
)

// buried: some patch saw what took a out, or the same version did.
func (o *oracle) buried(a *oracleOp) bool {
	return o.anyCovering(a, func(d *oracleOp) bool { return d.version == a.version || o.anyCovering(d, yes, CodePatch) }, takeDocuments...)
}

// killers are the ops that take a out and cover no other that does.
func (o *oracle) killers(a *oracleOp) []clock.Stamp {
	var out []clock.Stamp
	o.anyCovering(a, func(d *oracleOp) bool {
		if !o.anyCovering(a, func(e *oracleOp) bool { return o.covers(d, e) }, takeDocuments...) {
			out = append(out, o.stamp(d))
		}
		return false
	}, takeDocuments...)
	return sortedStamps(out)
}

// stands reports whether an edit of a text or a list, whose ops have the given codes, was not erased and nothing takes it out:
// no op of another kind, and none of its own that was not erased.
func (o *oracle) stands(a *oracleOp, own ...Code) bool {
	return a.op.Body != nil && !o.anyCovering(a, func(b *oracleOp) bool {
		return b.op.Body != nil || !slices.Contains(own, b.op.Code)
	}, takeAny...)
}

func sortedStamps(s []clock.Stamp) []clock.Stamp {
	slices.SortFunc(s, clock.Stamp.Compare)
	if s = slices.Compact(s); len(s) == 0 {
		return nil
	}
	return s
}

// state puts the definitions together.
func (o *oracle) state() *State {
	s := &State{}
	o.document(s)
	o.others(s)
	for i := range o.w.versions {
		for j := range o.w.versions {
			a, b := &o.w.versions[i], &o.w.versions[j]
			if i != j && a.past>>j&1 == 0 && b.past>>i&1 == 0 {
				s.branched = true
			}
		}
	}
	return s
}

func (o *oracle) document(s *State) {
	type placed struct {
		path string
		op   *oracleOp
		at   clock.Stamp
	}
	var all []placed
	byPath := map[string][]entry{}
	for i := range o.ops {
		a := &o.ops[i]
		switch a.op.Code {
		case CodePut:
			s.held |= documents
			if a.op.Body != nil && !o.anyCovering(a, yes, CodePut) && !o.buried(a) {
				all = append(all, placed{op: a, at: o.stamp(a)})
				s.roots = append(s.roots, entry{at: o.stamp(a), value: a.op.Body, killers: o.killers(a)})
			}
		case CodeDelete:
			s.held |= deletes
			if !o.anyCovering(a, yes, takeAny...) {
				s.tombs = append(s.tombs, o.stamp(a))
			}
		case CodePatch:
			s.held |= documents
			edits, _ := a.op.Edits()
			for _, e := range edits {
				p := Pointer(e.Path)
				replaced := o.anyCovering(a, func(b *oracleOp) bool { return editsAbove(b, p) }, CodePatch)
				if replaced || o.anyCovering(a, yes, CodePut) || o.buried(a) {
					continue
				}
				all = append(all, placed{path: p, op: a, at: o.stamp(a)})
				byPath[p] = append(byPath[p], entry{at: o.stamp(a), value: e.Value, killers: o.killers(a)})
			}
		}
	}
	for p, entries := range byPath {
		for i := range entries {
			for _, x := range all {
				other := o.w.versions[o.w.index[entries[i].at.ID]].past>>x.op.version&1 == 0 && x.at != entries[i].at
				if other && (x.path == "" || strings.HasPrefix(p, x.path+"/")) {
					entries[i].aside = append(entries[i].aside, x.at)
				}
			}
			entries[i].aside = sortedStamps(entries[i].aside)
		}
		slices.SortFunc(entries, func(a, b entry) int { return a.at.Compare(b.at) })
		s.fields = append(s.fields, field{path: p, entries: entries})
	}
	slices.SortFunc(s.fields, func(a, b field) int { return comparePaths(a.path, b.path) })
	slices.SortFunc(s.roots, func(a, b entry) int { return a.at.Compare(b.at) })
	s.tombs = sortedStamps(s.tombs)
}

func editsAbove(op *oracleOp, path string) bool {
	edits, _ := op.op.Edits()
	return slices.ContainsFunc(edits, func(e Edit) bool {
		p := Pointer(e.Path)
		return path == p || strings.HasPrefix(path, p+"/")
	})
}

func (o *oracle) others(s *State) {
	bySet := map[string][]clock.Stamp{}
	for i := range o.ops {
		a := &o.ops[i]
		switch a.op.Code {
		case CodeAdd:
			s.held |= counters
			if n, _ := a.op.Amount(); a.op.Body != nil && !o.anyCovering(a, yes, takeCounters...) {
				at := o.stamp(a)
				s.addUp(n, &at)
			}
		case CodeSetAdd:
			s.held |= sets
			elements, _ := a.op.Elements()
			for _, v := range elements {
				names := func(b *oracleOp) bool {
					others, _ := b.op.Elements()
					return slices.ContainsFunc(others, func(x Value) bool { return string(x) == string(v) })
				}
				if !o.anyCovering(a, names, CodeSetAdd, CodeSetRemove) && !o.anyCovering(a, yes, takeSets...) {
					bySet[string(v)] = append(bySet[string(v)], o.stamp(a))
				}
			}
		case CodeSetRemove:
			s.held |= sets
		case CodeTextSplice:
			s.held |= texts
			if o.stands(a, CodeTextSplice) {
				s.text = append(s.text, o.stamp(a))
			}
		case CodeListSplice, CodeListMove, CodeListReplace:
			s.held |= lists
			if o.stands(a, onLists...) {
				s.list = append(s.list, o.stamp(a))
			}
		case CodePut, CodeDelete, CodePatch, CodeResolve, CodeErase:
		default:
			s.unknown = true
		}
	}
	s.text, s.list = sortedStamps(s.text), sortedStamps(s.list)
	for v, adds := range bySet {
		s.set = append(s.set, element{value: Value(v), adds: sortedStamps(adds)})
	}
	slices.SortFunc(s.set, func(a, b element) int { return canon.Compare(a.value, b.value) })
}

// shown computes what Fields shows of a document with a live field, by writing everything in the order of stamps into a
// tree.
func (s *State) shownByWriting() Value {
	type write struct {
		path  string
		value Value
		at    clock.Stamp
		entry *entry
	}
	var writes []write
	live := slices.ContainsFunc(s.roots, func(e entry) bool { return e.live() })
	for i := range s.roots {
		if r := &s.roots[i]; r.live() || !live {
			for _, leaf := range appendLeaves(nil, "", r.value) {
				writes = append(writes, write{leaf.path, leaf.value, r.at, nil})
			}
		}
	}
	s.eachFieldPath(func(p string, e *entry) { writes = append(writes, write{p, e.value, e.at, e}) })
	slices.SortStableFunc(writes, func(a, b write) int { return a.at.Compare(b.at) }) // roots stay before fields
	tree := &treeNode{}
	for _, w := range writes {
		saw := func(at clock.Stamp) bool { return w.entry != nil && !slices.Contains(w.entry.aside, at) }
		tree.write(w.path, w.value, w.at, w.entry == nil, saw)
	}
	v := tree.value()
	if v == nil {
		return js("{}")
	}
	return v
}

func (s *State) eachFieldPath(visit func(string, *entry)) {
	for i := range s.fields {
		for j := range s.fields[i].entries {
			visit(s.fields[i].path, &s.fields[i].entries[j])
		}
	}
}

// treeNode holds a leaf, or members, or an empty object that members may fill.
type treeNode struct {
	leaf     Value
	at       clock.Stamp
	isRoot   bool
	members  map[string]*treeNode
	explicit bool // {} was written here
}

func (n *treeNode) write(path string, v Value, at clock.Stamp, isRoot bool, saw func(clock.Stamp) bool) {
	if path == "" {
		n.writeHere(v, at, isRoot, saw)
		return
	}
	if (n.leaf != nil || n.explicit) && saw(n.at) {
		n.leaf, n.explicit = nil, false
	}
	if v == nil && n.leaf != nil {
		return // nothing is below a leaf, as the removal asks
	}
	n.leaf = nil
	key, rest := nextSegment(path)
	if n.members == nil {
		n.members = map[string]*treeNode{}
	}
	if n.members[key] == nil {
		n.members[key] = &treeNode{}
	}
	n.members[key].write(rest, v, at, isRoot, saw)
}

func (n *treeNode) writeHere(v Value, at clock.Stamp, isRoot bool, saw func(clock.Stamp) bool) {
	if v != nil && isEmptyObject(v) {
		for _, m := range n.members {
			m.forget(saw)
		}
		*n = treeNode{at: at, isRoot: isRoot, members: n.members, explicit: true}
		return
	}
	*n = treeNode{leaf: v, at: at, isRoot: isRoot}
}

// forget drops leaves of roots that a later empty object saw.
func (n *treeNode) forget(saw func(clock.Stamp) bool) {
	if n.isRoot && saw(n.at) {
		n.leaf, n.explicit = nil, false
	}
	for _, m := range n.members {
		m.forget(saw)
	}
}

func (n *treeNode) value() Value {
	if n.leaf != nil {
		return n.leaf
	}
	var entries []canon.Entry
	for key, m := range n.members {
		if v := m.value(); v != nil {
			entries = append(entries, canon.Entry{Key: key, Value: v})
		}
	}
	if len(entries) == 0 && !n.explicit {
		return nil
	}
	v, err := canon.NewMap(entries)
	if err != nil {
		panic(err)
	}
	return v
}
