package replicatest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/replica"
)

// ErrModel is wrapped by everything that a version has against the definitions.
var ErrModel = errors.New("against the definitions")

// Model is every version that a run has seen, and nothing else. What a set of them means it computes each time from the
// definitions: which op covers which.
type Model struct {
	nodes []node
	byID  map[clock.ID]int
	// byName finds a version by the name that ops have for it: see nameOfSide.
	byName map[string]int
	// byEntry finds a version by the name that clocks have for it.
	byEntry map[clock.Entry]int
	// gone is what is destroyed for whom the model speaks to.
	gone *erasures
	// Custom are the application's strategies, by name.
	Custom map[string]crdt.Strategy
}

// node is one version.
type node struct {
	stamp   clock.Stamp
	prev    int // the author's previous version, −1 for none
	parents []int
	past    Set // without itself
	ops     []modelOp
	content string
	clock   clock.Vector // as the parents say; nil before it was needed
	closed  []Entry      // the conflicts that it closed; nil before they were needed
	counted string       // for which erasures closed is known; empty before
}

type modelOp struct {
	code     string
	key      string
	value    canon.Value
	edits    []modelEdit
	elements []canon.Value
	edit     *sequenceEdit
	resolves []string // versions that a resolve op names: AUTHOR@SEQ and the first half of the id
	// erases is the op that an erase names, by its version's name and its index.
	erases struct {
		version string
		op      int
	}
	// unseen: nobody has shown the operand, which was destroyed before. erased: for whom the model speaks to it is.
	unseen, erased bool
}

type modelEdit struct {
	path  []string
	value canon.Value // nil: removed
}

// width is how many dots the op owns.
func (op *modelOp) width() uint64 {
	if op.edit != nil {
		return op.edit.width()
	}
	return 1
}

// width is how many dots the version owns.
func (v *node) width() (n uint64) {
	for i := range v.ops {
		n += v.ops[i].width()
	}
	return max(n, 1)
}

// NewModel returns a model without versions.
func NewModel(custom ...crdt.Strategy) *Model {
	m := &Model{byID: make(map[clock.ID]int), byName: make(map[string]int), byEntry: make(map[clock.Entry]int), Custom: make(map[string]crdt.Strategy)}
	for _, s := range custom {
		m.Custom[s.Name()] = s
	}
	return m
}

// Len is how many versions the model knows.
func (m *Model) Len() int { return len(m.nodes) }

// Lookup returns the number of a version.
func (m *Model) Lookup(id clock.ID) (int, bool) {
	n, ok := m.byID[id]
	return n, ok
}

// Stamp is the name of a version.
func (m *Model) Stamp(n int) clock.Stamp { return m.nodes[n].stamp }

// Closed is a version with all that it covers.
func (m *Model) Closed(n int) Set {
	s := m.nodes[n].past.Clone()
	s.Add(n)
	return s
}

// dots counts those of some versions.
func (m *Model) dots(versions []int) (sum uint64) {
	for _, n := range versions {
		sum += m.nodes[n].width()
	}
	return sum
}

// Enter takes a version as a replica shows it and checks it against the definitions: its parents are here (I3), its time
// is above theirs and its dots go on from its author's previous version (I9), its clock is the join of theirs and
// itself (I3), and a version that was seen before has the same content (I13).
func (m *Model) Enter(e *replica.LogEntry) (n int, fresh bool, err error) {
	content := contentOf(e)
	if n, known := m.byID[e.ID]; known {
		if m.nodes[n].content != content {
			return n, false, fmt.Errorf("%w: %s has two contents:\n%s\n%s", ErrModel, e.Version, m.nodes[n].content, content)
		}
		if err := m.agree(n, e); err != nil {
			return n, false, err
		}
		return n, false, m.checkClock(n, e)
	}
	v := node{stamp: e.Stamp, prev: -1, content: content}
	seq := uint64(0)
	for _, p := range e.Parents {
		i, known := m.byID[p.ID]
		if !known {
			return 0, false, fmt.Errorf("%w: %s is shown before its parent %s", ErrModel, e.Version, p)
		}
		parent := &m.nodes[i]
		if parent.stamp.Time >= e.Time {
			return 0, false, fmt.Errorf("%w: %s is not later than its parent %s", ErrModel, e.Version, p)
		}
		if len(v.parents) == 0 && parent.stamp.Author == e.Author {
			v.prev, seq = i, parent.stamp.Seq
		}
		v.parents = append(v.parents, i)
		v.past.AddAll(parent.past)
		v.past.Add(i)
	}
	if v.ops, err = readOps(e); err != nil {
		return 0, false, err
	}
	if want := seq + v.width(); e.Seq != want {
		return 0, false, fmt.Errorf("%w: %s of %d dots on top of dot %d", ErrModel, e.Version, v.width(), seq)
	}
	n = len(m.nodes)
	m.nodes = append(m.nodes, v)
	m.byID[e.ID], m.byName[nameOfSide(&e.Stamp)], m.byEntry[e.Entry()] = n, n, n
	return n, true, m.checkClock(n, e)
}

