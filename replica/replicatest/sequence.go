package replicatest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// A text or a list is a tree of places, by the definition of FugueMax (Weidner and Kleppmann, "The Art of the Fugue"): who inserts an
// element puts it to the right of the one before it, or, where somebody has done so already, to the left of the one behind it. It
// is read from left to right. A move gives an element of a list one more place (Kleppmann, "Moving Elements in List CRDTs"); it
// is in the one of the greatest move. Nothing here is fast.

// spot is a place of an element: where it was inserted, or where a move put it. The root is none: its right children start the
// sequence.
type spot struct {
	by          *placed
	seq         uint64 // its dot
	of          *element
	behind      *spot // what stood behind it where it was put, removed elements among it; nil for the end
	left, right []*spot
}

// element is a code point or an item.
type element struct {
	says     string
	spots    []*spot // the first is where it was inserted
	replaced []*replacement
	removed  []int // the versions that did
}

// replacement is what an element was to say instead.
type replacement struct {
	by   *placed
	seq  uint64
	says string
}

// afterDot reports whether one dot is after another one in the total order.
func afterDot(a *placed, seq uint64, b *placed, than uint64) bool {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(seq, than)) > 0
}

// shown is the spot at which those see an element who knew some versions, nil for none.
func (e *element) shown(knew func(int) bool) *spot {
	if slices.ContainsFunc(e.removed, knew) {
		return nil
	}
	at := e.spots[0]
	for _, s := range e.spots[1:] {
		if knew(s.by.n) && (at == e.spots[0] || afterDot(s.by, s.seq, at.by, at.seq)) {
			at = s
		}
	}
	return at
}

// saying is what an element says in the end.
func (e *element) saying() string {
	says, last := e.says, (*replacement)(nil)
	for _, r := range e.replaced {
		if last == nil || afterDot(r.by, r.seq, last.by, last.seq) {
			says, last = r.says, r
		}
	}
	return says
}

// sequence is what the edits of a kind come to. One that does not fit what its author saw does nothing.
func (k *keyOps) sequence(kind crdt.Kind) (says []string) {
	root := &spot{}
	for i := range k.ops {
		if op := &k.ops[i]; op.op.edit != nil && op.op.edit.kind() == kind {
			k.edit(root, op)
		}
	}
	for _, s := range root.read() {
		if s.of.shown(func(int) bool { return true }) == s {
			says = append(says, s.of.saying())
		}
	}
	return says
}

// sequenceValue is what a text or a list shows.
func (k *keyOps) sequenceValue(kind crdt.Kind) canon.Value {
	says := k.sequence(kind)
	if kind == crdt.KindText {
		return canon.AppendString(nil, strings.Join(says, ""))
	}
	v, _ := canon.FromJSON([]byte("[" + strings.Join(says, ",") + "]"))
	return v
}

// edited is the text or the list as a conflict has it, which does not quote what it says, and the deletes that did not know all of
// it. There is one as long as there is an edit that nobody deleted who knew it.
func (k *keyOps) edited(kind crdt.Kind) (said Said, tombs []*placed, ok bool) {
	for i := range k.ops {
		switch a := &k.ops[i]; {
		case a.op.code == "delete" && k.stands(a):
			tombs = append(tombs, a)
		case kindOfEdit(a.op.code) == kind && k.alive(a):
			ok = true
			if said.At.Less(a.at) {
				said.At = a.at
			}
		}
	}
	said.Kind, said.Value = kind, canon.Null()
	return said, tombs, ok
}

// read is all spots below s, in order.
func (s *spot) read() (all []*spot) {
	for _, c := range s.left {
		all = append(all, c.read()...)
	}
	if s.by != nil {
		all = append(all, s)
	}
	for _, c := range s.right {
		all = append(all, c.read()...)
	}
	return all
}