// agree compares what a version's ops say with what it said before, and learns what nobody has shown yet.
func (m *Model) agree(n int, e *replica.LogEntry) error {
	ops, err := readOps(e)
	if err != nil {
		return err
	}
	for i := range ops {
		was := &m.nodes[n].ops[i]
		switch {
		case ops[i].unseen:
		case was.unseen:
			*was = ops[i]
		case !bytes.Equal(was.value, ops[i].value):
			return fmt.Errorf("%w: %s says %s and %s", ErrModel, e.Version, was.value, ops[i].value)
		}
	}
	return nil
}

// contentOf is everything that a version's id is to fix, as text, but for what may be destroyed.
func contentOf(e *replica.LogEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %q", e.Version, e.Time, e.Message)
	for _, p := range e.Parents {
		fmt.Fprintf(&b, " <%s", p.ID)
	}
	for _, op := range e.Ops {
		fmt.Fprintf(&b, " %s %s", op.Op, op.Key)
	}
	return b.String()
}

func readOps(e *replica.LogEntry) ([]modelOp, error) {
	var ops []modelOp
	for _, op := range e.Ops {
		o := modelOp{code: op.Op, key: op.Key, unseen: op.Erased}
		if op.Value != nil {
			v, err := canon.FromJSON(op.Value)
			if err != nil {
				return nil, fmt.Errorf("%w: %s shows %s: %w", ErrModel, e.Version, op.Value, err)
			}
			o.value = v
		}
		switch op.Op {
		case "patch":
			for text, value := range o.value.Entries() {
				path, err := crdt.ParsePointer(text)
				if err != nil {
					return nil, err
				}
				o.edits = append(o.edits, modelEdit{path: path, value: value})
			}
			for _, text := range op.Removed {
				path, err := crdt.ParsePointer(text)
				if err != nil {
					return nil, err
				}
				o.edits = append(o.edits, modelEdit{path: path})
			}
		case "erase":
			name, _ := o.value.Lookup("version")
			id, _ := o.value.Lookup("id")
			index, _ := o.value.Lookup("op")
			n, _ := index.AsInt()
			o.erases.version, o.erases.op = string(name.AppendJSON(nil))+string(id.AppendJSON(nil)), int(n)
		case "text-splice", "list-splice", "list-move", "list-replace":
			o.edit = readEdit(op.Op, o.value)
		case "set-add", "set-remove":
			o.elements = slices.Collect(o.value.Elements())
		case "resolve":
			for side := range o.value.Elements() {
				name, _ := side.Lookup("version")
				id, _ := side.Lookup("id")
				o.resolves = append(o.resolves, string(name.AppendJSON(nil))+string(id.AppendJSON(nil)))
			}
		}
		ops = append(ops, o)
	}
	return ops, nil
}

// checkClock compares a version's clock with the newest dots of what it covers.
func (m *Model) checkClock(n int, e *replica.LogEntry) error {
	want := m.nodes[n].clock
	if want == nil {
		want = clock.NewVector(m.leaves(m.Closed(n))...)
		m.nodes[n].clock = want
	}
	if !slices.Equal(want, e.Clock) {
		return fmt.Errorf("%w: the clock of %s is %v, and must be %v", ErrModel, e.Version, e.Clock, want)
	}
	return nil
}

// leaves are, for each author, the versions of a set that none by the same author in the set comes after.
func (m *Model) leaves(s Set) []clock.Entry {
	gone := make(map[int]bool)
	members := s.Members()
	for _, n := range members {
		gone[m.nodes[n].prev] = true
	}
	var out []clock.Entry
	for _, n := range members {
		if !gone[n] {
			out = append(out, m.nodes[n].stamp.Entry())
		}
	}
	return out
}

// Keys are the keys that a set's versions touch, ascending, kdelta's own included.
func (m *Model) Keys(s Set) []string {
	seen := make(map[string]bool)
	var keys []string
	for _, n := range s.Members() {
		for i := range m.nodes[n].ops {
			if k := m.nodes[n].ops[i].key; !seen[k] {
				seen[k] = true
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// Forked reports whether a set holds two versions of one author on one previous version.
func (m *Model) Forked(s Set) bool {
	type root struct {
		author [32]byte
		prev   int
	}
	seen := make(map[root]bool)
	for _, n := range s.Members() {
		r := root{m.nodes[n].stamp.Author, m.nodes[n].prev}
		if seen[r] {
			return true
		}
		seen[r] = true
	}
	return false
}

func sameJSON(a, b []byte) bool {
	x, errX := canon.FromJSON(a)
	y, errY := canon.FromJSON(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