// edit does what an op does, to what its author saw: what he had read, and what he had done in the same version.
func (k *keyOps) edit(root *spot, op *placed) {
	past := k.m.nodes[op.n].past
	knew := func(n int) bool { return n == op.n || past.Has(n) }
	var known, shown []*spot
	for _, s := range root.read() {
		if knew(s.by.n) {
			known = append(known, s)
			if s.of.shown(knew) == s {
				shown = append(shown, s)
			}
		}
	}
	e, seq := op.op.edit, op.seq
	if e.pos+e.taken() > len(shown) || e.to >= max(len(shown), 1) {
		return
	}
	for _, s := range shown[e.pos : e.pos+e.removed] {
		s.of.removed = append(s.of.removed, op.n)
		seq++
	}
	put := func(before int, of *element) {
		s := &spot{by: op, seq: seq, of: of}
		of.spots = append(of.spots, s)
		left, at := root, 0 // what is left of it, and how many of those known come up to that
		if before >= 0 {
			left = shown[before]
			at = slices.Index(known, left) + 1
		}
		if at < len(known) {
			s.behind = known[at]
		}
		s.insert(root, left, knew)
		known = slices.Insert(known, at, s)
		shown = slices.Insert(shown, before+1, s)
		seq++
	}
	switch e.code {
	case "list-move":
		moved := shown[e.pos].of
		shown = slices.Delete(shown, e.pos, e.pos+1)
		put(e.to-1, moved)
	case "list-replace":
		of := shown[e.pos].of
		of.replaced = append(of.replaced, &replacement{by: op, seq: seq, says: e.inserted[0]})
	default:
		for i, says := range e.inserted {
			put(e.pos+i-1, &element{says: says})
		}
	}
}

// insert puts a spot right of another one.
func (s *spot) insert(root, left *spot, knew func(int) bool) {
	if taken := slices.ContainsFunc(left.right, func(c *spot) bool { return knew(c.by.n) }); taken {
		s.behind.left = append(s.behind.left, s)
		slices.SortFunc(s.behind.left, (*spot).compare)
		return
	}
	left.right = append(left.right, s)
	order := root.read()
	place := func(x *spot) int {
		if x == nil {
			return len(order)
		}
		return slices.Index(order, x)
	}
	slices.SortFunc(left.right, func(x, y *spot) int {
		if c := cmp.Compare(place(y.behind), place(x.behind)); c != 0 {
			return c
		}
		return x.compare(y)
	})
}

// compare orders spots that were taken at one place by people who did not know of each other.
func (s *spot) compare(x *spot) int {
	a, b := &s.by.at, &x.by.at
	return cmp.Or(a.Author.Compare(b.Author), cmp.Compare(s.seq, x.seq), slices.Compare(a.ID[:], b.ID[:]))
}

// sequenceEdit is what an op on a text or a list says.
type sequenceEdit struct {
	code             string
	pos, removed, to int
	inserted         []string
}

// editCodes are the ops on texts and lists.
var editCodes = []string{"text-splice", "list-splice", "list-move", "list-replace"}

// kindOfEdit is the kind that ops of a code edit, none for those of others.
func kindOfEdit(code string) crdt.Kind {
	switch {
	case !slices.Contains(editCodes, code):
		return crdt.KindNone
	case code == "text-splice":
		return crdt.KindText
	}
	return crdt.KindList
}

func (e *sequenceEdit) kind() crdt.Kind { return kindOfEdit(e.code) }

// taken is how many elements the edit needs from its position on.
func (e *sequenceEdit) taken() int {
	if strings.HasSuffix(e.code, "-splice") {
		return e.removed
	}
	return 1
}

// width is how many dots the edit owns.
func (e *sequenceEdit) width() uint64 {
	if strings.HasSuffix(e.code, "-splice") {
		return uint64(e.removed + len(e.inserted))
	}
	return 1
}

// readEdit reads what a log shows of an op on a text or a list.
func readEdit(code string, v canon.Value) *sequenceEdit {
	number := func(name string) int {
		field, _ := v.Get(name)
		n, _ := field.AsInt()
		return int(n)
	}
	e := &sequenceEdit{code: code, pos: number("pos") + number("from"), removed: number("removed"), to: number("to")}
	inserted, _ := v.Get("inserted")
	if text, ok := inserted.AsString(); ok {
		e.inserted = slices.DeleteFunc(strings.Split(text, ""), func(s string) bool { return s == "" })
	} else if inserted != nil {
		for item := range inserted.Elements() {
			e.inserted = append(e.inserted, string(item.AppendJSON(nil)))
		}
	}
	if item, ok := v.Get("element"); ok {
		e.inserted = []string{string(item.AppendJSON(nil))}
	}
	return e
}
